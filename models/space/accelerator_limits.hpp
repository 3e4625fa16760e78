// What the accelerator in rtl/ is built for (rtl/accelerator_pkg.sv): one array per dim, its
// memories at their largest size, and DRAM beats of up to 64 bytes. A design space may offer no
// more, and the RTL programmer refuses the rest.
#pragma once

#include <cstdint>

namespace polaris {

inline constexpr std::int32_t kMinDim = 4;   ///< smallest array; sizes are powers of two
inline constexpr std::int32_t kMaxDim = 64;  ///< largest array
inline constexpr std::int64_t kMaxScratchpadBytes = 2 * 1024 * 1024;
inline constexpr std::int64_t kMaxAccumulatorBytes = 512 * 1024;
inline constexpr std::int32_t kMaxBeatBytes = 64;    ///< of the bus and of a burst
inline constexpr std::int32_t kMaxOutstanding = 64;  ///< read bursts in flight
inline constexpr std::int32_t kMaxBanks = 32;        ///< of the scratchpad
/// Cycles of any latency; far above any memory, far below overflow.
inline constexpr std::int32_t kMaxDelay = 1 << 20;

}  // namespace polaris
