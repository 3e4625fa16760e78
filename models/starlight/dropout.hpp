// Dropout of hidden units while an encoder is fitted (Srivastava et al., JMLR 15, 2014), drawn by
// counters: any thread of any back end draws the same.
#pragma once

#include <cstdint>

#include "models/space/philox.hpp"
#include "models/starlight/network.hpp"

namespace polaris {

struct Dropout {
  std::uint64_t seed;
  std::uint64_t stream;
  double rate;  ///< share of units dropped, below 1; 0: none

  static constexpr int kUnits = 4;                               ///< of one draw
  static constexpr int kDraws = (kHidden1 + kHidden2) / kUnits;  ///< of one sample
  static_assert(kHidden1 % kUnits == 0 && kHidden2 % kUnits == 0);

  struct Factors {
    double unit[kUnits];
  };

  /// Factors 0 or 1 / (1 - rate) on hidden units kUnits * draw on, the second layer's behind the
  /// first's, of sample `sample` at one step.
  POLARIS_HD Factors factors(std::uint64_t sample, int draw, int step) const {
    const double keep = 1.0 / (1.0 - rate);
    const std::uint64_t counter = (sample * kDraws + static_cast<std::uint64_t>(draw)) << 32 |
                                  static_cast<std::uint64_t>(step);
    const Philox4 bits = philox(seed, stream, counter);
    Factors out{};
    for (int w = 0; w < kUnits; ++w) out.unit[w] = bits.word[w] * 0x1.0p-32 < rate ? 0.0 : keep;
    return out;
  }
};

}  // namespace polaris
