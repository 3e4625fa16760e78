// scratchpad: a memory under random requests of all four users; misuse sets the error.
// verilate: scratchpad -GDim=4 -GRows=32
#include "Vscratchpad.h"
#include "tests/rtl/unit/bench.hpp"

int main() {
  using namespace unit;
  constexpr std::uint32_t kRows = 32;
  Clocked<Vscratchpad> bench;
  auto& top = bench.top;
  std::uint32_t memory[kRows] = {};
  std::uint32_t stream_data = 0, preload_data = 0;
  bool known = false;  // read ports
  long reads = 0, writes = 0, refused = 0;
  const auto idle = [&] {
    top.stream_valid_i = top.preload_valid_i = top.input_valid_i = top.weight_valid_i = 0;
  };
  idle();
  top.data_on_i = 1;
  top.capacity_i = kRows;
  bench.reset();
  for (std::uint32_t row = 0; row < kRows; ++row) {
    top.input_valid_i = top.input_first_i = 1;
    top.input_row_i = row;
    top.input_data_i = memory[row] = word();
    bench.cycle();
  }
  for (int i = 0; i < 100'000; ++i) {
    if (i % 1000 == 0) {
      top.data_on_i = i % 5000 != 0;
      top.bank_shift_i = below(6);
    }
    top.stream_valid_i = chance(2);
    top.preload_valid_i = chance(2);
    top.input_valid_i = chance(2);
    top.weight_valid_i = chance(2);
    for (IData* row : {&top.stream_row_i, &top.preload_row_i, &top.input_row_i, &top.weight_row_i})
      *row = static_cast<std::uint32_t>(below(kRows));
    top.input_first_i = chance(2);
    top.weight_first_i = chance(2);
    top.input_data_i = word() & word();
    top.weight_data_i = word() & word();
    bench.settle();
    const bool stream = top.stream_valid_i, preload = top.preload_valid_i && top.preload_ready_o,
               input = top.input_valid_i && top.input_ready_o,
               weight = top.weight_valid_i && top.weight_ready_o;
    refused += (top.preload_valid_i && !preload) + (top.input_valid_i && !input) +
               (top.weight_valid_i && !weight);
    bench.edge();
    if (top.data_on_i) {
      if (stream) stream_data = memory[top.stream_row_i];
      if (preload) preload_data = memory[top.preload_row_i];
      known |= stream && preload;
      const auto write = [&](std::uint32_t row, bool first, std::uint32_t data) {
        memory[row] = first ? data : memory[row] | data;
        ++writes;
      };
      if (input) write(top.input_row_i, top.input_first_i, top.input_data_i);
      if (weight) write(top.weight_row_i, top.weight_first_i, top.weight_data_i);
      reads += stream + preload;
    }
    if (known) {  // a port keeps the row last read
      CHECK_EQ(top.stream_data_o, stream_data);
      CHECK_EQ(top.preload_data_o, preload_data);
    }
    CHECK_EQ(top.error_o, 0);
  }
  CHECK(refused > 1000);
  // Each user beyond the capacity; the error stays until reset, with data or without.
  for (int user = 0; user < 4; ++user)
    for (const std::uint32_t beyond : {0u, 1u}) {
      idle();
      top.data_on_i = beyond;
      top.capacity_i = 10;
      bench.reset();
      top.stream_valid_i = user == 0;
      top.preload_valid_i = user == 1;
      top.input_valid_i = user == 2;
      top.weight_valid_i = user == 3;
      top.stream_row_i = top.preload_row_i = top.input_row_i = top.weight_row_i = 9;
      bench.cycle();
      CHECK_EQ(top.error_o, 0);
      top.stream_row_i = top.preload_row_i = top.input_row_i = top.weight_row_i = 10 + beyond;
      bench.cycle();
      idle();
      bench.cycle();
      CHECK_EQ(top.error_o, 1);
    }
  bench.reset();
  CHECK_EQ(top.error_o, 0);
  return report(std::to_string(reads) + " reads, " + std::to_string(writes) + " writes, " +
                std::to_string(refused) + " refused");
}
