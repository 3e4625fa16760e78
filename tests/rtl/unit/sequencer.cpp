// sequencer: the steps of random DRAM nests.
// verilate: sequencer
#include "Vsequencer.h"
#include "tests/rtl/unit/steps.hpp"

int main() {
  using namespace unit;
  Clocked<Vsequencer> bench;
  auto& top = bench.top;
  top.start_i = top.ready_i = 0;
  long steps = 0, psums = 0;
  for (int run = 0; run < 300; ++run) {
    bench.reset();
    const Nest nest = any_nest(60);
    nest.program(bench, polaris::rtl::kRegDramNest);
    bench.settle();
    CHECK_EQ(top.valid_o, 0);
    CHECK_EQ(top.done_o, 0);
    top.start_i = 1;
    bench.edge();
    top.start_i = 0;
    for (const Step& want : steps_of(nest)) {
      do {
        top.ready_i = !chance(3);
        bench.settle();
        CHECK_EQ(top.valid_o, 1);
        CHECK_EQ(top.done_o, 0);
        CHECK(want.equals(top.step_o));
        bench.edge();
      } while (!top.ready_i);
      ++steps;
      psums += want.load_psum;
    }
    top.ready_i = 1;
    bench.settle();
    CHECK_EQ(top.valid_o, 0);
    CHECK_EQ(top.done_o, 1);
  }
  CHECK(psums > 100);
  expect_assertion("StepHeld", [&] {
    Nest nest;
    nest.loop[0] = {3, 5, 0, 0, 0x1};
    nest.program(bench, polaris::rtl::kRegDramNest);
    bench.reset();
    top.start_i = top.ready_i = 1;
    bench.cycle();
    top.start_i = 0;
    bench.cycle();
    top.ready_i = 0;
    top.start_i = 1;  // rewinds under an offer
    bench.cycle();
    bench.cycle();
  });
  return report(std::to_string(steps) + " steps, " + std::to_string(psums) + " with a reload");
}
