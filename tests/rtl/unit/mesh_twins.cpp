// The retimed mesh against a whole array of processing elements, wired in SystemVerilog. (mesh.cpp
// covers the larger arrays, whose models take minutes to compile in one piece.)
// verilate: mesh_twins -GDim=4 --prefix Vtwins4
// verilate: mesh_twins -GDim=8 --prefix Vtwins8
// verilate: mesh_twins -GDim=16 --prefix Vtwins16
#include "Vtwins16.h"
#include "Vtwins4.h"
#include "Vtwins8.h"
#include "tests/rtl/unit/bench.hpp"

namespace unit {

template <class Top>
void compare(int cycles) {
  Clocked<Top> bench;
  bench.reset();
  for (int i = 0; i < cycles; ++i) bench.cycle();
  CHECK_EQ(bench.top.failures_o, 0);
  CHECK(bench.top.compared_o > cycles / 2);
  CHECK(bench.top.swaps_o > cycles / 200);
  std::printf("%d rows compared under %d sets of weights\n", bench.top.compared_o,
              bench.top.swaps_o);
}

}  // namespace unit

int main() {
  using namespace unit;
  context().randSeed(1);
  compare<Vtwins4>(100'000);
  compare<Vtwins8>(50'000);
  compare<Vtwins16>(20'000);
  return report("arrays of 4, 8 and 16");
}
