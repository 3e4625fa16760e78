// Merges candidates into a running list of the k best.
#pragma once

#include <cstdint>

#include "kernels/device/stream.hpp"
#include "models/space/scored_index.hpp"

namespace polaris {

struct SelectTopKParams {
  const ScoredIndex*
      candidates;      ///< device, [count], any order; NaN and infinite scores are passed
                       ///< over; indices differ from each other and from those in `best`
  std::int64_t count;  ///< 0 or more
  int k;               ///< 1 to kMaxTopK
  ScoredIndex* best;   ///< device, [k], in and out: ranking order, no_candidate() behind
};

/// Queues the kernel on `stream`. Throws DeviceError.
void select_top_k(const SelectTopKParams& params, const DeviceStream& stream);

}  // namespace polaris
