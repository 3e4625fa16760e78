// The path of a candidate, top to bottom: index -> decode -> features -> latent -> kernel row ->
// posterior -> prediction (here), -> acquisition -> top k (cpu_top_k.cpp). In float32 by the stages
// of simd/, in float64 by ExactTile.
#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "host/core/parallel.hpp"
#include "host/engine/cpu_top_k.hpp"
#include "host/engine/engine.hpp"
#include "host/engine/exact_tile.hpp"
#include "host/engine/make_cpu_engine.hpp"
#include "host/engine/sample_order.hpp"
#include "host/engine/screen_tile.hpp"
#include "host/engine/select.hpp"
#include "host/engine/tile_filler.hpp"
#include "models/starlight/features.hpp"

namespace polaris {
namespace {

/// Candidates of one work item: enough tiles for a last one that is not full, small enough to
/// balance.
constexpr std::int64_t kGrain = 32 * ScreenTile::kSize;

template <typename T>
constexpr BasicPrediction<T> no_prediction() {
  constexpr T kNone = std::numeric_limits<T>::quiet_NaN();
  return {kNone, kNone, kNone, kNone};
}

/// A float32 tile of one thread and where its candidates' predictions belong.
struct ScreenWorker {
  ScreenTile tile;
  std::size_t target[ScreenTile::kSize];

  ScreenWorker(const simd::Stages& stages, int samples) : tile(stages, samples), target() {}

  /// How much of the posterior is looked at.
  enum class Depth : std::uint8_t { sketch, bound, all };

  void run(const ScreenModel& model, const PackedFactor& factor, const TailFactor* tail,
           Depth depth, int size, std::span<Prediction> out) {
    tile.encode(model, size);
    if (depth == Depth::sketch) {
      tile.finish_sketch(model, factor, size);
    } else {
      tile.compute_kernel(model, size);
      if (depth == Depth::all) {
        tile.explain_all(model, factor, tail, size);
      } else {
        tile.clear_explained(size);
        tile.explain(factor, 0, factor.bound_panels(), size);
      }
      tile.finish(model, size);
    }
    for (int slot = 0; slot < size; ++slot) out[target[slot]] = tile.prediction(slot);
  }
};

/// The same in float64.
struct ExactWorker {
  ExactTile tile;
  LayerPoint points[ExactTile::kSize];
  std::size_t target[ExactTile::kSize];
  ExactPrediction predictions[ExactTile::kSize];

  void run(std::span<const LayerPoint> of, std::span<ExactPrediction> out) {
    tile.compute_features(of);
    tile.encode_features();
    tile.compute_kernel();
    tile.compute_posterior();
    tile.to_predictions(of, out);
  }
};

/// What a screen depends on besides the model: which features vary, and the values of the others.
struct FixedFeatures {
  VaryingFeatures varying;
  std::array<double, kFeatures> value;

  bool operator==(const FixedFeatures&) const = default;
};

class CpuEngine final : public Engine {
 public:
  explicit CpuEngine(const EngineOptions& options)
      : threads_(worker_count(options.threads)),
        screen_workers_(static_cast<std::size_t>(threads_)),
        exact_workers_(static_cast<std::size_t>(threads_)) {}

  std::string_view name() const override { return "cpu"; }

  void predict(const StarlightModel& model, const LayerSpaceView& space,
               std::span<const std::uint64_t> indices, std::span<Prediction> predictions) override {
    predict_to(Depth::all, model, space, indices, predictions);
  }

  void predict_bounds(const StarlightModel& model, const LayerSpaceView& space,
                      std::span<const std::uint64_t> indices,
                      std::span<Prediction> predictions) override {
    predict_to(Depth::bound, model, space, indices, predictions);
  }

  void predict_sketch(const StarlightModel& model, const LayerSpaceView& space,
                      std::span<const std::uint64_t> indices,
                      std::span<Prediction> predictions) override {
    predict_to(Depth::sketch, model, space, indices, predictions);
  }

  void predict_exact(const StarlightModel& model, const LayerSpaceView& space,
                     std::span<const std::uint64_t> indices,
                     std::span<ExactPrediction> predictions) override {
    const auto count = static_cast<std::int64_t>(indices.size());
    parallel_for_workers(
        count, kGrain, threads_, [&](int number, std::int64_t begin, std::int64_t end) {
          ExactWorker& worker = exact_worker(number, model);
          std::size_t size = 0;
          const auto run = [&] {
            worker.run({worker.points, size}, {worker.predictions, size});
            for (std::size_t slot = 0; slot < size; ++slot)
              predictions[worker.target[slot]] = worker.predictions[slot];
            size = 0;
          };
          for (auto n = static_cast<std::size_t>(begin); n < static_cast<std::size_t>(end); ++n) {
            const DesignPoint point = space.decode(indices[n]);
            if (check(space.layer, point) != Feasibility::feasible) {
              predictions[n] = no_prediction<double>();
              continue;
            }
            worker.points[size] = {space.layer, point.hardware, point.mapping};
            worker.target[size++] = n;
            if (size == ExactTile::kSize) run();
          }
          if (size > 0) run();
        });
  }

  void predict_points(const StarlightModel& model, std::span<const LayerPoint> points,
                      std::span<Prediction> predictions) override {
    if (points.empty()) return;
    prepare(model);
    const ScreenModel& screen = screen_model(all_features(), points[0]);
    const TailFactor* tail = this->tail();
    parallel_for_workers(static_cast<std::int64_t>(points.size()), ScreenTile::kSize, threads_,
                         [&](int number, std::int64_t begin, std::int64_t end) {
                           ScreenWorker& worker = screen_worker(number);
                           worker.tile.share(false);
                           int size = 0;
                           for (auto n = static_cast<std::size_t>(begin);
                                n < static_cast<std::size_t>(end); ++n, ++size) {
                             const LayerPoint& p = points[n];
                             worker.tile.put(size, p.layer, p.hardware, p.mapping);
                             worker.target[size] = n;
                           }
                           worker.run(screen, *factor_, tail, Depth::all, size, predictions);
                         });
  }

  void predict_points(const StarlightModel& model, std::span<const LayerPoint> points,
                      std::span<ExactPrediction> predictions) override {
    parallel_for_workers(static_cast<std::int64_t>(points.size()), ExactTile::kSize, threads_,
                         [&](int number, std::int64_t begin, std::int64_t end) {
                           const auto first = static_cast<std::size_t>(begin);
                           const auto size = static_cast<std::size_t>(end - begin);
                           exact_worker(number, model)
                               .run(points.subspan(first, size), predictions.subspan(first, size));
                         });
  }

  std::vector<Scored> top_k(const StarlightModel& model, const CandidateSet& candidates,
                            const Acquisition& acquisition, int k) override {
    top_k_stats_ = {};
    if (k <= 0 || candidates.size() == 0) return {};
    prepare(model);
    const LayerSpaceView& space = candidates.space;
    const ScreenModel& screen = screen_model(varying_features(space), origin(space));
    const PredictionError error = screen_error(model);
    const std::vector<std::uint64_t> finalists =
        find_finalists({.stages = stages_,
                        .factor = *factor_,
                        .model = screen,
                        .candidates = candidates,
                        .acquisition = acquisition,
                        .error = error,
                        .prior_sd = error.sd / kScreenSdError,
                        .k = k,
                        .threads = threads_},
                       top_k_stats_);
    top_k_stats_.rescored = finalists.size();
    return rank_exactly(*this, model, space, acquisition, finalists, k);
  }

 private:
  using Depth = ScreenWorker::Depth;

  void predict_to(Depth depth, const StarlightModel& model, const LayerSpaceView& space,
                  std::span<const std::uint64_t> indices, std::span<Prediction> predictions) {
    if (indices.empty()) return;
    prepare(model);
    const ScreenModel& screen = screen_model(varying_features(space), origin(space));
    const LoopOrders orders(space, indices.size());
    const TailFactor* tail = depth == Depth::all ? this->tail() : nullptr;
    const auto index_of = [indices](std::int64_t n) {
      return indices[static_cast<std::size_t>(n)];
    };
    parallel_for_workers(static_cast<std::int64_t>(indices.size()), kGrain, threads_,
                         [&](int number, std::int64_t begin, std::int64_t end) {
                           ScreenWorker& worker = screen_worker(number);
                           TileFiller filler(space, orders, worker.tile);
                           filler.expect(index_of, begin, end);
                           int size = 0;
                           const auto run = [&] {
                             if (size > 0)
                               worker.run(screen, *factor_, tail, depth, size, predictions);
                             size = 0;
                           };
                           for (std::int64_t n = begin; n < end; ++n) {
                             const auto target = static_cast<std::size_t>(n);
                             if (!filler.put(size, index_of(n), run)) {
                               predictions[target] = no_prediction<float>();
                               continue;
                             }
                             worker.target[size] = target;
                             if (++size == ScreenTile::kSize) run();
                           }
                           run();
                         });
  }

  /// Any point of the space.
  static LayerPoint origin(const LayerSpaceView& space) {
    const DesignPoint point = space.decode(0);
    return {space.layer, point.hardware, point.mapping};
  }

  /// Packs the model's factor if it is not that of the last call.
  void prepare(const StarlightModel& model) {
    if (factor_ && model.hash() == hash_) return;
    ordered_ = order_samples(model.tensors_f64(), kBoundRows, threads_);
    factor_ = std::make_unique<PackedFactor>(ordered_, ordered_.samples, stages_);
    tail_.reset();
    tail_known_ = false;
    hash_ = model.hash();
    screen_.reset();
    for (auto& worker : screen_workers_) worker.reset();
  }

  /// Of the prepared model, made when first asked for; null where it has none.
  const TailFactor* tail() {
    if (!tail_known_) tail_ = TailFactor::of(ordered_, stages_);
    tail_known_ = true;
    return tail_ ? &*tail_ : nullptr;
  }

  /// The screen of the prepared model; that of the last call where it is of the same layer.
  const ScreenModel& screen_model(const VaryingFeatures& varying, const LayerPoint& point) {
    FixedFeatures fixed{varying, {}};
    feature_quantities(point.layer, point.hardware, point.mapping, fixed.value.data());
    for (std::size_t f = 0; f < fixed.value.size(); ++f)
      if (varying[f]) fixed.value[f] = 0.0;
    if (!screen_ || !(fixed == fixed_)) {
      screen_ = std::make_unique<ScreenModel>(ordered_, stages_, varying, point);
      fixed_ = fixed;
    }
    return *screen_;
  }

  ScreenWorker& screen_worker(int number) {
    auto& worker = screen_workers_[static_cast<std::size_t>(number)];
    if (!worker) worker = std::make_unique<ScreenWorker>(stages_, factor_->samples());
    return *worker;
  }

  ExactWorker& exact_worker(int number, const StarlightModel& model) {
    auto& worker = exact_workers_[static_cast<std::size_t>(number)];
    if (!worker) worker = std::make_unique<ExactWorker>();
    worker->tile.use(model.tensors_f64());
    return *worker;
  }

  const simd::Stages& stages_ = simd::best_stages();
  int threads_;
  std::string hash_;  // of the model that ordered_ and factor_ are of
  PosteriorTensors<double> ordered_;
  std::unique_ptr<PackedFactor> factor_;
  std::optional<TailFactor> tail_;
  bool tail_known_ = false;
  std::unique_ptr<ScreenModel> screen_;
  FixedFeatures fixed_{};                                      // of screen_
  std::vector<std::unique_ptr<ScreenWorker>> screen_workers_;  // one a thread, kept between calls
  std::vector<std::unique_ptr<ExactWorker>> exact_workers_;
};

}  // namespace

std::unique_ptr<Engine> make_cpu_engine(const EngineOptions& options) {
  return std::make_unique<CpuEngine>(options);
}

}  // namespace polaris
