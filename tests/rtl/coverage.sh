# coverage.sh VERILATOR RTL_DIR BUILD_DIR TEST_RTL: line and toggle coverage (of signals up to 64 bits:
# data paths are compared byte by byte elsewhere) of the accelerator (DIM 4 and 16) under the random jobs of TEST_RTL, the built test_rtl. Prints covered and all points per
# module; annotated sources lie in BUILD_DIR/annotated, points never reached are marked %000000.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
verilator=$1 rtl=$2 build=$3 test_rtl=$4
mkdir -p "$build"
rm -rf "$build"/counts* "$build/annotated"
for dim in 4 16; do
  sh "$here/build_worker.sh" "$verilator" "$rtl" "$build" $dim --coverage-line --coverage-toggle \
    --coverage-max-width 64
  POLARIS_RTL_WORKERS=$build POLARIS_RTL_COVERAGE=$build/counts. \
    "$test_rtl" --gtest_brief=1 --gtest_filter="Dims/RtlBitExact.*/Dim$dim"
done
verilator_coverage --write "$build/merged" "$build"/counts.* > /dev/null
verilator_coverage --annotate "$build/annotated" --annotate-all --annotate-min 1 "$build/merged" \
  > /dev/null
python3 "$here/coverage.py" "$build/merged"
