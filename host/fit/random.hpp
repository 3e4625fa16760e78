// Normal numbers from the counter-based generator.
#pragma once

#include <cmath>
#include <cstdint>
#include <numbers>

#include "models/space/philox.hpp"

namespace polaris {

/// Streams of one seed, so that no two uses share random bits.
enum class RandomStream : std::uint64_t { weights = 1, shuffle, latent, dropout, validation, folds };

inline double uniform(std::uint64_t seed, RandomStream stream, std::uint64_t counter) {
  return uniform_unit(seed, static_cast<std::uint64_t>(stream), counter);
}

/// Two standard normals of one counter (Box & Muller 1958).
inline void normal_pair(std::uint64_t seed, RandomStream stream, std::uint64_t counter,
                        double out[2]) {
  const Philox4 bits = philox(seed, static_cast<std::uint64_t>(stream), counter);
  const double u = (bits.word[0] + 0.5) * 0x1.0p-32;
  const double angle = 2.0 * std::numbers::pi * (bits.word[1] * 0x1.0p-32);
  const double radius = std::sqrt(-2.0 * std::log(u));
  out[0] = radius * std::cos(angle);
  out[1] = radius * std::sin(angle);
}

}  // namespace polaris
