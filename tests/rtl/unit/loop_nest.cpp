// loop_nest: offsets and what changes, against plain nested counting.
// verilate: loop_nest -GRegisters=96
#include "Vloop_nest.h"
#include "tests/rtl/unit/nest.hpp"

namespace unit {

void expect(Vloop_nest& top, const Nest::Iteration& want) {
  CHECK_EQ(top.last_o, want.last);
  CHECK_EQ(top.entered_o, want.entered);
  CHECK_EQ(top.leaving_o, want.leaving);
  CHECK_EQ(top.first_sum_o, want.first_sum);
  CHECK_EQ(top.last_sum_o, want.last_sum);
  CHECK_EQ(top.input_o, want.input);
  CHECK_EQ(top.weight_o, want.weight);
  CHECK_EQ(top.output_o, want.output);
}

}  // namespace unit

int main() {
  using namespace unit;
  Clocked<Vloop_nest> bench;
  long iterations = 0, nests = 0;
  const auto walk = [&](const Nest& nest) {
    nest.program(bench, polaris::rtl::kRegDramNest);
    bench.top.init_i = 1;
    bench.top.advance_i = 0;
    bench.cycle();
    bench.top.init_i = 0;
    for (const Nest::Iteration& iteration : nest.walk()) {
      if (chance(4)) {  // nothing moves without a request
        bench.top.advance_i = 0;
        bench.cycle();
      }
      expect(bench.top, iteration);
      bench.top.advance_i = !iteration.last;
      if (!iteration.last) bench.cycle();
      ++iterations;
    }
    ++nests;
  };
  // All bounds of 1 to 3.
  for (int code = 0; code < 2187; ++code) {
    Nest nest;
    int rest = code;
    for (NestLoop& loop : nest.loop) {
      loop = {static_cast<std::uint32_t>(1 + rest % 3), word(), word(), word(),
              static_cast<std::uint32_t>(below(16))};
      rest /= 3;
    }
    walk(nest);
  }
  // Large bounds and restarts in the middle.
  for (int i = 0; i < 50; ++i) {
    Nest nest = any_nest(16);
    nest.loop[below(kLoops)].bound = static_cast<std::uint32_t>(between(5, 300));
    walk(nest);
    bench.top.init_i = 1;
    bench.cycle();
    bench.top.init_i = 0;
    bench.top.advance_i = 1;
    for (std::uint64_t n = below(5); n > 0; --n) bench.cycle();
  }
  return report(std::to_string(nests) + " nests, all bounds of 1 to 3 among them, " +
                std::to_string(iterations) + " iterations");
}
