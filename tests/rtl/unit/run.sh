# run.sh VERILATOR RTL_DIR BUILD_DIR BENCH [FLAG...]: builds tests/rtl/unit/BENCH.cpp with the modules
# that its `// verilate:` lines name, assertions on, and runs it. FLAGs go to Verilator.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
verilator=$1 rtl=$2 build=$3/$4 shared=$3 bench=$here/$4.cpp
shift 4
include=$("$verilator" --getenv VERILATOR_ROOT)/include
ccache=$(command -v ccache || true)
compile="$ccache g++ -std=c++20 -O1 -I$include -I$include/vltstd -I$here/../../.. -DVM_COVERAGE=${POLARIS_VM_COVERAGE:-0}"
mkdir -p "$build"
exec 2>&1

# Verilator's run time, once for all benches; the benches bring their own handler of $error.
(
  flock 9
  for part in verilated verilated_dpi verilated_threads ${POLARIS_VM_COVERAGE:+verilated_cov}; do
    [ -f "$shared/$part.o" ] ||
      $compile -DVL_USER_STOP -c "$include/$part.cpp" -o "$shared/$part.o"
  done
) 9> "$shared/lock"

: > "$build/unit.cpp"
number=0
sed -n 's|^// verilate: ||p' "$bench" > "$build/modules"
while read -r module flags; do
  number=$((number + 1))
  rm -rf "$build/$number"
  "$verilator" --cc --assert --top-module "$module" $flags "$@" -Mdir "$build/$number" \
    --unroll-count 2048 --unroll-stmts 1000000 -Wno-fatal -Wno-lint \
    -I"$rtl" -y "$rtl" -y "$here/../mesh" "$rtl/lint.vlt" "$rtl/accelerator_pkg.sv" \
    $(ls "$rtl/$module.sv" "$here/../mesh/$module.sv" 2> /dev/null) > "$build/verilate.log" ||
    { cat "$build/verilate.log"; exit 1; }
  for file in "$build/$number"/*.cpp; do echo "#include \"$file\""; done >> "$build/unit.cpp"
  compile="$compile -I$build/$number"
done < "$build/modules"
echo "#include \"$bench\"" >> "$build/unit.cpp"
$compile "$build/unit.cpp" "$shared"/verilated*.o -o "$build/unit" -lpthread -latomic
cd "$build"
exec ./unit
