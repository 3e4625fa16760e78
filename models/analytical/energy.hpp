// Energy of one access to each storage level (spec: analytical-model section 7).
#pragma once

#include "models/space/hardware.hpp"

namespace polaris {

inline constexpr int kDramVectorWords = 64;  ///< words that one DRAM access moves

/// pJ per access.
struct AccessEnergy {
  double reg;          ///< register of 8 bits
  double accumulator;  ///< word of 32 bits in one column's memory
  double scratchpad;   ///< vector of dim bytes
  double dram;         ///< vector of kDramVectorWords bytes
  double mac;          ///< 8-bit multiplication with 32-bit addition
};

/// Timeloop's built-in SRAM model as DOSA uses it (Parashar et al., ISPASS 2019; Hong et al.,
/// MICRO 2023): linear in the capacity of one instance and in the bits of one access, 100 pJ per
/// DRAM word, and the 40 nm multiplier and adder of Accelergy's Aladdin tables scaled to 8 bits.
/// Reads, writes and updates cost the same.
POLARIS_HD constexpr AccessEnergy access_energy(const HardwareConfig& hardware) {
  constexpr double kSlope = 5.0 / 99.5;  // from 1 at 0.5 KB to 6 at 100 KB, per 16 bits
  constexpr double kRegisterKb = 8.0 / 8192.0;
  constexpr double kDramPerWord = 100.0;
  constexpr double kMac = 0.5608;
  const double accumulator_kb = static_cast<double>(hardware.accumulator_words) / 256.0;
  const double scratchpad_kb = static_cast<double>(hardware.scratchpad_bytes) / 1024.0;
  return {(kSlope * (kRegisterKb - 0.5) + 1.0) / 2.0, 2.0 * (kSlope * (accumulator_kb - 0.5) + 1.0),
          static_cast<double>(hardware.dim) / 2.0 * (kSlope * (scratchpad_kb - 0.5) + 1.0),
          kDramPerWord * kDramVectorWords, kMac};
}

}  // namespace polaris
