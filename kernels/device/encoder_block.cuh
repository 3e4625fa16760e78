// How a block shares 16 samples and the units of the encoder among its threads when it is fitted:
// threadIdx.x = group * kEncoderSamples + sample, each group with a sixteenth of the units.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

#include "models/starlight/dropout.hpp"
#include "models/starlight/network.hpp"

namespace polaris {

inline constexpr int kEncoderSamples = 16;
inline constexpr int kEncoderGroups = 16;
inline constexpr unsigned kEncoderThreads = kEncoderGroups * kEncoderSamples;

/// Units of one group: of the first and the second hidden layer, and one latent.
inline constexpr int kGroupUnits1 = kHidden1 / kEncoderGroups;
inline constexpr int kGroupUnits2 = kHidden2 / kEncoderGroups;
static_assert(kGroupUnits1 == Dropout::kUnits && kGroupUnits2 == 2 && kLatent == kEncoderGroups);

POLARIS_HD constexpr int encoder_blocks(int samples) {
  return (samples + kEncoderSamples - 1) / kEncoderSamples;
}

/// Dropout factors on the units of a group.
struct GroupDropout {
  double unit1[kGroupUnits1], unit2[kGroupUnits2];
};

/// A draw serves one group of the first layer, and two of the second.
__device__ inline GroupDropout group_dropout(const Dropout& dropout, std::uint64_t sample,
                                             int group, int step) {
  if (dropout.rate == 0.0) return {{1.0, 1.0, 1.0, 1.0}, {1.0, 1.0}};
  const Dropout::Factors first = dropout.factors(sample, group, step);
  const Dropout::Factors second =
      dropout.factors(sample, (kHidden1 + group * kGroupUnits2) / Dropout::kUnits, step);
  const bool upper = group % 2 != 0;
  return {{first.unit[0], first.unit[1], first.unit[2], first.unit[3]},
          {upper ? second.unit[2] : second.unit[0], upper ? second.unit[3] : second.unit[1]}};
}

}  // namespace polaris
