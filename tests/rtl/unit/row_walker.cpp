// row_walker: rows against three nested loops; wraps to the first row.
// verilate: row_walker
#include "Vrow_walker.h"
#include "tests/rtl/unit/bench.hpp"

int main() {
  using namespace unit;
  Clocked<Vrow_walker> bench;
  auto& top = bench.top;
  long rows = 0;
  for (std::uint32_t code = 0; code < 125; ++code) {  // all bounds of 1 to 5
    std::uint32_t bound[3], input[3], output[3];
    for (std::uint32_t i = 0, rest = code; i < 3; ++i, rest /= 5) {
      const std::uint32_t at = polaris::rtl::kRegRegisterNest + 4 * i;
      bench.configure(at + polaris::rtl::kRowLoopBound, bound[i] = 1 + rest % 5);
      bench.configure(at + polaris::rtl::kRowLoopInputStep, input[i] = word());
      bench.configure(at + polaris::rtl::kRowLoopOutputStep, output[i] = word());
      bench.configure(at + 3, word());  // no register
    }
    bench.configure(polaris::rtl::kRegRegisterNest + 12, word());
    top.init_i = 1;
    top.advance_i = chance(2);
    bench.cycle();
    top.init_i = 0;
    for (int pass = 0; pass < 3; ++pass)
      for (std::uint32_t i = 0; i < bound[0]; ++i)
        for (std::uint32_t j = 0; j < bound[1]; ++j)
          for (std::uint32_t k = 0; k < bound[2]; ++k) {
            top.advance_i = 0;
            if (chance(3)) bench.cycle();
            top.advance_i = 1;
            bench.settle();
            CHECK_EQ(top.input_row_o, i * input[0] + j * input[1] + k * input[2]);
            CHECK_EQ(top.output_row_o, i * output[0] + j * output[1] + k * output[2]);
            CHECK_EQ(top.last_o, i + 1 == bound[0] && j + 1 == bound[1] && k + 1 == bound[2]);
            bench.edge();
            ++rows;
          }
    for (std::uint64_t n = below(4); n > 0; --n) bench.cycle();  // the next init is mid-way
  }
  return report("all bounds of 1 to 5, " + std::to_string(rows) + " rows");
}
