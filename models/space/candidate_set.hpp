// Which design points of a layer's space are to be scored.
#pragma once

#include <cstdint>
#include <span>

#include "models/space/layer_space.hpp"

namespace polaris {

/// The listed points, or where none are listed the range [begin, end).
struct CandidateSet {
  LayerSpaceView space;
  std::span<const std::uint64_t> indices;  ///< each below space.size
  std::uint64_t begin = 0;
  std::uint64_t end = 0;  ///< begin <= end <= space.size

  std::uint64_t size() const { return indices.empty() ? end - begin : indices.size(); }
  /// Index of candidate number i.
  std::uint64_t index(std::uint64_t i) const { return indices.empty() ? begin + i : indices[i]; }
};

}  // namespace polaris
