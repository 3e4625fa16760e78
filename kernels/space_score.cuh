// Scores a range of a layer's space and keeps the best of each block.
//
//   decode(index) -> feasible? -> analytical model -> objective -> best k of the block
//
// Nothing but a range goes in and nothing but k candidates per block come out: memory does not
// depend on the length of the range.
#pragma once

#include <cstdint>

#include "kernels/device/stream.hpp"
#include "models/analytical/score.hpp"
#include "models/space/layer_space.hpp"
#include "models/space/scored_index.hpp"

namespace polaris {

/// Longest range of one call: a thread counts its feasible points in 32 bits.
inline constexpr std::uint64_t kMaxTile = std::uint64_t{1} << 31;

struct SpaceScoreParams {
  LayerSpaceView view;  ///< split tables in device memory (DeviceSpace)
  std::uint64_t begin;  ///< first index
  std::uint64_t count;  ///< indices; at most kMaxTile, begin + count <= view.size
  Objective objective;
  int k;                         ///< 1 to kMaxSharedTopK
  const ScoredIndex* best;       ///< device, [k], ranking order: the best of earlier ranges;
                                 ///< candidates that do not beat its last are dropped
  int blocks;                    ///< of the grid, at least 1
  ScoredIndex* block_best;       ///< device, [blocks * k], out: each block's best, ranking order,
                                 ///< padded by no_candidate()
  unsigned long long* feasible;  ///< device, [1]: the feasible points of the range are added
};

/// Blocks that fill the current device.
int space_score_blocks();

/// Queues the kernel on `stream`. Throws DeviceError.
void space_score(const SpaceScoreParams& params, const DeviceStream& stream);

}  // namespace polaris
