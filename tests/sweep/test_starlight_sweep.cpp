// The sweep by Starlight against brute force in float64, candidate by candidate.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <vector>

#include "host/sweep/network.hpp"
#include "tests/starlight/fixture.hpp"
#include "tests/sweep/fixture.hpp"

namespace polaris {
namespace {

SweepSpec starlight_spec(const std::string& objective) {
  SweepSpec spec = small_spec({layer_of(3, 1, 2, 1, 4, 4, 1), layer_of(1, 1, 1, 1, 4, 2, 2)});
  spec.space.hardware.count[3] = 1;  // one bus of two, hence half of the points
  for (IndexRange& range : spec.ranges) range.end /= 2;
  spec.fidelity = Fidelity::starlight;
  spec.objective = objective;
  spec.acquisition = acquisition_of(objective, 3e-3, 1.5);
  spec.model_hash = test_model().hash();
  spec.engine = "cpu";
  spec.tile_points = 2000;
  return spec;
}

std::vector<LayerResult> sweep(const SweepPlan& plan, int threads) {
  const auto engine = make_engine("cpu", {.threads = threads});
  const auto scorer = make_starlight_scorer(plan, test_model(), *engine, threads);
  return sweep_all(plan, *scorer);
}

/// Float64 prediction of one point by itself. The layers are the same in all tests here.
const ExactPrediction& predict(const SweepLayer& layer, std::uint64_t index) {
  static const auto engine = make_engine("cpu", {.threads = 1});
  static std::map<std::pair<std::size_t, std::uint64_t>, ExactPrediction> known;
  const auto [at, is_new] = known.try_emplace({layer.number, index});
  if (is_new) engine->predict_exact(test_model(), layer.view(), {&index, 1}, {&at->second, 1});
  return at->second;
}

/// Best points of every hardware by the acquisition in float64 of every candidate.
void expect_best_exact(const SweepPlan& plan, const std::vector<LayerResult>& swept) {
  const SweepLimits& limits = plan.spec().limits;
  for (const SweepLayer& layer : plan.layers()) {
    const LayerSpaceView& view = layer.view();
    const LayerResult& result = swept[layer.number];
    std::uint64_t scored = 0, over = 0;
    for (std::size_t p = 0; p < plan.hardware().size(); ++p) {
      BestList wanted(plan.spec().top);
      for (std::uint64_t m = 0; m < view.mapping_count; ++m) {
        const std::uint64_t index = plan.ordinal(p) * view.mapping_count + m;
        if (check(view.layer, view.decode(index)) != Feasibility::feasible ||
            view.canonical(index) != index)
          continue;
        const ExactPrediction& e = predict(layer, index);
        if ((limits.cycles > 0 && e.log_latency > std::log(limits.cycles)) ||
            (limits.energy_pj > 0 && e.log_energy > std::log(limits.energy_pj))) {
          ++over;
          continue;
        }
        ++scored;
        wanted.offer({{-plan.spec().acquisition(e.log_latency + e.log_energy,
                                                std::hypot(e.log_latency_sd, e.log_energy_sd)),
                       index},
                      {}});
      }
      const auto& got = result.hardware[p].best.points();
      ASSERT_EQ(got.size(), wanted.points().size());
      for (std::size_t i = 0; i < got.size(); ++i)
        EXPECT_EQ(got[i].key, wanted.points()[i].key) << "hardware " << p << " rank " << i;
    }
    EXPECT_EQ(result.coverage.scored, scored);
    EXPECT_EQ(result.coverage.over_limit, over);
  }
}

TEST(StarlightSweep, BestPointsEqualBruteForceForEveryObjective) {
  for (const char* objective : {"mean", "lcb", "ei", "logei"}) {
    SCOPED_TRACE(objective);
    const SweepPlan plan(starlight_spec(objective));
    const std::vector<LayerResult> swept = sweep(plan, 2);
    expect_covered(plan, swept);
    expect_best_exact(plan, swept);
  }
}

TEST(StarlightSweep, LimitsAreThoseOfTheFloat64Prediction) {
  SweepSpec spec = starlight_spec("mean");
  const SweepPlan free(spec);
  // The limits are medians that occur, so that float32 cannot tell on which side those points are.
  const std::vector<LayerResult> swept = sweep(free, 1);
  const Estimate e = swept[0].hardware[0].best.points().back().estimate;
  spec.limits.cycles = 1.5 * e.cycles;
  spec.limits.energy_pj = e.energy_pj;
  const SweepPlan plan(spec);
  expect_best_exact(plan, sweep(plan, 2));
}

TEST(StarlightSweep, FrontMissesNoMoreThanTheScreensError) {
  const SweepPlan plan(starlight_spec("mean"));
  const std::vector<LayerResult> swept = sweep(plan, 2);
  for (const SweepLayer& layer : plan.layers())
    for (const HardwareResult& kept : swept[layer.number].hardware)
      for (const RankedPoint& best : kept.best.points()) {
        const auto covers = [&best](const FrontPoint& p) {
          return std::log(p.estimate.cycles / best.estimate.cycles) <= 2 * kScreenMeanError &&
                 std::log(p.estimate.energy_pj / best.estimate.energy_pj) <= 2 * kScreenMeanError;
        };
        EXPECT_TRUE(std::any_of(kept.front.points().begin(), kept.front.points().end(), covers));
      }
  for (const NetworkDesign& d : rank_hardware(plan, swept)) {
    EXPECT_GT(d.log_edp_sd_independent, 0.0);
    EXPECT_GE(d.log_edp_sd_correlated, d.log_edp_sd_independent);
  }
}

TEST(StarlightSweep, ShardsAndThreadsDoNotShow) {
  const SweepPlan plan(starlight_spec("lcb"));
  const TemporaryFolder folder;
  write_results(plan, sweep(plan, 1), folder / "direct");
  std::vector<std::filesystem::path> files;
  for (std::uint64_t number = 1; number <= 3; ++number) {
    const auto engine = make_engine("cpu", {.threads = 2});
    const auto scorer = make_starlight_scorer(plan, test_model(), *engine, 2);
    files.push_back(folder / std::to_string(number));
    run_shard(plan, {number, 3}, *scorer, {.file = files.back(), .progress = nullptr});
  }
  write_results(plan, merge_shards(plan, files), folder / "merged");
  EXPECT_EQ(files_of(folder / "direct"), files_of(folder / "merged"));
}

TEST(StarlightSweep, AvoidedPointsAreNotScored) {
  SweepSpec spec = starlight_spec("mean");
  SweepPlan plan(spec);
  AvoidList avoid;
  const LayerResult free = sweep(plan, 2)[0];
  for (const HardwareResult& kept : free.hardware)
    for (const RankedPoint& point : kept.best.points()) avoid.emplace_back(0, point.key.index);
  ASSERT_FALSE(avoid.empty());
  plan.avoid(avoid);
  const LayerResult result = sweep(plan, 2)[0];
  EXPECT_EQ(result.coverage.avoided, avoid.size());
  for (const HardwareResult& kept : result.hardware)
    for (const RankedPoint& point : kept.best.points())
      EXPECT_EQ(std::count(avoid.begin(), avoid.end(), std::pair(std::size_t{0}, point.key.index)),
                0);
}

}  // namespace
}  // namespace polaris
