// The path of a candidate is in kernels/starlight_scorer.hpp; here it gets the engine's face.
#include "host/engine/cuda_engine.hpp"

#include <algorithm>
#include <numeric>
#include <string>
#include <string_view>

#include "host/core/error.hpp"
#include "host/core/interrupt.hpp"
#include "host/engine/posterior_view.hpp"
#include "host/engine/sample_order.hpp"
#include "kernels/device_error.hpp"
#include "kernels/starlight_scorer.hpp"
#include "kernels/starlight_sketch.hpp"

namespace polaris {
namespace {

ScorerOptions scorer_options(const EngineOptions& options) {
  ScorerOptions out;
  out.devices.resize(static_cast<std::size_t>(usable_device_count()));
  std::iota(out.devices.begin(), out.devices.end(), 0);
  out.list_bytes = options.device_bytes;
  return out;
}

/// Calls `work`; what a device reports becomes the library's Failure.
template <typename Work>
auto on_device(const Work& work) {
  try {
    return work();
  } catch (const DeviceError& error) {
    throw Failure(std::string("CUDA engine: ") + error.what());
  }
}

class CudaEngine final : public Engine {
 public:
  explicit CudaEngine(const EngineOptions& options)
      : precision_(options.precision), threads_(options.threads), scorer_(on_device([&options] {
          return std::make_unique<StarlightScorer>(scorer_options(options));
        })) {}

  std::string_view name() const override { return "cuda"; }

  void predict(const StarlightModel& model, const LayerSpaceView& space,
               std::span<const std::uint64_t> indices, std::span<Prediction> predictions) override {
    predict_indices<float>(model, space, indices, predictions);
  }
  void predict_exact(const StarlightModel& model, const LayerSpaceView& space,
                     std::span<const std::uint64_t> indices,
                     std::span<ExactPrediction> predictions) override {
    predict_indices<double>(model, space, indices, predictions);
  }
  void predict_points(const StarlightModel& model, std::span<const LayerPoint> points,
                      std::span<ExactPrediction> predictions) override {
    predict_list<double>(model, points, predictions);
  }
  void predict_points(const StarlightModel& model, std::span<const LayerPoint> points,
                      std::span<Prediction> predictions) override {
    predict_list<float>(model, points, predictions);
  }

  std::vector<Scored> top_k(const StarlightModel& model, const CandidateSet& candidates,
                            const Acquisition& acquisition, int k) override {
    // Longer lists than the device keeps are the host's business.
    if (k <= 0 || k > kMaxScorerTopK) return Engine::top_k(model, candidates, acquisition, k);
    const ScanResult result = on_device([&] {
      try {
        return scorer_->top_k(prepared(model), {.candidates = candidates,
                                                .acquisition = acquisition,
                                                .k = k,
                                                .precision = precision_,
                                                .error = screen_error(model, precision_),
                                                .stop = interrupted});
      } catch (const ScanStopped&) {
        throw Failure("scoring interrupted");
      }
    });
    top_k_stats_ = {
        .candidates = candidates.size(),
        .feasible = result.feasible,
        .blocks = {{std::min(kPrefixRows, model.tensors_f64().samples), result.sketched},
                   {model.tensors_f64().samples, result.survivors}},
        .rescored = result.finalists};
    std::vector<Scored> out;
    for (const ScoredIndex& best : result.best) out.push_back({-best.score, best.index});
    return out;
  }

 private:
  /// The model with its samples in the order in which the first bound most.
  ScorerModel prepared(const StarlightModel& model) {
    if (model.hash() != hash_) {
      hash_.clear();
      f64_ = order_samples(model.tensors_f64(), kPrefixRows, threads_);
      f32_ = to_single(f64_);
      hash_ = model.hash();
    }
    return {hash_, posterior_view(f32_), posterior_view(f64_)};
  }

  template <typename T>
  void predict_indices(const StarlightModel& model, const LayerSpaceView& space,
                       std::span<const std::uint64_t> indices,
                       std::span<BasicPrediction<T>> predictions) {
    on_device([&] { scorer_->predict<T>(prepared(model), space, indices, predictions); });
  }
  template <typename T>
  void predict_list(const StarlightModel& model, std::span<const LayerPoint> points,
                    std::span<BasicPrediction<T>> predictions) {
    on_device([&] { scorer_->predict<T>(prepared(model), points, predictions); });
  }

  ScreenPrecision precision_;
  int threads_;
  std::string hash_;  // of the model that f64_ and f32_ are of
  PosteriorTensors<double> f64_;
  PosteriorTensors<float> f32_;
  std::unique_ptr<StarlightScorer> scorer_;
};

}  // namespace

std::optional<std::string> cuda_missing() {
  std::string reason;
  if (usable_device_count(&reason) > 0) return std::nullopt;
  return reason;
}

std::unique_ptr<Engine> make_cuda_engine(const EngineOptions& options) {
  return std::make_unique<CudaEngine>(options);
}

}  // namespace polaris
