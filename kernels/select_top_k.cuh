// Merges candidates into a running list of the k best.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/device/stream.hpp"
#include "models/space/scored_index.hpp"

namespace polaris {

struct SelectTopKParams {
  const ScoredIndex*
      candidates;              ///< device, [count], any order; NaN and infinite scores are passed
                               ///< over; indices differ from each other and from those in `best`
  const std::uint32_t* count;  ///< device, [1]
  int k;                       ///< 1 to kMaxTopK
  ScoredIndex* best;           ///< device, [k], in and out: ranking order, no_candidate() behind
  ScoredIndex* workspace;      ///< device, select_top_k_workspace(k) entries
};

inline constexpr int kMaxTopK = 16384;

/// Entries of `workspace`: none where the lists fit into shared memory.
std::size_t select_top_k_workspace(int k);

/// Queues the kernel on `stream`. Throws DeviceError.
void select_top_k(const SelectTopKParams& params, const DeviceStream& stream);

}  // namespace polaris
