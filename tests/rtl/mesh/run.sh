# run.sh VERILATOR RTL_DIR BUILD_DIR DIM: builds the mesh twins in BUILD_DIR and runs them.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$3"
"$1" --cc --exe --build --assert -O3 --top-module mesh_twins -GDim="$4" -Mdir "$3" -I"$2" \
  "$2/lint.vlt" "$2/accelerator_pkg.sv" "$2/mesh.sv" "$here/processing_element.sv" \
  "$here/systolic_mesh.sv" "$here/mesh_twins.sv" "$here/main.cpp" > "$3/build.log" 2>&1 ||
  { tail -20 "$3/build.log"; exit 1; }
exec "$3/Vmesh_twins"
