// The exact k best: pruned search against brute force in float64, over random models, spaces and
// incumbents.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "host/engine/engine.hpp"
#include "tests/starlight/random_model.hpp"

namespace polaris {
namespace {

LayerSpace random_space(Random& random) {
  Layer layer;
  const std::int32_t sizes[kDims][3] = {{1, 3, 5},   {1, 3, 3},   {7, 14, 16}, {7, 14, 12},
                                        {8, 32, 48}, {8, 64, 30}, {1, 1, 2}};
  for (int d = 0; d < kDims; ++d) layer.size[d] = sizes[d][random() % 3];
  HardwareGrid grid = test_grid();
  for (int a = 0; a < kHardwareAxes; ++a)
    grid.count[a] = 1 + static_cast<std::int32_t>(random() % 3);
  return LayerSpace(layer, grid);
}

/// All candidates in float64.
std::vector<ExactPrediction> predict_all(Engine& engine, const StarlightModel& model,
                                         const CandidateSet& candidates) {
  std::vector<std::uint64_t> indices(candidates.size());
  for (std::size_t i = 0; i < indices.size(); ++i) indices[i] = candidates.index(i);
  std::vector<ExactPrediction> exact(indices.size());
  engine.predict_exact(model, candidates.space, indices, exact);
  return exact;
}

/// Best first, ties by the smaller index.
std::vector<Scored> brute_force(const std::vector<ExactPrediction>& exact,
                                const CandidateSet& candidates, const Acquisition& acquisition) {
  std::vector<Scored> out;
  for (std::size_t i = 0; i < exact.size(); ++i) {
    const EdpPrediction edp = edp_prediction(exact[i]);
    const double score = acquisition(edp.mean, edp.sd);
    if (!std::isnan(edp.mean) && !std::isnan(score)) out.push_back({score, candidates.index(i)});
  }
  std::sort(out.begin(), out.end(), [](const Scored& a, const Scored& b) {
    return a.score != b.score ? a.score > b.score : a.index < b.index;
  });
  return out;
}

void expect_first(const std::vector<Scored>& got, const std::vector<Scored>& expected, int k) {
  ASSERT_EQ(got.size(), std::min(expected.size(), static_cast<std::size_t>(k)));
  for (std::size_t i = 0; i < got.size(); ++i) {
    ASSERT_EQ(got[i].index, expected[i].index) << "place " << i;
    ASSERT_EQ(got[i].score, expected[i].score) << "place " << i;
  }
}

constexpr AcquisitionKind kKinds[] = {
    AcquisitionKind::expected_improvement, AcquisitionKind::log_expected_improvement,
    AcquisitionKind::probability_of_improvement, AcquisitionKind::lower_confidence_bound};

TEST(PrunedTopK, EqualsBruteForceForRandomModelsSpacesAndIncumbents) {
  constexpr int kTriples = 60;
  const auto one = make_engine("cpu", {.threads = 1}), three = make_engine("cpu", {.threads = 3});
  Random random(20);
  double share = 0.0;
  int pruned = 0, infeasible = 0;
  for (int t = 0; t < kTriples; ++t) {
    SCOPED_TRACE("triple " + std::to_string(t));
    const StarlightModel model = random_model(random);
    const LayerSpace space = random_space(random);
    const LayerSpaceView& view = space.view();
    // A list with repeated indices, or a range, whose loop orders repeat each schedule.
    const std::uint64_t size = std::min<std::uint64_t>(view.size, 1500 + random() % 1500);
    CandidateSet candidates{view, {}, 0, 0};
    std::vector<std::uint64_t> list;
    if (t % 2 == 0) {
      for (std::uint64_t i = 0; i < size; ++i) list.push_back(view.sample(random(), 1, i));
      for (int i = 0; i < 20; ++i) list.push_back(list[random() % list.size()]);
      candidates.indices = list;
    } else {
      candidates.begin = random() % (view.size - size + 1);
      candidates.end = candidates.begin + size;
    }
    // An incumbent in the middle of what there is, better than all, worse than all, or no number.
    const std::vector<ExactPrediction> exact = predict_all(*one, model, candidates);
    const std::vector<Scored> by_mean =
        brute_force(exact, candidates, {AcquisitionKind::lower_confidence_bound, 0.0, 0.0});
    infeasible += by_mean.size() < candidates.size();
    const double best = by_mean.empty() ? 0.0 : -by_mean.front().score,
                 worst = by_mean.empty() ? 1.0 : -by_mean.back().score;
    const double incumbents[] = {best, 0.5 * (best + worst), best - 3.0, worst + 3.0,
                                 best + 0.1 * (worst - best)};
    const double incumbent = incumbents[random() % std::size(incumbents)];
    for (const AcquisitionKind kind : kKinds) {
      SCOPED_TRACE("acquisition " + std::to_string(static_cast<int>(kind)));
      const Acquisition acquisition{kind, incumbent, uniform(random, 0.0, 4.0)};
      const std::vector<Scored> expected = brute_force(exact, candidates, acquisition);
      for (const int k : {1, 10, 100000}) {
        expect_first(one->top_k(model, candidates, acquisition, k), expected, k);
        const TopKStats& stats = one->top_k_stats();
        EXPECT_EQ(stats.candidates, candidates.size());
        EXPECT_EQ(stats.feasible, by_mean.size());
        EXPECT_GE(stats.rescored,
                  std::min<std::uint64_t>(by_mean.size(), static_cast<unsigned>(k)));
        if (k != 10) continue;
        share += stats.variance_share();
        ++pruned;
        expect_first(three->top_k(model, candidates, acquisition, k), expected, k);
        EXPECT_EQ(three->top_k_stats().rescored, stats.rescored);
      }
      if (HasFatalFailure()) return;
    }
  }
  EXPECT_GT(infeasible, kTriples / 4);
  EXPECT_LT(share / pruned, 0.8);
}

/// A model that knows its layer: most candidates can be told from a good incumbent by the first
/// rows.
TEST(PrunedTopK, SparesMostOfTheVariance) {
  const auto engine = make_engine("cpu");
  const StarlightModel model = test_model().with_samples(test_samples(400, 3));
  const std::vector<std::uint64_t> indices = feasible_indices(30000, 8);
  const CandidateSet candidates{test_space(), indices, 0, 0};
  double best = INFINITY;
  for (const DesignSample& s : test_samples(400, 3))
    best = std::min(best, std::log(s.cycles) + std::log(s.energy_pj));
  for (const AcquisitionKind kind : kKinds) {
    engine->top_k(model, candidates, {kind, best, 2.0}, 10);
    const TopKStats& stats = engine->top_k_stats();
    ASSERT_EQ(stats.feasible, indices.size());
    ASSERT_GE(stats.blocks.size(), 3u);
    EXPECT_LT(stats.blocks.front().candidates, indices.size() / 2);
    EXPECT_GE(stats.blocks.back().rows, 400);
    for (std::size_t b = 1; b < stats.blocks.size(); ++b)
      EXPECT_LE(stats.blocks[b].candidates, stats.blocks[b - 1].candidates);
    EXPECT_LT(stats.variance_share(), 0.5) << static_cast<int>(kind);
    EXPECT_LT(stats.rescored, indices.size() / 20);
  }
}

TEST(PrunedTopK, NothingToReturn) {
  const auto engine = make_engine("cpu");
  const CandidateSet none{test_space(), {}, 5, 5};
  const Acquisition acquisition{AcquisitionKind::expected_improvement, 1.0, 0.0};
  EXPECT_TRUE(engine->top_k(test_model(), none, acquisition, 10).empty());
  EXPECT_TRUE(engine->top_k(test_model(), {test_space(), {}, 0, 10}, acquisition, 0).empty());
  EXPECT_TRUE(engine->top_k(test_model(), {test_space(), {}, 0, 10}, acquisition, -1).empty());
  const Acquisition unknown{AcquisitionKind::expected_improvement, NAN, 0.0};
  const std::vector<std::uint64_t> indices = feasible_indices(100, 8);
  EXPECT_TRUE(engine->top_k(test_model(), {test_space(), indices, 0, 0}, unknown, 10).empty());
}

/// Which model was used last must not matter: engines keep what they prepared.
TEST(PrunedTopK, AnEngineServesOneModelAfterTheOther) {
  const StarlightModel a = test_model(), b = test_model().with_samples(test_samples(90, 4));
  const std::vector<std::uint64_t> indices = feasible_indices(500, 8);
  const auto engine = make_engine("cpu");
  for (const StarlightModel* model : {&a, &b, &a}) {
    std::vector<Prediction> got(indices.size()), expected(indices.size());
    engine->predict(*model, test_space(), indices, got);
    make_engine("cpu")->predict(*model, test_space(), indices, expected);
    for (std::size_t i = 0; i < got.size(); ++i)
      ASSERT_EQ(got[i].log_latency_sd, expected[i].log_latency_sd);
  }
}

}  // namespace
}  // namespace polaris
