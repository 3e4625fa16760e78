// The accelerator's knobs: a weight-stationary systolic array with a scratchpad for weights and
// inputs and an accumulator memory for partial sums (spec: analytical-model section 1, rtl section
// 1).
#pragma once

#include <cstdint>

#include "models/space/macros.hpp"

namespace polaris {

/// What the search may choose. 8-bit weights and inputs, 32-bit accumulators.
struct HardwareConfig {
  std::int32_t dim = 16;                       ///< array is dim x dim PEs: rows = C, columns = K
  std::int64_t accumulator_words = 1024;       ///< 32-bit words per column (dim columns)
  std::int64_t scratchpad_bytes = 256 * 1024;  ///< bytes in all, rows of dim bytes
  std::int32_t bus_bytes = 8;                  ///< DRAM bus: bytes (= 8-bit words) per cycle

  /// Of all columns together.
  POLARIS_HD constexpr std::int64_t accumulator_bytes() const {
    return 4 * dim * accumulator_words;
  }
};

POLARIS_HD constexpr bool operator==(const HardwareConfig& a, const HardwareConfig& b) {
  return a.dim == b.dim && a.accumulator_words == b.accumulator_words &&
         a.scratchpad_bytes == b.scratchpad_bytes && a.bus_bytes == b.bus_bytes;
}

/// What the memory system does to the RTL's cycles and the analytical model does not see.
/// Fixed within one design space.
struct MemorySystem {
  std::int32_t latency = 60;          ///< cycles from accepted request to first beat
  std::int32_t max_outstanding = 16;  ///< read bursts in flight
  std::int32_t burst_bytes = 64;      ///< longest burst; requests never cross this alignment
  std::int32_t page_miss = 12;        ///< extra cycles where a burst opens another DRAM row
  std::int32_t scratchpad_banks = 4;  ///< single-port banks, power of two
};

POLARIS_HD constexpr bool operator==(const MemorySystem& a, const MemorySystem& b) {
  return a.latency == b.latency && a.max_outstanding == b.max_outstanding &&
         a.burst_bytes == b.burst_bytes && a.page_miss == b.page_miss &&
         a.scratchpad_banks == b.scratchpad_banks;
}

}  // namespace polaris
