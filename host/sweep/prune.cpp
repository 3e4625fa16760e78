#include "host/sweep/prune.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <utility>

#include "host/engine/engine.hpp"
#include "host/fit/encoder_batch.hpp"
#include "host/fit/likelihood.hpp"
#include "models/analytical/analytical.hpp"
#include "models/space/feasibility.hpp"
#include "models/space/philox.hpp"

namespace polaris {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// Points drawn per layer, and how many of them, those of least floor, are predicted.
constexpr std::uint64_t kDraws = std::uint64_t{1} << 17;
constexpr std::size_t kPredicted = 1024;
constexpr std::uint64_t kStream = 301;

/// Where gelu is least; float64 values lie within a hair of the true minimum -0.17004.
constexpr double kLeastGelu = -0.1701;

/// Compute bound (cycles) times analytical energy (pJ).
double floor_of(const Layer& layer, const DesignPoint& point) {
  return lower_bound_cycles(layer, point.hardware) *
         evaluate_analytical(layer, point.hardware, point.mapping).energy_pj;
}

struct Interval {
  double low = 0.0, high = 0.0;

  void add(double weight, const Interval& x) {
    low += std::min(weight * x.low, weight * x.high);
    high += std::max(weight * x.low, weight * x.high);
  }
};

/// Hidden units of the next layer for all inputs within `in`. gelu falls, then rises: its largest
/// value on an interval is at an end.
std::vector<Interval> hidden_units(const double* weight, const double* bias,
                                   const std::vector<Interval>& in, int units) {
  std::vector<Interval> out;
  for (int u = 0; u < units; ++u) {
    Interval sum{bias[u], bias[u]};
    for (std::size_t i = 0; i < in.size(); ++i)
      sum.add(weight[static_cast<std::size_t>(u) * in.size() + i], in[i]);
    out.push_back({kLeastGelu, std::max({gelu(sum.low), gelu(sum.high), 0.0})});
  }
  return out;
}

/// Least value of the linear mean of output 1 over all standardised features.
double least_linear_mean(const StarlightModel& model) {
  const PosteriorTensors<double>& t = model.tensors_f64();
  const double* weight = t.mean_weight.data() + kKernelInputs;
  const double* encoder = t.encoder.data();
  const std::vector<Interval> features(kFeatures, Interval{-kFeatureLimit, kFeatureLimit});
  const std::vector<Interval> hidden =
      hidden_units(encoder + EncoderLayout::weight2, encoder + EncoderLayout::bias2,
                   hidden_units(encoder + EncoderLayout::weight1, encoder + EncoderLayout::bias1,
                                features, kHidden1),
                   kHidden2);
  // Everything behind the hidden units is linear: one coefficient for each feature and unit.
  std::array<double, kFeatures> by_feature{};
  std::array<double, kHidden2> by_unit{};
  double low = t.mean_bias[1];
  for (int z = 0; z < kLatent; ++z) {
    const double w = weight[z] * t.inverse_length[static_cast<std::size_t>(z)];
    low += w * encoder[EncoderLayout::bias3 + z];
    for (int f = 0; f < kFeatures; ++f)
      by_feature[static_cast<std::size_t>(f)] +=
          w * encoder[EncoderLayout::skip + z * kFeatures + f];
    for (int u = 0; u < kHidden2; ++u)
      by_unit[static_cast<std::size_t>(u)] +=
          w * encoder[EncoderLayout::weight3 + z * kHidden2 + u];
  }
  Interval sum{low, low};
  for (std::size_t f = 0; f < kFeatures; ++f)
    sum.add(by_feature[f] + weight[kLatent + f] * t.inverse_length[kLatent + f], features[f]);
  for (std::size_t u = 0; u < kHidden2; ++u) sum.add(by_unit[u], hidden[u]);
  return sum.low;
}

/// The points to predict: canonical feasible ones that the sweep would score, drawn by the seed.
std::vector<std::uint64_t> drawn_points(const SweepPlan& plan, const SweepLayer& layer) {
  const LayerSpaceView& view = layer.view();
  const std::uint64_t length = layer.range.end - layer.range.begin;
  std::vector<std::pair<double, std::uint64_t>> drawn;
  for (std::uint64_t i = 0; i < kDraws && length > 0; ++i) {
    const std::uint64_t index = view.canonical(
        layer.range.begin + uniform_below(length, plan.spec().seed, kStream + layer.number, i));
    if (!plan.would_score(layer, index)) continue;
    drawn.emplace_back(floor_of(view.layer, view.decode(index)), index);
  }
  std::sort(drawn.begin(), drawn.end());
  drawn.erase(std::unique(drawn.begin(), drawn.end()), drawn.end());
  drawn.resize(
      std::min(drawn.size(), std::max(kPredicted, 2 * static_cast<std::size_t>(plan.spec().top))));
  std::vector<std::uint64_t> out;
  for (const auto& [floor, index] : drawn) out.push_back(index);
  return out;
}

}  // namespace

double least_energy_residual(const StarlightModel& model) {
  if (!model.has_energy()) return 0.0;
  const PosteriorTensors<double>& t = model.tensors_f64();
  const Eigen::Map<const Matrix<double>> train(t.train.data(), kKernelInputs, t.samples);
  const Eigen::Map<const Eigen::VectorXd> alpha(t.alpha.data() + t.samples, t.samples);
  // |sum_i alpha_i k(x, x_i)| is at most the norm of that function (Cauchy-Schwarz, k(x, x) = 1),
  // and it is no less than its negative terms at k = 1.
  const double norm = std::sqrt(alpha.dot(cross_correlation(train, train, 1) * alpha));
  return least_linear_mean(model) - std::min(norm, -alpha.cwiseMin(0.0).sum());
}

double floor_limit(const StarlightModel& model, const Acquisition& acquisition, double threshold) {
  const PosteriorTensors<double>& t = model.tensors_f64();
  if (!t.warp || !std::isfinite(threshold)) return kInfinity;
  const double unit = std::sqrt(t.unit_variance);
  const EdpPrediction most_uncertain{
      0.0, std::hypot(t.sd[0] * unit, model.has_energy() ? t.sd[1] * unit : 0.0)};
  const auto least_score = [&](double mean) {
    return -highest_acquisition(acquisition, {mean, most_uncertain.sd}, {0.0, 0.0, true});
  };
  // Scores rise with the mean: halve towards the largest mean of score `threshold` or less.
  constexpr double kLargestMean = 1e3;  // of a logarithm
  constexpr int kHalvings = 100;
  double low = -kLargestMean, high = kLargestMean;
  if (least_score(high) <= threshold) return kInfinity;
  for (int i = 0; i < kHalvings; ++i) {
    const double middle = 0.5 * (low + high);
    (least_score(middle) <= threshold ? low : high) = middle;
  }
  constexpr double kRounding = 1e-9;  // of a prediction in float64, generously
  return std::exp(high - least_energy_residual(model) + kRounding);
}

std::vector<double> prune_thresholds(const SweepPlan& plan, const StarlightModel& model,
                                     int threads) {
  const auto engine = make_engine("cpu", {.threads = threads});
  const SweepLimits& limits = plan.spec().limits;
  std::vector<double> out;
  for (const SweepLayer& layer : plan.layers()) {
    const std::vector<std::uint64_t> points = drawn_points(plan, layer);
    std::vector<ExactPrediction> predictions(points.size());
    engine->predict_exact(model, layer.view(), points, predictions);
    std::vector<double> scores;
    for (const ExactPrediction& p : predictions) {
      if ((limits.cycles > 0.0 && p.log_latency > std::log(limits.cycles)) ||
          (limits.energy_pj > 0.0 && p.log_energy > std::log(limits.energy_pj)))
        continue;
      const EdpPrediction edp = edp_prediction(p);
      scores.push_back(-plan.spec().acquisition(edp.mean, edp.sd));
    }
    const auto rank = static_cast<std::size_t>(plan.spec().top) - 1;
    if (rank >= scores.size()) {
      out.push_back(kInfinity);
      continue;
    }
    std::nth_element(scores.begin(), scores.begin() + plan.spec().top - 1, scores.end());
    out.push_back(scores[rank]);
  }
  return out;
}

}  // namespace polaris
