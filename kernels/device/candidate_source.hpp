// Where candidates come from: indices of a layer's space, counted off or listed, or given points.
#pragma once

#include <cstdint>

#include "models/space/layer_point.hpp"
#include "models/space/layer_space.hpp"

namespace polaris {

/// Candidate number p is points[p], else design point indices[p] of the space, else design point
/// begin + p * stride. Device memory; null where not used.
struct CandidateSource {
  LayerSpaceView space;
  const LayerPoint* points;
  const std::uint64_t* indices;
  std::uint64_t begin;
  std::uint64_t stride;

  POLARIS_HD std::uint64_t index(std::uint64_t p) const {
    return indices != nullptr ? indices[p] : begin + p * stride;
  }

  POLARIS_HD LayerPoint point(std::uint64_t p) const {
    if (points != nullptr) return points[p];
    const DesignPoint point = space.decode(index(p));
    return {space.layer, point.hardware, point.mapping};
  }
};

/// Candidates of one launch: first, first + 1, ..., first + count - 1 of a source. In device
/// memory, so that a recorded launch can be repeated on the next ones.
struct CandidateTile {
  std::uint64_t first;
  std::uint32_t count;
};

/// Longest tile: places in it are 32-bit numbers, with one to spare.
inline constexpr std::uint64_t kMaxTileCandidates = std::uint64_t{1} << 31;

}  // namespace polaris
