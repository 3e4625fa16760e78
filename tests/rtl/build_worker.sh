# build_worker.sh VERILATOR RTL_DIR OUT_DIR DIM [FLAG...]: a simulation worker OUT_DIR/dimDIM with
# assertions, quickly compiled; FLAGs go to Verilator. For RTL that the model cache must not keep:
# mutated, or with coverage (then every worker leaves its counts in ${POLARIS_RTL_COVERAGE}PID).
set -eu
verilator=$1 rtl=$2 out=$3 dim=$4
shift 4
include=$("$verilator" --getenv VERILATOR_ROOT)/include
model=$out/model_dim$dim
rm -rf "$model"
mkdir -p "$model"
"$verilator" --cc -O3 --assert --x-assign fast --x-initial fast --top-module accelerator \
  --prefix Vaccelerator --unroll-count 2048 --unroll-stmts 1000000 -GDim="$dim" -Mdir "$model" \
  -Wno-fatal -Wno-lint -I"$rtl" "$@" $(sed "s|^|$rtl/|" "$rtl/accelerator.f") > "$model/log" 2>&1 ||
  { cat "$model/log"; exit 1; }
# With coverage the sources are ten times as long, and not worth optimizing.
coverage=0 runtime= optimize=-O1
case " $* " in *" --coverage"*) coverage=1 runtime=verilated_cov.cpp optimize=-O0 ;; esac
for file in "$model"/*.cpp; do echo "#include \"$file\""; done > "$model/all.inc"
for file in verilated.cpp verilated_dpi.cpp verilated_threads.cpp $runtime harness/worker.cpp; do
  echo "#include \"$file\""
done >> "$model/all.inc"
clang++ -std=c++20 $optimize -DPOLARIS_RTL_DIM="$dim" -DVM_COVERAGE=$coverage -DVM_TRACE=0 -I"$model" \
  -I"$include" -I"$include/vltstd" -I"$rtl" -x c++ "$model/all.inc" -o "$out/dim$dim" \
  -lpthread -latomic
