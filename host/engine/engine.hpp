// Scores candidates with Starlight in bulk. One interface, a CPU and (where built) a CUDA engine.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "host/fit/model.hpp"
#include "host/fit/samples.hpp"
#include "kernels/screen_precision.hpp"
#include "models/space/candidate_set.hpp"
#include "models/space/layer_space.hpp"
#include "models/starlight/acquisition.hpp"

namespace polaris {

/// Bounds on what single precision does to a prediction.
inline constexpr double kScreenMeanError = screen_bounds(ScreenPrecision::fp32).mean;
inline constexpr double kScreenSdError = screen_bounds(ScreenPrecision::fp32).sd;

/// A candidate and its acquisition value.
struct Scored {
  double score;         ///< larger is better
  std::uint64_t index;  ///< in the layer's space
};

/// Work of one top_k, in candidates. An engine that does not count leaves zeros.
struct TopKStats {
  /// Candidates that entered a block of rows of L^-1, and how many rows they had seen at its end.
  struct Block {
    int rows;
    std::uint64_t candidates;
  };
  std::uint64_t candidates = 0;  ///< of the set
  std::uint64_t feasible = 0;    ///< mean computed
  std::vector<Block> blocks;   ///< the first: all feasible ones; depends on timing between threads
  std::uint64_t rescored = 0;  ///< computed in float64

  /// Multiply-adds of the variance, as a share of what they are without pruning.
  double variance_share() const;
};

class Engine {
 public:
  virtual ~Engine() = default;

  /// "cpu" or "cuda"
  virtual std::string_view name() const = 0;

  /// predictions[i] = that of design point indices[i] of `space` in float32; NaN where the point is
  /// infeasible (`check`). Precondition: equal lengths, indices < space.size.
  virtual void predict(const StarlightModel& model, const LayerSpaceView& space,
                       std::span<const std::uint64_t> indices,
                       std::span<Prediction> predictions) = 0;

  /// As predict, where means are what matters: they have the same bits, deviations may be upper
  /// bounds.
  virtual void predict_bounds(const StarlightModel& model, const LayerSpaceView& space,
                              std::span<const std::uint64_t> indices,
                              std::span<Prediction> predictions) {
    predict(model, space, indices, predictions);
  }

  /// Cheaper still: means are no larger than those of predict_exact by more than kScreenMeanError,
  /// deviations upper bounds within the screen's error. The bits depend on nothing but model and
  /// point.
  virtual void predict_sketch(const StarlightModel& model, const LayerSpaceView& space,
                              std::span<const std::uint64_t> indices,
                              std::span<Prediction> predictions) {
    predict(model, space, indices, predictions);
  }

  /// As predict in float64, for finalists.
  virtual void predict_exact(const StarlightModel& model, const LayerSpaceView& space,
                             std::span<const std::uint64_t> indices,
                             std::span<ExactPrediction> predictions) = 0;

  /// Points of any layer and hardware; feasibility is not asked. Float64, as data sets are small.
  virtual void predict_points(const StarlightModel& model, std::span<const LayerPoint> points,
                              std::span<ExactPrediction> predictions) = 0;
  /// float32 form of the same.
  virtual void predict_points(const StarlightModel& model, std::span<const LayerPoint> points,
                              std::span<Prediction> predictions) = 0;

  /// The k best of `candidates` by `acquisition` of ln EDP of the layer (ln cycles + ln pJ), best
  /// first, equal scores by the smaller index; fewer where fewer are feasible. Equals brute force
  /// in float64: the screen in less precision keeps all that its error bounds cannot exclude.
  /// Indices that are listed twice are returned twice. Throws Failure where interrupted.
  virtual std::vector<Scored> top_k(const StarlightModel& model, const CandidateSet& candidates,
                                    const Acquisition& acquisition, int k);

  /// Of the latest top_k of this engine.
  const TopKStats& top_k_stats() const { return top_k_stats_; }

 protected:
  TopKStats top_k_stats_;
};

struct EngineOptions {
  int threads = 0;  ///< 0: all cores; results do not depend on it
  /// Arithmetic of a GPU's screen; the CPU's is float. The k best are the same.
  ScreenPrecision precision = ScreenPrecision::fp32;
  /// GPU memory for lists of candidates, per device, in bytes.
  std::size_t device_bytes = std::size_t{256} << 20;
};

/// "cpu" or "cuda" for "cpu", "cuda", or "auto" (cuda where it is usable, else cpu, and says why,
/// once). Throws Error for another name, and for "cuda" where this build or machine has none.
std::string_view usable_backend(std::string_view backend);

/// `backend` as above.
std::unique_ptr<Engine> make_engine(std::string_view backend, const EngineOptions& options = {});

/// By name: "fp64", "fp32", "tf32" or "bf16". Throws Error for another.
ScreenPrecision screen_precision(std::string_view name);

/// Bound on the error of a screen's predictions of ln EDP.
PredictionError screen_error(const StarlightModel& model,
                             ScreenPrecision precision = ScreenPrecision::fp32);

/// engine.top_k of listed candidates.
std::vector<Scored> score_top_k(Engine& engine, const StarlightModel& model,
                                const LayerSpaceView& space, std::span<const std::uint64_t> indices,
                                const Acquisition& acquisition, int k);

}  // namespace polaris
