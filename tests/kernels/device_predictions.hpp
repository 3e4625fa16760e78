// The scoring kernel by itself: predictions of listed candidates in any precision and layout.
#pragma once

#include <cstdint>
#include <vector>

#include "host/engine/posterior_view.hpp"
#include "kernels/device/device_space.hpp"
#include "kernels/starlight_score.cuh"

namespace polaris {

inline constexpr std::size_t kSmallShared = 48 * 1024, kLargeShared = 160 * 1024;

/// Where candidates come from and how the kernel is asked to work.
struct DeviceRequest {
  std::vector<std::uint64_t> indices;
  ScoreDepth depth = ScoreDepth::whole;
  std::size_t shared_limit = kSmallShared;
  ScreenPrecision precision = ScreenPrecision::fp32;  ///< not looked at where T is double
};

/// Predictions of all indices; feasibility is not asked. `sketch`: looked at where that is asked
/// for.
template <typename T>
std::vector<BasicPrediction<T>> predict_on_device(const PosteriorTensors<T>& tensors,
                                                  const LayerSpaceView& view,
                                                  const DeviceRequest& request,
                                                  const StarlightSketch& sketch = {}) {
  constexpr int kBlocks = 2;
  const DeviceStream stream;
  const DeviceSpace space(view, stream);
  const DeviceModel<T> model(posterior_view(tensors), sketch, stream);
  const auto count = static_cast<std::uint32_t>(request.indices.size());
  DeviceBuffer<std::uint64_t> indices(count, "test");
  indices.upload(request.indices, stream);
  DeviceBuffer<CandidateTile> tile(1, "test");
  tile.upload(std::vector<CandidateTile>{{0, count}}, stream);
  DeviceBuffer<BasicPrediction<T>> out(count, "test");
  const int kept = score_kept_rows(model.view(), request.depth);
  const ScoreLayout layout = choose_score_layout(kept, sizeof(T), request.shared_limit);
  DeviceBuffer<T> rows(score_row_elements(layout, kept, kBlocks), "test");
  starlight_score<T>({.source = {space.view(), nullptr, indices.data(), 0, 1},
                      .tile = tile.data(),
                      .places = {nullptr, nullptr},
                      .model = model.view(),
                      .precision = request.precision,
                      .depth = request.depth,
                      .output = ScoreOutput::predictions,
                      .predictions = out.data(),
                      .acquisition = {},
                      .error = {},
                      .kth_best = nullptr,
                      .survivors = {nullptr, nullptr},
                      .passed = {nullptr, nullptr},
                      .layout = layout,
                      .rows = rows.data(),
                      .blocks = kBlocks},
                     stream);
  return out.download(stream);
}

}  // namespace polaris
