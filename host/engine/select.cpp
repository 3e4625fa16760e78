// Acquisition and exact top k: a float32 screen that keeps all that its error bounds can not
// exclude, then float64.
#include "host/engine/select.hpp"

#include <algorithm>
#include <cmath>
#include <functional>

#include "host/core/error.hpp"
#include "host/core/interrupt.hpp"

namespace polaris {
namespace {

/// Indices scored at a time: bounds memory, and is large against a work item.
constexpr std::size_t kBatch = std::size_t{1} << 16;

}  // namespace

PredictionError screen_error(const StarlightModel& model, ScreenPrecision precision) {
  const ScreenBounds bounds = screen_bounds(precision);
  const PosteriorTensors<double>& tensors = model.tensors_f64();
  double prior_sd = 0.0;
  for (const double sd : tensors.sd) prior_sd = std::hypot(prior_sd, sd);
  return {2.0 * bounds.mean, bounds.sd * prior_sd * std::sqrt(tensors.unit_variance), false};
}

double TopKStats::variance_share() const {
  double done = 0.0, before = 0.0;
  const auto work = [](double rows) { return 0.5 * rows * (rows + 1.0); };
  for (const Block& block : blocks) {
    const double rows = work(block.rows);
    done += static_cast<double>(block.candidates) * (rows - before);
    before = rows;
  }
  return feasible == 0 ? 0.0 : done / (static_cast<double>(feasible) * before);
}

void Contenders::offer(double low, double high, std::uint64_t index) {
  if (high < threshold_) return;
  kept_.push_back({high, index});
  if (!std::isnan(low) && (lows_.size() < k_ || low > lows_.front())) {
    lows_.push_back(low);
    std::push_heap(lows_.begin(), lows_.end(), std::greater<>());
    if (lows_.size() > k_) {
      std::pop_heap(lows_.begin(), lows_.end(), std::greater<>());
      lows_.pop_back();
    }
    if (lows_.size() == k_) raise_threshold(lows_.front());
  }
  if (kept_.size() > limit_) compact();
}

std::vector<std::uint64_t> Contenders::indices() {
  compact();
  std::vector<std::uint64_t> out;
  for (const Scored& candidate : kept_) out.push_back(candidate.index);
  return out;
}

void Contenders::compact() {
  std::erase_if(kept_, [this](const Scored& c) { return c.score < threshold_; });
  limit_ = 2 * kept_.size() + kBatch;
}

std::vector<Scored> rank_exactly(Engine& engine, const StarlightModel& model,
                                 const LayerSpaceView& space, const Acquisition& acquisition,
                                 std::span<const std::uint64_t> finalists, int k) {
  std::vector<ExactPrediction> exact(finalists.size());
  engine.predict_exact(model, space, finalists, exact);
  std::vector<Scored> scored;
  for (std::size_t i = 0; i < finalists.size(); ++i) {
    const EdpPrediction edp = edp_prediction(exact[i]);
    const double score = acquisition(edp.mean, edp.sd);
    // The value of NaN may be a number.
    if (!std::isnan(edp.mean) && !std::isnan(edp.sd) && !std::isnan(score))
      scored.push_back({score, finalists[i]});
  }
  std::sort(scored.begin(), scored.end(), [](const Scored& a, const Scored& b) {
    return a.score != b.score ? a.score > b.score : a.index < b.index;
  });
  scored.resize(std::min(scored.size(), static_cast<std::size_t>(k)));
  return scored;
}

std::vector<Scored> Engine::top_k(const StarlightModel& model, const CandidateSet& candidates,
                                  const Acquisition& acquisition, int k) {
  top_k_stats_ = {};
  if (k <= 0) return {};
  const PredictionError error = screen_error(model);
  Contenders contenders(static_cast<std::size_t>(k));
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
        contenders.offer(lowest_acquisition(acquisition, edp, error),
                         highest_acquisition(acquisition, edp, error), indices[i]);
      }
  }
  return rank_exactly(*this, model, candidates.space, acquisition, contenders.indices(), k);
}

std::vector<Scored> score_top_k(Engine& engine, const StarlightModel& model,
                                const LayerSpaceView& space, std::span<const std::uint64_t> indices,
                                const Acquisition& acquisition, int k) {
  return engine.top_k(model, {space, indices}, acquisition, k);
}

}  // namespace polaris
