// Register files: every address writes its own field and no other.
// verilate: buffer_registers -GGroup=5
// verilate: tile_registers -GGroup=3
// verilate: config_registers -GScratchpadRows=1000 -GAccumulatorRows=500
#include <algorithm>

#include "Vbuffer_registers.h"
#include "Vconfig_registers.h"
#include "Vtile_registers.h"
#include "tests/rtl/unit/bench.hpp"

namespace unit {
namespace reg = polaris::rtl;

constexpr int kWrites = 20'000;

void buffers() {
  Clocked<Vbuffer_registers> bench;
  std::uint32_t want[3];  // of BufferCount, BufferRow0, BufferRow1
  for (std::uint32_t field = 0; field < 3; ++field)
    bench.configure(reg::kGroupWeightBuffers * 4 + field, want[field] = 1);
  for (int i = 0; i < kWrites; ++i) {
    const std::uint32_t address = word() & 0xFF;
    const std::uint32_t value = chance(2) ? word() : static_cast<std::uint32_t>(below(4));
    bench.configure(address, value);
    const std::uint32_t field = address - reg::kGroupWeightBuffers * 4;
    if (field < 3) want[field] = value;
    CHECK_EQ(get_word(bench.top.buffers_o, 0), want[reg::kBufferRow1]);
    CHECK_EQ(get_word(bench.top.buffers_o, 1), want[reg::kBufferRow0]);
    CHECK_EQ(bench.top.buffers_o[2], want[reg::kBufferCount] == 2);
  }
}

void tiles() {
  Clocked<Vtile_registers> bench;
  constexpr std::uint32_t kFields = 10;
  std::uint32_t want[kFields];
  for (std::uint32_t field = 0; field < kFields; ++field)
    bench.configure(reg::kGroupWeightTile * 16 + field, want[field] = word());
  for (int i = 0; i < kWrites; ++i) {
    const std::uint32_t address = word() & 0xFF, value = word();
    bench.configure(address, value);
    const std::uint32_t field = address - reg::kGroupWeightTile * 16;
    if (field < kFields) want[field] = value;
    for (std::uint32_t f = 0; f < kFields; ++f)  // the first field is the highest word
      CHECK_EQ(get_word(bench.top.tile_o, kFields - 1 - f), want[f]);
  }
}

void scalars() {
  Clocked<Vconfig_registers> bench;
  std::uint32_t want[256] = {};
  for (std::uint32_t address = 0; address < 256; ++address)
    bench.configure(address, want[address] = word());
  for (int i = 0; i < kWrites; ++i) {
    const std::uint32_t address = word() & (chance(2) ? 0x0F : 0xFF);
    bench.configure(address, want[address] = chance(2) ? word() : word() & 0x3FF);
    const auto& top = bench.top;
    CHECK_EQ(top.data_on_o, !(want[reg::kRegTimingOnly] & 1));
    CHECK_EQ(top.requant_shift_o, want[reg::kRegRequantShift] & 31);
    CHECK_EQ(top.spatial_c_o, want[reg::kRegSpatialC] & 127);
    CHECK_EQ(top.bank_shift_o, want[reg::kRegBankShift] & 31);
    CHECK_EQ(top.scratchpad_rows_o, std::min(want[reg::kRegScratchpadRows], 1000u));
    CHECK_EQ(top.accumulator_rows_o, std::min(want[reg::kRegAccumulatorRows], 500u));
    CHECK_EQ(top.burst_bytes_o, want[reg::kRegBurstBytes]);
    CHECK_EQ(top.reload_weights_o, want[reg::kRegReloadWeights] & 1);
    CHECK_EQ(top.weight_row_step_o, want[reg::kRegWeightRowStep]);
    CHECK_EQ(top.switches_o, want[reg::kRegSwitches] & 127);
  }
}

}  // namespace unit

int main() {
  unit::buffers();
  unit::tiles();
  unit::scalars();
  return unit::report(std::to_string(3 * unit::kWrites) + " writes");
}
