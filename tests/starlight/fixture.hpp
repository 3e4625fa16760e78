// A small problem that every Starlight test can afford: points of one design space, "measured"
// values that differ from the analytical model in a smooth way, an encoder trained for a second.
#pragma once

#include <cmath>
#include <cstdint>
#include <vector>

#include "host/fit/fit.hpp"
#include "host/fit/pretrain.hpp"
#include "host/space/layer_space.hpp"
#include "models/analytical/analytical.hpp"
#include "models/starlight/warp.hpp"

namespace polaris {

inline HardwareGrid test_grid() {
  HardwareGrid grid{};
  const std::int64_t axes[kHardwareAxes][3] = {
      {4, 8, 16}, {16384, 65536, 262144}, {32768, 131072, 524288}, {8, 16, 32}};
  for (int a = 0; a < kHardwareAxes; ++a) {
    grid.count[a] = 3;
    for (int i = 0; i < 3; ++i) grid.value[a][i] = axes[a][i];
  }
  return grid;
}

inline Layer test_layer() {
  Layer layer;
  const std::int32_t size[kDims] = {3, 3, 14, 14, 32, 64, 1};
  for (int d = 0; d < kDims; ++d) layer.size[d] = size[d];
  return layer;
}

inline const LayerSpaceView& test_space() {
  static const LayerSpace space(test_layer(), test_grid());
  return space.view();
}

/// `count` feasible indices; another `stream` gives others.
inline std::vector<std::uint64_t> feasible_indices(std::size_t count, std::uint64_t stream) {
  const LayerSpaceView& space = test_space();
  std::vector<std::uint64_t> out;
  for (std::uint64_t i = 0; out.size() < count; ++i) {
    const std::uint64_t index = space.sample(5, stream, i);
    if (check(space.layer, space.decode(index)) == Feasibility::feasible) out.push_back(index);
  }
  return out;
}

inline std::vector<LayerPoint> test_points(std::size_t count, std::uint64_t stream) {
  std::vector<LayerPoint> out;
  for (const std::uint64_t index : feasible_indices(count, stream)) {
    const DesignPoint point = test_space().decode(index);
    out.push_back({test_space().layer, point.hardware, point.mapping});
  }
  return out;
}

/// Measurement of a machine that stalls on small array passes.
inline DesignSample measure(const LayerPoint& point) {
  const AnalyticalResult result = evaluate_analytical(point.layer, point.hardware, point.mapping);
  const double stall = 0.3 * static_cast<double>(result.counts.register_fills) * point.hardware.dim;
  return {point.layer, point.hardware, point.mapping, static_cast<double>(result.cycles) + stall,
          result.energy_pj * (1.02 + 0.05 * std::tanh(stall / static_cast<double>(result.cycles)))};
}

inline std::vector<DesignSample> test_samples(std::size_t count, std::uint64_t stream = 1) {
  std::vector<DesignSample> out;
  for (const LayerPoint& point : test_points(count, stream)) out.push_back(measure(point));
  return out;
}

inline const Pretrained& test_pretrained() {
  static const Pretrained model = [] {
    PretrainOptions options;
    options.epochs = 3;
    options.source = "test";
    return pretrain(test_points(3000, 9), options);
  }();
  return model;
}

inline const StarlightModel& test_model() {
  static const StarlightModel model =
      fit_starlight(test_pretrained(), test_samples(150), FitOptions());
  return model;
}

}  // namespace polaris
