// counters: each event in its own counter, only while running.
// verilate: counters
#include "Vcounters.h"
#include "tests/rtl/unit/bench.hpp"

int main() {
  using namespace unit;
  constexpr std::uint32_t kEvents = 20, kReadBytes = kEvents + 1, kWriteBytes = kEvents + 2;
  Clocked<Vcounters> bench;
  auto& top = bench.top;
  top.running_i = top.read_i = 0;
  for (int run = 0; run < 20; ++run) {
    bench.reset();
    std::uint64_t want[kEvents + 3] = {};
    for (int i = 0; i < 500; ++i) {
      top.running_i = !chance(5);
      // Alone, all together, any.
      top.events_i = i < 20    ? 1u << i
                     : i == 20 ? (1u << kEvents) - 1
                               : word() & ((1u << kEvents) - 1);
      top.read_bytes_i = below(65);
      top.write_bytes_i = chance(2) ? 0 : below(65);
      bench.cycle();
      if (!top.running_i) continue;
      ++want[0];
      for (std::uint32_t e = 0; e < kEvents; ++e) want[1 + e] += top.events_i >> e & 1;
      want[kReadBytes] += top.read_bytes_i;
      want[kWriteBytes] += top.write_bytes_i;
    }
    top.running_i = 0;
    for (std::uint32_t number = 0; number < kEvents + 3; ++number) {
      top.read_i = 1;
      top.addr_i = number;
      bench.cycle();
      top.read_i = 0;
      top.addr_i = 0;
      bench.cycle();  // keeps its answer
      CHECK_EQ(top.data_o, want[number]);
    }
  }
  expect_assertion("CounterExists", [&] {
    top.read_i = 1;
    top.addr_i = kWriteBytes;
    bench.cycle();
    CHECK_EQ(failed_assertions, 0);
    top.addr_i = kWriteBytes + 1;
    bench.cycle();
    top.addr_i = 0;
    bench.cycle();
  });
  return report("23 counters");
}
