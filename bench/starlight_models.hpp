// Spaces and models for the benchmarks: nothing is measured or trained well, only sized right.
#pragma once

#include <cstdint>
#include <vector>

#include "host/engine/engine.hpp"
#include "host/fit/fit.hpp"
#include "host/fit/pretrain.hpp"
#include "host/space/layer_space.hpp"
#include "models/analytical/analytical.hpp"

namespace polaris {

/// A layer of ResNet-50 under a grid like the zoo's default.
inline const LayerSpaceView& space() {
  static const LayerSpace layer_space = [] {
    Layer layer;
    const std::int32_t size[kDims] = {3, 3, 28, 28, 128, 128, 1};
    for (int d = 0; d < kDims; ++d) layer.size[d] = size[d];
    HardwareGrid grid{};
    const std::int64_t axes[kHardwareAxes][3] = {
        {8, 16, 32}, {65536, 131072, 262144}, {131072, 262144, 524288}, {8, 16, 32}};
    for (int a = 0; a < kHardwareAxes; ++a) {
      grid.count[a] = 3;
      for (int i = 0; i < 3; ++i) grid.value[a][i] = axes[a][i];
    }
    return LayerSpace(layer, grid);
  }();
  return layer_space.view();
}

inline std::vector<std::uint64_t> feasible(std::size_t count, std::uint64_t stream) {
  std::vector<std::uint64_t> out;
  for (std::uint64_t i = 0; out.size() < count; ++i) {
    const std::uint64_t index = space().sample(1, stream, i);
    if (check(space().layer, space().decode(index)) == Feasibility::feasible) out.push_back(index);
  }
  return out;
}

inline const Pretrained& encoder() {
  static const Pretrained pretrained = [] {
    std::vector<LayerPoint> points;
    for (const std::uint64_t index : feasible(4000, 1)) {
      const DesignPoint point = space().decode(index);
      points.push_back({space().layer, point.hardware, point.mapping});
    }
    PretrainOptions options;
    options.epochs = 2;
    return pretrain(points, options);
  }();
  return pretrained;
}

inline std::vector<DesignSample> samples(std::int64_t count) {
  std::vector<DesignSample> out;
  for (const std::uint64_t index : feasible(static_cast<std::size_t>(count), 2)) {
    const DesignPoint point = space().decode(index);
    const AnalyticalResult result =
        evaluate_analytical(space().layer, point.hardware, point.mapping);
    out.push_back({space().layer, point.hardware, point.mapping,
                   1.5 * static_cast<double>(result.cycles), result.energy_pj});
  }
  return out;
}

inline StarlightModel quick_model(std::int64_t count) {
  FitOptions options;
  options.steps = 2;
  options.estimate_deviation = 0.0;  // every sample counts
  return fit_starlight(encoder(), samples(count), options);
}

}  // namespace polaris
