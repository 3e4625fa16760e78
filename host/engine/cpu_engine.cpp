// The path of a candidate, top to bottom: index -> decode -> features -> latent -> kernel row ->
// posterior -> prediction (here), -> acquisition -> top k (select.cpp).
#include <cstdint>
#include <limits>
#include <vector>

#include "host/core/parallel.hpp"
#include "host/engine/engine.hpp"
#include "host/engine/make_cpu_engine.hpp"
#include "host/engine/tile.hpp"

namespace polaris {
namespace {

/// Candidates of one work item: enough tiles to repay its workspace, small enough to balance.
constexpr std::int64_t kGrain = 8 * kTileSize;

template <typename T>
const PosteriorTensors<T>& tensors(const StarlightModel& model);
template <>
const PosteriorTensors<float>& tensors<float>(const StarlightModel& model) {
  return model.tensors_f32();
}
template <>
const PosteriorTensors<double>& tensors<double>(const StarlightModel& model) {
  return model.tensors_f64();
}

template <typename T>
void run_tile(Tile<T>& tile, std::span<const LayerPoint> points,
              std::span<BasicPrediction<T>> predictions) {
  tile.compute_features(points);
  tile.encode_features();
  tile.compute_kernel();
  tile.compute_posterior();
  tile.to_predictions(points, predictions);
}

/// Decoded feasible points on their way through a tile, and where their predictions belong.
template <typename T>
struct TileQueue {
  std::vector<LayerPoint> points = std::vector<LayerPoint>(kTileSize);
  std::vector<std::size_t> target = std::vector<std::size_t>(kTileSize);
  std::vector<BasicPrediction<T>> predictions = std::vector<BasicPrediction<T>>(kTileSize);
  std::size_t size = 0;

  void flush(Tile<T>& tile, std::span<BasicPrediction<T>> out) {
    if (size == 0) return;
    run_tile<T>(tile, {points.data(), size}, {predictions.data(), size});
    for (std::size_t i = 0; i < size; ++i) out[target[i]] = predictions[i];
    size = 0;
  }
};

template <typename T>
void predict_space(const StarlightModel& model, const LayerSpaceView& space,
                   std::span<const std::uint64_t> indices, std::span<BasicPrediction<T>> out,
                   int threads) {
  constexpr T kNone = std::numeric_limits<T>::quiet_NaN();
  parallel_for(static_cast<std::int64_t>(indices.size()), kGrain, threads,
               [&](std::int64_t begin, std::int64_t end) {
                 Tile<T> tile(tensors<T>(model));
                 TileQueue<T> queue;
                 for (std::int64_t i = begin; i < end; ++i) {
                   const auto n = static_cast<std::size_t>(i);
                   const DesignPoint point = space.decode(indices[n]);
                   if (check(space.layer, point) != Feasibility::feasible) {
                     out[n] = {kNone, kNone, kNone, kNone};
                     continue;
                   }
                   queue.points[queue.size] = {space.layer, point.hardware, point.mapping};
                   queue.target[queue.size] = n;
                   if (++queue.size == kTileSize) queue.flush(tile, out);
                 }
                 queue.flush(tile, out);
               });
}

template <typename T>
void predict_list(const StarlightModel& model, std::span<const LayerPoint> points,
                  std::span<BasicPrediction<T>> out, int threads) {
  parallel_for(static_cast<std::int64_t>(points.size()), kTileSize, threads,
               [&](std::int64_t begin, std::int64_t end) {
                 const auto first = static_cast<std::size_t>(begin);
                 const auto size = static_cast<std::size_t>(end - begin);
                 Tile<T> tile(tensors<T>(model));
                 run_tile<T>(tile, points.subspan(first, size), out.subspan(first, size));
               });
}

class CpuEngine final : public Engine {
 public:
  explicit CpuEngine(const EngineOptions& options) : threads_(options.threads) {}

  std::string_view name() const override { return "cpu"; }

  void predict(const StarlightModel& model, const LayerSpaceView& space,
               std::span<const std::uint64_t> indices, std::span<Prediction> predictions) override {
    predict_space<float>(model, space, indices, predictions, threads_);
  }
  void predict_exact(const StarlightModel& model, const LayerSpaceView& space,
                     std::span<const std::uint64_t> indices,
                     std::span<ExactPrediction> predictions) override {
    predict_space<double>(model, space, indices, predictions, threads_);
  }
  void predict_points(const StarlightModel& model, std::span<const LayerPoint> points,
                      std::span<Prediction> predictions) override {
    predict_list<float>(model, points, predictions, threads_);
  }
  void predict_points(const StarlightModel& model, std::span<const LayerPoint> points,
                      std::span<ExactPrediction> predictions) override {
    predict_list<double>(model, points, predictions, threads_);
  }

 private:
  int threads_;
};

}  // namespace

std::unique_ptr<Engine> make_cpu_engine(const EngineOptions& options) {
  return std::make_unique<CpuEngine>(options);
}

}  // namespace polaris
