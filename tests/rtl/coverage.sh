# coverage.sh VERILATOR RTL_DIR BUILD_DIR TEST_RTL: coverage of the accelerator (DIM 4) under the random
# jobs of TEST_RTL, the built test_rtl, per module: lines, and toggles of signals up to 64 bits wide
# (the data paths are compared byte by byte).
set -eu
here=$(cd "$(dirname "$0")" && pwd)
verilator=$1 rtl=$2 build=$3 test_rtl=$4
mkdir -p "$build"
rm -f "$build"/counts.*
sh "$here/build_worker.sh" "$verilator" "$rtl" "$build" 4 --coverage-line --coverage-toggle \
  --coverage-max-width 64
POLARIS_RTL_WORKERS=$build POLARIS_RTL_COVERAGE=$build/counts. \
  "$test_rtl" --gtest_brief=1 --gtest_filter='Dims/RtlBitExact.*/Dim4'
verilator_coverage --write "$build/merged" "$build"/counts.* > /dev/null
python3 "$here/coverage.py" "$build/merged"
