// Owns the factor tables behind a LayerSpaceView.
#pragma once

#include <array>
#include <vector>

#include "models/space/layer_space.hpp"

namespace polaris {

class LayerSpace {
 public:
  /// Builds the tables of all perfect factorisations. Throws Error where a bound is below 1, a
  /// grid axis is empty, or the space has more than 2^63 points.
  LayerSpace(const Layer& layer, const HardwareGrid& hardware);

  LayerSpace(const LayerSpace&) = delete;
  LayerSpace& operator=(const LayerSpace&) = delete;
  LayerSpace(LayerSpace&&) = default;
  LayerSpace& operator=(LayerSpace&&) = default;

  /// Valid as long as this object lives (moving it keeps the view valid).
  const LayerSpaceView& view() const { return view_; }

 private:
  std::array<std::vector<Split>, kDims> splits_;
  LayerSpaceView view_{};
};

}  // namespace polaris
