// Acquisition and exact top k: a float32 screen that keeps all that its error bounds can not
// exclude, then float64.
#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <queue>
#include <vector>

#include "host/core/error.hpp"
#include "host/core/interrupt.hpp"
#include "host/engine/engine.hpp"

namespace polaris {
namespace {

/// Indices scored at a time: bounds memory, and is large against a work item.
constexpr std::size_t kBatch = std::size_t{1} << 16;

/// Indices that may still be among the k best.
class Screen {
 public:
  explicit Screen(std::size_t k) : k_(k) {}

  /// `low`, `high`: ends of the acquisition value's range; where they are NaN float64 decides.
  void offer(double low, double high, std::uint64_t index) {
    constexpr double kInfinity = std::numeric_limits<double>::infinity();
    if (std::isnan(low)) low = -kInfinity;
    if (std::isnan(high)) high = kInfinity;
    if (lows_.size() == k_ && high < lows_.top()) return;
    kept_.push_back({high, index});
    lows_.push(low);
    if (lows_.size() > k_) lows_.pop();
    if (kept_.size() > limit_) compact();
  }

  std::vector<std::uint64_t> indices() {
    compact();
    std::vector<std::uint64_t> out;
    for (const Scored& candidate : kept_) out.push_back(candidate.index);
    return out;
  }

 private:
  void compact() {
    if (lows_.size() < k_) return;
    const double threshold = lows_.top();
    std::erase_if(kept_, [threshold](const Scored& c) { return c.score < threshold; });
    limit_ = 2 * kept_.size() + kBatch;
  }

  std::size_t k_;
  std::size_t limit_ = kBatch;
  std::vector<Scored> kept_;  // score: the largest it may be
  std::priority_queue<double, std::vector<double>, std::greater<>> lows_;  // k largest low ends
};

}  // namespace

PredictionError screen_error(const StarlightModel& model, ScreenPrecision precision) {
  const ScreenBounds bounds = screen_bounds(precision);
  const PosteriorTensors<double>& tensors = model.tensors_f64();
  double prior_sd = 0.0;
  for (const double sd : tensors.sd) prior_sd = std::hypot(prior_sd, sd);
  return {2.0 * bounds.mean, bounds.sd * prior_sd * std::sqrt(tensors.unit_variance), false};
}

std::vector<Scored> Engine::top_k(const StarlightModel& model, const CandidateSet& candidates,
                                  const Acquisition& acquisition, int k) {
  if (k <= 0) return {};
  const PredictionError error = screen_error(model);
  Screen screen(static_cast<std::size_t>(k));
  const std::uint64_t count = candidates.size();
  std::vector<std::uint64_t> indices(std::min<std::uint64_t>(kBatch, count));
  std::vector<Prediction> predictions(indices.size());
  for (std::uint64_t begin = 0; begin < count; begin += kBatch) {
    if (interrupted()) throw Failure("scoring interrupted");
    const std::size_t size = std::min<std::uint64_t>(kBatch, count - begin);
    for (std::size_t i = 0; i < size; ++i) indices[i] = candidates.index(begin + i);
    predict(model, candidates.space, {indices.data(), size}, {predictions.data(), size});
    for (std::size_t i = 0; i < size; ++i)
      if (!std::isnan(predictions[i].log_latency)) {  // infeasible
        const EdpPrediction edp = edp_prediction(predictions[i]);
        screen.offer(lowest_acquisition(acquisition, edp, error),
                     highest_acquisition(acquisition, edp, error), indices[i]);
      }
  }

  const std::vector<std::uint64_t> finalists = screen.indices();
  std::vector<ExactPrediction> exact(finalists.size());
  predict_exact(model, candidates.space, finalists, exact);
  std::vector<Scored> scored;
  for (std::size_t i = 0; i < finalists.size(); ++i) {
    const EdpPrediction edp = edp_prediction(exact[i]);
    // The screen may have taken for a number what is none in float64.
    const double score = acquisition(edp.mean, edp.sd);
    if (!std::isnan(score)) scored.push_back({score, finalists[i]});
  }
  std::sort(scored.begin(), scored.end(), [](const Scored& a, const Scored& b) {
    return a.score != b.score ? a.score > b.score : a.index < b.index;
  });
  scored.resize(std::min(scored.size(), static_cast<std::size_t>(k)));
  return scored;
}

std::vector<Scored> score_top_k(Engine& engine, const StarlightModel& model,
                                const LayerSpaceView& space, std::span<const std::uint64_t> indices,
                                const Acquisition& acquisition, int k) {
  return engine.top_k(model, {space, indices}, acquisition, k);
}

}  // namespace polaris
