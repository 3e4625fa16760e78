// The exact best points of a range of a layer's space, on the GPU. Needs no CUDA header.
#pragma once

#include <cstdint>
#include <vector>

#include "models/analytical/score.hpp"
#include "models/space/layer_space.hpp"
#include "models/space/scored_index.hpp"

namespace polaris {

struct ExhaustiveParams {
  std::uint64_t begin = 0;  ///< first index of the range
  std::uint64_t end = 0;    ///< one past its last; begin <= end <= view.size
  Objective objective = Objective::edp;
  int k = 10;  ///< points wanted, 1 to kMaxSharedTopK (1024)
  /// Indices per launch, 1 to kMaxTile (2^31). After each tile the k-th best so far becomes the
  /// bound that all blocks filter by: large against the blocks' rounds, small against the range.
  std::uint64_t tile = std::uint64_t{1} << 26;
};

struct ExhaustiveResult {
  std::vector<ScoredIndex> best;  ///< ranking order; fewer than k where fewer are feasible
  std::uint64_t feasible = 0;     ///< feasible points of the range
};

/// Scores every index of the range by `analytical_score` and returns the k that rank first: bit for
/// bit what sorting all the scores on the host would give, for any tile and device. Device memory
/// does not depend on the length of the range. Runs on the current device and returns when done.
/// Throws std::invalid_argument for parameters out of range, DeviceError where a CUDA call fails.
ExhaustiveResult exhaustive_top_k(const LayerSpaceView& view, const ExhaustiveParams& params);

}  // namespace polaris
