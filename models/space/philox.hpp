// Counter-based random numbers: the n-th number of a seed is computed, not stepped to, so that any
// thread, device or shard draws the same sample. Philox-4x32-10 of Salmon, Moraes, Dror, Shaw,
// "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
#pragma once

#include <cstdint>

#include "models/space/macros.hpp"

namespace polaris {

struct Philox4 {
  std::uint32_t word[4];
};

/// The 128 random bits of `counter` in stream `stream` under `seed`.
POLARIS_HD constexpr Philox4 philox(std::uint64_t seed, std::uint64_t stream,
                                    std::uint64_t counter) {
  constexpr std::uint64_t kMultiplier0 = 0xD2511F53u, kMultiplier1 = 0xCD9E8D57u;
  constexpr std::uint32_t kWeyl0 = 0x9E3779B9u, kWeyl1 = 0xBB67AE85u;
  constexpr int kRounds = 10;
  std::uint32_t c0 = static_cast<std::uint32_t>(counter);
  std::uint32_t c1 = static_cast<std::uint32_t>(counter >> 32);
  std::uint32_t c2 = static_cast<std::uint32_t>(stream);
  std::uint32_t c3 = static_cast<std::uint32_t>(stream >> 32);
  std::uint32_t k0 = static_cast<std::uint32_t>(seed);
  std::uint32_t k1 = static_cast<std::uint32_t>(seed >> 32);
  for (int round = 0; round < kRounds; ++round) {
    const std::uint64_t p0 = kMultiplier0 * c0;
    const std::uint64_t p1 = kMultiplier1 * c2;
    c0 = static_cast<std::uint32_t>(p1 >> 32) ^ c1 ^ k0;
    c1 = static_cast<std::uint32_t>(p1);
    c2 = static_cast<std::uint32_t>(p0 >> 32) ^ c3 ^ k1;
    c3 = static_cast<std::uint32_t>(p0);
    k0 += kWeyl0;
    k1 += kWeyl1;
  }
  return Philox4{{c0, c1, c2, c3}};
}

/// High 64 bits of a 64 x 64 bit product, without 128-bit types (MSVC-free and device-safe).
POLARIS_HD constexpr std::uint64_t multiply_high(std::uint64_t a, std::uint64_t b) {
  const std::uint64_t a_lo = a & 0xFFFFFFFFu, a_hi = a >> 32;
  const std::uint64_t b_lo = b & 0xFFFFFFFFu, b_hi = b >> 32;
  const std::uint64_t low = a_lo * b_lo;
  const std::uint64_t mid1 = a_hi * b_lo + (low >> 32);
  const std::uint64_t mid2 = a_lo * b_hi + (mid1 & 0xFFFFFFFFu);
  return a_hi * b_hi + (mid1 >> 32) + (mid2 >> 32);
}

/// Uniform integer in [0, bound); the bias is below bound / 2^64.
POLARIS_HD constexpr std::uint64_t uniform_below(std::uint64_t bound, std::uint64_t seed,
                                                 std::uint64_t stream, std::uint64_t counter) {
  const Philox4 bits = philox(seed, stream, counter);
  return multiply_high((static_cast<std::uint64_t>(bits.word[1]) << 32) | bits.word[0], bound);
}

/// Uniform real in (0, 1) with 53 random bits.
POLARIS_HD constexpr double uniform_unit(std::uint64_t seed, std::uint64_t stream,
                                         std::uint64_t counter) {
  const Philox4 bits = philox(seed, stream, counter);
  const std::uint64_t wide = (static_cast<std::uint64_t>(bits.word[1]) << 32) | bits.word[0];
  return (static_cast<double>(wide >> 11) + 0.5) * 0x1.0p-53;
}

}  // namespace polaris
