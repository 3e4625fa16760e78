// Clocks the mesh twins and reports.
#include <verilated.h>

#include <cstdio>

#include "Vmesh_twins.h"

int main() {
  constexpr int kCycles = 100'000;
  VerilatedContext context;
  context.randSeed(1);
  Vmesh_twins twins(&context);
  for (int cycle = 0; cycle < kCycles; ++cycle) {
    twins.rst_ni = cycle >= 2;
    twins.clk_i = 0;
    twins.eval();
    twins.clk_i = 1;
    twins.eval();
  }
  std::printf("%d rows compared under %d sets of weights, %d differ\n", twins.compared_o,
              twins.swaps_o, twins.failures_o);
  const bool exercised = twins.compared_o > kCycles / 2 && twins.swaps_o > kCycles / 200;
  return exercised && twins.failures_o == 0 ? 0 : 1;
}
