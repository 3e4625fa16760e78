// bank_arbiter: who is served, over all combinations of requests and rows.
// verilate: bank_arbiter
#include "Vbank_arbiter.h"
#include "tests/rtl/unit/bench.hpp"

int main() {
  using namespace unit;
  Clocked<Vbank_arbiter> bench;
  auto& top = bench.top;
  constexpr unsigned kRows = 8;
  long combinations = 0;
  for (unsigned shift = 0; shift < 4; ++shift)
    for (unsigned valid = 0; valid < 16; ++valid)
      for (unsigned rows = 0; rows < kRows * kRows * kRows * kRows; ++rows) {
        // In order of priority: streamer, preloader, input load, weight load.
        unsigned row[4], bank[4];
        for (unsigned i = 0, rest = rows; i < 4; ++i, rest /= kRows) {
          row[i] = rest % kRows;
          bank[i] = row[i] >> shift;
        }
        const bool wants[4] = {(valid & 1) != 0, (valid & 2) != 0, (valid & 4) != 0,
                               (valid & 8) != 0};
        top.bank_shift_i = shift;
        top.stream_valid_i = wants[0];
        top.preload_valid_i = wants[1];
        top.input_valid_i = wants[2];
        top.stream_row_i = row[0];
        top.preload_row_i = row[1];
        top.input_row_i = row[2];
        top.weight_row_i = row[3];
        bench.settle();
        const bool ready[4] = {true, top.preload_ready_o != 0, top.input_ready_o != 0,
                               top.weight_ready_o != 0};
        // Served unless one of higher priority is served in that bank, or, for loads, a preload
        // waits for it.
        for (int i = 1; i < 4; ++i) {
          if (!wants[i]) continue;
          bool taken = false;
          for (int above = 0; above < i; ++above)
            taken |= wants[above] && bank[above] == bank[i] && (ready[above] || above == 1);
          CHECK_EQ(ready[i], !taken);
        }
        top.multi_port_i = 1;
        bench.settle();
        CHECK(top.preload_ready_o && top.input_ready_o && top.weight_ready_o);
        top.multi_port_i = 0;
        for (int a = 0; a < 4; ++a)
          for (int b = a + 1; b < 4; ++b)
            CHECK(!(wants[a] && ready[a] && wants[b] && ready[b] && bank[a] == bank[b]));
        ++combinations;
        top.multi_port_i = 1;
        bench.settle();
        CHECK(top.preload_ready_o && top.input_ready_o && top.weight_ready_o);
        top.multi_port_i = 0;
      }
  return report("all " + std::to_string(combinations) +
                " combinations of requests, rows and shifts");
}
