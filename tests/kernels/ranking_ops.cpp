// The k best through the engines' public call, and with k = all of them every acquisition value.
#include <cmath>
#include <limits>

#include "tests/kernels/parity_models.hpp"
#include "tests/kernels/ranking.hpp"

namespace polaris {
namespace {

/// Candidates of `shape` in a space where loop orders that change nothing make ties; part of them
/// is infeasible.
struct RankedSet {
  LayerSpace space = score_space({1, 1, 24, 1, 12, 8, 1});
  CandidateSet candidates;

  explicit RankedSet(const ParityCase& shape) : candidates{space.view(), {}, 0, 0} {
    const auto count = static_cast<std::uint64_t>(shape.candidates);
    candidates.begin = space.view().size / 2 - count / 2;
    candidates.end = candidates.begin + count;
  }
};

StarlightModel plain_ranked_model(const ParityCase& shape) {
  return fitted_model({.samples = shape.samples});
}

/// A feature is 0 times infinity, which is NaN, for candidates that do not tile C; cut for others.
StarlightModel broken_ranked_model(const ParityCase& shape) {
  constexpr auto kFeature = static_cast<std::size_t>(feature_index("rank_C"));
  constexpr int kEnough = 200;
  ModelParameters parameters = random_parameters();
  parameters.scaler.mean[kFeature] = 0.0;
  parameters.scaler.inverse_sd[kFeature] = std::numeric_limits<double>::infinity();
  std::vector<DesignSample> samples = random_samples(kEnough);
  std::erase_if(samples, [](const DesignSample& s) {
    double quantity[kFeatures];
    feature_quantities(s.layer, s.hardware, s.mapping, quantity);
    return quantity[kFeature] == 0.0;
  });
  samples.resize(static_cast<std::size_t>(shape.samples));
  return {parameters, samples, 1};
}

/// The k best as pairs of score and index. Of the reference: all of them, behind k.
ParityOp ranking_op(const std::string& name, const std::vector<ParityCase>& cases,
                    StarlightModel (*make_model)(const ParityCase&),
                    const std::function<Acquisition(const ParityCase&)>& acquisition) {
  const auto model = remembered<StarlightModel>(make_model);
  const auto flat = [](ParityValues out, const std::vector<ScoredIndex>& ranking) {
    for (const ScoredIndex& c : ranking) {
      out.push_back(c.score);
      out.push_back(static_cast<double>(c.index));
    }
    return out;
  };
  const auto pairs = [](const ParityValues& values, std::size_t begin) {
    std::vector<ScoredIndex> out;
    for (std::size_t i = begin; i < values.size(); i += 2)
      out.push_back({values[i], static_cast<std::uint64_t>(values[i + 1])});
    return out;
  };
  const auto way = [=](const std::string& text, const std::string& backend,
                       ScreenPrecision precision) {
    return ParityWay{text, 0.0, [=](const ParityCase& shape) {
                       EngineOptions options = kParityOptions;
                       options.precision = precision;
                       std::vector<ScoredIndex> best;
                       for (const Scored& c : make_engine(backend, options)
                                                  ->top_k(model(shape), RankedSet(shape).candidates,
                                                          acquisition(shape), shape.k))
                         best.push_back({-c.score, c.index});
                       return flat({}, best);
                     }};
  };
  return {
      name,
      cases,
      [=](const ParityCase& shape) {
        const RankedSet set(shape);
        return flat({static_cast<double>(shape.k)},
                    all_scores(model(shape).tensors_f64(), set.candidates, acquisition(shape)));
      },
      [pairs](const ParityValues& got, const ParityValues& expected) {
        return ranking_difference(pairs(got, 0), pairs(expected, 1), static_cast<int>(expected[0]))
                       .empty()
                   ? 0.0
                   : std::numeric_limits<double>::infinity();
      },
      {way("cpu", "cpu", ScreenPrecision::fp32), way("cuda_fp64", "cuda", ScreenPrecision::fp64),
       way("cuda_fp32", "cuda", ScreenPrecision::fp32),
       way("cuda_tf32", "cuda", ScreenPrecision::tf32),
       way("cuda_bf16", "cuda", ScreenPrecision::bf16)}};
}

/// An incumbent amid the predictions, so that no acquisition function is zero or one throughout.
Acquisition acquisition_of(const ParityCase& shape) {
  constexpr AcquisitionKind kKinds[] = {
      AcquisitionKind::expected_improvement, AcquisitionKind::log_expected_improvement,
      AcquisitionKind::probability_of_improvement, AcquisitionKind::lower_confidence_bound};
  constexpr double kIncumbent = 22.0;
  return {kKinds[shape.variant], kIncumbent, 2.0};
}

Acquisition confidence_bound(const ParityCase&) {
  return {AcquisitionKind::lower_confidence_bound, 0.0, 2.0};
}

}  // namespace

std::vector<ParityOp> ranking_ops() {
  return {ranking_op("acquisition",
                     {{400, 12, 400, 0}, {400, 12, 400, 1}, {400, 12, 400, 2}, {400, 12, 400, 3}},
                     plain_ranked_model, acquisition_of),
          ranking_op("top_k",
                     {{0, 12, 1},
                      {1, 12, 1},
                      {511, 12, 9},
                      {512, 12, 9},
                      {513, 12, 9},
                      {1200, 12, 0},
                      {1200, 12, 1},
                      {1200, 12, 300},
                      {1200, 12, 1199},
                      {1200, 12, 1200},
                      {1200, 12, 1201}},
                     plain_ranked_model, confidence_bound),
          ranking_op("top_k_with_nan", {{1200, 12, 200}, {1200, 12, 1200}}, broken_ranked_model,
                     confidence_bound)};
}

}  // namespace polaris
