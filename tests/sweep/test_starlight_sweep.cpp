// The sweep by Starlight against brute force in float64, candidate by candidate.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <tuple>
#include <vector>

#include "host/fit/random.hpp"
#include "host/sweep/network.hpp"
#include "host/sweep/prune.hpp"
#include "models/starlight/prediction.hpp"
#include "tests/starlight/fixture.hpp"
#include "tests/starlight/reference.hpp"
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

/// A model whose energy is the analytical one.
const StarlightModel& latency_model() {
  static const StarlightModel model = [] {
    std::vector<DesignSample> samples = test_samples(100);
    for (DesignSample& sample : samples) sample.energy_pj = std::nan("");
    return fit_starlight(test_pretrained(), samples, FitOptions());
  }();
  return model;
}

std::vector<LayerResult> sweep(const SweepPlan& plan, int threads,
                               const StarlightModel& model = test_model()) {
  const auto engine = make_engine("cpu", {.threads = threads});
  const auto scorer = make_starlight_scorer(plan, model, *engine, threads);
  return sweep_all(plan, *scorer);
}

void write_all(const SweepPlan& plan, const std::vector<LayerResult>& layers,
               const std::filesystem::path& folder) {
  write_results(plan, layers, rank_hardware(plan, layers, &test_model()), folder);
}

/// Float64 prediction of one point by itself. The layers are the same in all tests here.
const ExactPrediction& predict(const SweepLayer& layer, std::uint64_t index,
                               const StarlightModel& model = test_model()) {
  static const auto engine = make_engine("cpu", {.threads = 1});
  static std::map<std::tuple<const StarlightModel*, std::size_t, std::uint64_t>, ExactPrediction>
      known;
  const auto [at, is_new] = known.try_emplace({&model, layer.number, index});
  if (is_new) engine->predict_exact(model, layer.view(), {&index, 1}, {&at->second, 1});
  return at->second;
}

double score_of(const SweepPlan& plan, const ExactPrediction& e) {
  return -plan.spec().acquisition(e.log_latency + e.log_energy,
                                  std::hypot(e.log_latency_sd, e.log_energy_sd));
}

bool is_over(const SweepLimits& limits, const ExactPrediction& e) {
  return (limits.cycles > 0 && e.log_latency > std::log(limits.cycles)) ||
         (limits.energy_pj > 0 && e.log_energy > std::log(limits.energy_pj));
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
        if (is_over(limits, e)) {
          ++over;
          continue;
        }
        ++scored;
        wanted.offer({{score_of(plan, e), index}, {}});
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
}

TEST(StarlightSweep, ShardsAndThreadsDoNotShow) {
  const SweepPlan plan(starlight_spec("lcb"));
  const TemporaryFolder folder;
  write_all(plan, sweep(plan, 1), folder / "direct");
  std::vector<std::filesystem::path> files;
  for (std::uint64_t number = 1; number <= 3; ++number) {
    const auto engine = make_engine("cpu", {.threads = 2});
    const auto scorer = make_starlight_scorer(plan, test_model(), *engine, 2);
    files.push_back(folder / std::to_string(number));
    run_shard(plan, {number, 3}, *scorer, {.file = files.back(), .progress = nullptr});
  }
  write_all(plan, merge_shards(plan, files), folder / "merged");
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

/// Best points of each layer and classes of a sweep that prunes, by the definition: every point of
/// the range by itself. Returns how many points were pruned.
std::uint64_t expect_top_exact(const SweepPlan& plan, const std::vector<LayerResult>& swept,
                               const StarlightModel& model) {
  expect_covered(plan, swept);
  std::uint64_t pruned = 0;
  for (const SweepLayer& layer : plan.layers()) {
    const LayerResult& result = swept[layer.number];
    BestList wanted(plan.spec().top), got(plan.spec().top);
    std::uint64_t points = 0, beyond = 0;
    for (std::uint64_t i = layer.range.begin; i < layer.range.end; ++i) {
      if (layer.view().canonical(i) != i || !plan.would_score(layer, i)) continue;
      ++points;
      const ExactPrediction& e = predict(layer, i, model);
      if (is_over(plan.spec().limits, e)) continue;
      wanted.offer({{score_of(plan, e), i}, {}});
      beyond += score_of(plan, e) > plan.spec().thresholds[layer.number] ? 1u : 0u;
    }
    for (const HardwareResult& kept : result.hardware) {
      got.merge(kept.best);
      EXPECT_TRUE(kept.front.points().empty());
    }
    EXPECT_EQ(got.points().size(), wanted.points().size());
    for (std::size_t i = 0; i < std::min(got.points().size(), wanted.points().size()); ++i)
      EXPECT_EQ(got.points()[i].key, wanted.points()[i].key) << "rank " << i;
    const Coverage& c = result.coverage;
    EXPECT_EQ(c.pruned + c.over_limit + c.scored, points);
    if (plan.spec().limits.cycles == 0.0 && plan.spec().limits.energy_pj == 0.0) {
      EXPECT_LE(c.pruned, beyond);
    }
    pruned += c.pruned;
  }
  return pruned;
}

SweepPlan pruning_plan(SweepSpec spec, const StarlightModel& model, const AvoidList& avoid = {}) {
  spec.model_hash = model.hash();
  SweepPlan plan(std::move(spec));
  plan.avoid(avoid);
  plan.prune_above(prune_thresholds(plan, model, 1));
  return plan;
}

TEST(PruningSweep, BestPointsEqualBruteForceForEveryObjective) {
  for (const StarlightModel* model : {&test_model(), &latency_model()})
    for (const char* objective : {"mean", "lcb", "ei", "logei"}) {
      SCOPED_TRACE(objective);
      const SweepPlan plan = pruning_plan(starlight_spec(objective), *model);
      expect_top_exact(plan, sweep(plan, 2, *model), *model);
    }
}

TEST(PruningSweep, PrunesByTheThresholdAlone) {
  SweepPlan plan(starlight_spec("mean"));
  const auto floor_of = [](const SweepLayer& layer, std::uint64_t index) {
    const DesignPoint point = layer.view().decode(index);
    return lower_bound_cycles(layer.view().layer, point.hardware) *
           evaluate_analytical(layer.view().layer, point.hardware, point.mapping).energy_pj;
  };
  std::vector<std::vector<std::uint64_t>> points;
  std::vector<double> thresholds;
  for (const SweepLayer& layer : plan.layers()) {
    points.emplace_back();
    std::vector<double> floors;
    for (std::uint64_t i = layer.range.begin; i < layer.range.end; ++i)
      if (layer.view().canonical(i) == i && plan.would_score(layer, i)) {
        points.back().push_back(i);
        floors.push_back(floor_of(layer, i));
      }
    std::sort(floors.begin(), floors.end());
    thresholds.push_back(std::log(floors[floors.size() / 2]));
  }
  plan.prune_above(thresholds);
  const std::vector<LayerResult> swept = sweep(plan, 2, latency_model());
  for (const SweepLayer& layer : plan.layers()) {
    const double threshold = thresholds[layer.number];
    const double limit = floor_limit(latency_model(), plan.spec().acquisition, threshold);
    // By the floor, by the engine's bounds of the rest, which none that reaches the threshold may
    // be lost to.
    std::vector<std::uint64_t> left;
    std::uint64_t pruned = 0;
    for (const std::uint64_t i : points[layer.number]) {
      if (floor_of(layer, i) <= limit) {
        left.push_back(i);
        continue;
      }
      ++pruned;
      EXPECT_GT(score_of(plan, predict(layer, i, latency_model())), threshold);
    }
    EXPECT_GT(pruned, 0u);
    EXPECT_LT(pruned, points[layer.number].size());
    std::vector<Prediction> bounds(left.size());
    make_engine("cpu")->predict_sketch(latency_model(), layer.view(), left, bounds);
    PredictionError error = screen_error(latency_model());
    error.upper_only = true;
    for (std::size_t i = 0; i < left.size(); ++i) {
      const EdpPrediction edp = edp_prediction(bounds[i]);
      if (-highest_acquisition(plan.spec().acquisition, edp, error) <= threshold) continue;
      ++pruned;
      EXPECT_GT(score_of(plan, predict(layer, left[i], latency_model())), threshold);
    }
    EXPECT_EQ(swept[layer.number].coverage.pruned, pruned);
  }
}

TEST(PruningSweep, LimitsAndPointsToAvoidHoldForTheThresholdToo) {
  SweepSpec spec = starlight_spec("mean");
  const SweepPlan free = pruning_plan(spec, latency_model());
  // Every point that the threshold may rest on.
  const SweepLayer& layer = free.layers()[0];
  AvoidList avoid;
  double best = std::numeric_limits<double>::infinity();
  for (std::uint64_t i = layer.range.begin; i < layer.range.end; ++i) {
    if (layer.view().canonical(i) != i || !free.would_score(layer, i)) continue;
    const ExactPrediction& e = predict(layer, i, latency_model());
    if (score_of(free, e) > free.spec().thresholds[0]) continue;
    avoid.emplace_back(0, i);
    best = std::min(best, e.log_latency);
  }
  ASSERT_FALSE(avoid.empty());
  spec.limits.cycles = 2.0 * std::exp(best);
  const SweepPlan plan = pruning_plan(spec, latency_model(), avoid);
  const std::vector<LayerResult> swept = sweep(plan, 2, latency_model());
  expect_top_exact(plan, swept, latency_model());
  EXPECT_EQ(swept[0].coverage.avoided, avoid.size());
  EXPECT_GT(plan.spec().thresholds[0], free.spec().thresholds[0]);
}

TEST(PruningSweep, PrunesNothingWhereFewerPointsThanWantedAreThere) {
  SweepSpec spec = starlight_spec("mean");
  spec.top = 1'000'000;
  const SweepPlan plan = pruning_plan(spec, latency_model());
  for (const double threshold : plan.spec().thresholds) EXPECT_TRUE(std::isinf(threshold));
  EXPECT_EQ(expect_top_exact(plan, sweep(plan, 2, latency_model()), latency_model()), 0u);
}

TEST(PruningSweep, AnyNumberOfShardsMergesToTheSameBytes) {
  const SweepPlan plan = pruning_plan(starlight_spec("mean"), latency_model());
  ASSERT_GT(plan.tile_count(), 7u);
  const TemporaryFolder folder;
  write_results(plan, sweep(plan, 1, latency_model()), {}, folder / "direct");
  const auto wanted = files_of(folder / "direct");
  EXPECT_EQ(wanted.size(), 2u);  // top.csv and the certificate
  for (const std::uint64_t count : {1u, 2u, 7u}) {
    std::vector<std::filesystem::path> files;
    for (std::uint64_t number = 1; number <= count; ++number) {
      const auto engine = make_engine("cpu", {.threads = 2});
      const auto scorer = make_starlight_scorer(plan, latency_model(), *engine, 2);
      files.push_back(folder / (std::to_string(count) + "-" + std::to_string(number)));
      run_shard(plan, {number, count}, *scorer, {.file = files.back(), .progress = nullptr});
    }
    const SweepPlan read(read_shard_spec(files.front()));
    EXPECT_EQ(read.spec().thresholds, plan.spec().thresholds);
    write_results(read, merge_shards(read, files), {}, folder / "merged");
    EXPECT_EQ(files_of(folder / "merged"), wanted) << count << " shards";
  }
}

TEST(PruningSweep, NoPointHasLessEnergyThanTheModelsBound) {
  const double bound = least_energy_residual(test_model());
  EXPECT_LT(bound, 0.0);
  const std::vector<LayerPoint> points = test_points(2000, 33);
  std::vector<ExactPrediction> predictions(points.size());
  make_engine("cpu")->predict_points(test_model(), points, predictions);
  for (std::size_t i = 0; i < points.size(); ++i) {
    const double analytical =
        evaluate_analytical(points[i].layer, points[i].hardware, points[i].mapping).energy_pj;
    EXPECT_GE(predictions[i].log_energy - std::log(analytical), bound);
  }
  EXPECT_EQ(least_energy_residual(latency_model()), 0.0);
}

/// Share `quantiles` of sum_i count_i e^(x_i), x normal, by drawing.
std::vector<double> drawn_quantiles(const std::vector<double>& mean,
                                    const std::vector<std::vector<double>>& covariance,
                                    const std::vector<double>& count,
                                    const std::vector<double>& quantiles) {
  constexpr int kDraws = 40'000;
  const std::size_t n = mean.size();
  std::vector<std::vector<double>> lower(n, std::vector<double>(n, 0.0));
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j <= i; ++j) {
      double rest = covariance[i][j];
      for (std::size_t k = 0; k < j; ++k) rest -= lower[i][k] * lower[j][k];
      lower[i][j] = i == j ? std::sqrt(std::max(rest, 0.0)) : rest / lower[j][j];
    }
  std::vector<double> sums, normal(n + 1);
  for (int draw = 0; draw < kDraws; ++draw) {
    for (std::size_t i = 0; i < n; i += 2)
      normal_pair(7, RandomStream::latent, static_cast<std::uint64_t>(draw) * 64 + i, &normal[i]);
    double sum = 0.0;
    for (std::size_t i = 0; i < n; ++i) {
      double x = mean[i];
      for (std::size_t j = 0; j <= i; ++j) x += lower[i][j] * normal[j];
      sum += count[i] * std::exp(x);
    }
    sums.push_back(sum);
  }
  std::sort(sums.begin(), sums.end());
  std::vector<double> out;
  for (const double q : quantiles) out.push_back(sums[static_cast<std::size_t>(q * kDraws)]);
  return out;
}

TEST(StarlightSweep, NetworkEdpHasTheJointPosteriorOfItsLayers) {
  const SweepPlan plan(starlight_spec("mean"));
  const PosteriorTensors<double>& t = test_model().tensors_f64();
  const auto samples = static_cast<std::size_t>(t.samples);
  const std::vector<NetworkDesign> designs = rank_hardware(plan, sweep(plan, 2), &test_model());
  ASSERT_FALSE(designs.empty());
  for (const NetworkDesign& d : {designs.front(), designs.back()}) {
    // Correlation of the layers' errors, from the definition of the posterior.
    std::vector<std::vector<double>> inputs, whitened;
    for (const SweepLayer& layer : plan.layers()) {
      const DesignPoint point = layer.view().decode(d.points[layer.number].index);
      inputs.push_back(reference_inputs(t, {layer.view().layer, point.hardware, point.mapping}));
      whitened.emplace_back(samples, 0.0);
      for (std::size_t i = 0; i < samples; ++i)
        for (std::size_t j = 0; j <= i; ++j) {
          double d2 = 0.0;
          for (std::size_t k = 0; k < kKernelInputs; ++k)
            d2 += std::pow(inputs.back()[k] - t.train[j * kKernelInputs + k], 2);
          whitened.back()[i] += t.inverse_factor[i * samples + j] * matern52(d2);
        }
    }
    const std::size_t n = inputs.size();
    std::vector<std::vector<double>> unit(n, std::vector<double>(n, 0.0));
    for (std::size_t a = 0; a < n; ++a)
      for (std::size_t b = 0; b < n; ++b) {
        double d2 = 0.0, explained = 0.0;
        for (std::size_t k = 0; k < kKernelInputs; ++k)
          d2 += std::pow(inputs[a][k] - inputs[b][k], 2);
        for (std::size_t i = 0; i < samples; ++i) explained += whitened[a][i] * whitened[b][i];
        unit[a][b] = (a == b ? t.unit_variance : matern52(d2)) - explained;
      }
    double variance = 0.0, median = 1e-12;
    for (const bool energy : {false, true}) {
      std::vector<double> mean, count;
      std::vector<std::vector<double>> covariance = unit;
      for (std::size_t a = 0; a < n; ++a) {
        const ExactPrediction& e = predict(plan.layers()[a], d.points[a].index);
        mean.push_back(energy ? e.log_energy : e.log_latency);
        count.push_back(static_cast<double>(plan.spec().workload.layers[a].count));
        const double scale = (energy ? e.log_energy_sd : e.log_latency_sd) / std::sqrt(unit[a][a]);
        for (std::size_t b = 0; b < n; ++b) {
          covariance[a][b] *= scale;
          covariance[b][a] *= scale;
        }
      }
      constexpr double kBelow = 0.15865525393145707;  // one deviation below the median
      const std::vector<double> q =
          drawn_quantiles(mean, covariance, count, {kBelow, 0.5, 1.0 - kBelow});
      median *= q[1];
      variance += std::pow(0.5 * std::log(q[2] / q[0]), 2);
    }
    EXPECT_NEAR(d.log_edp_sd / std::sqrt(variance), 1.0, 0.1);
    EXPECT_NEAR(std::log(d.edp_median / median), 0.0, 0.15 * d.log_edp_sd);
  }
}

}  // namespace
}  // namespace polaris
