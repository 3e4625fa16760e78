# lint.sh VERILATOR RTL_DIR DIM: all warnings on, only those waived in lint.vlt accepted.
set -eu
cd "$2"
exec "$1" --lint-only -Wall --assert -GDim="$3" --top-module accelerator \
  --unroll-count 2048 --unroll-stmts 1000000 "$PWD/lint.vlt" $(sed "s|^|$PWD/|" accelerator.f)
