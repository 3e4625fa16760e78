// The k best against brute force in float64.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "host/engine/posterior_view.hpp"
#include "kernels/device/buffer.hpp"
#include "kernels/next_tile.cuh"
#include "kernels/starlight_scorer.hpp"
#include "tests/kernels/ranking.hpp"

namespace polaris {
namespace {

struct Model {
  PosteriorTensors<double> f64;
  PosteriorTensors<float> f32;

  Model(const LayerSpaceView& space, int samples, const SyntheticOptions& options = {})
      : f64(synthetic_model(space, samples, options)), f32(to_single(f64)) {}

  ScorerModel view(const std::string& id) const {
    return {id, posterior_view(f32), posterior_view(f64)};
  }
  PredictionError error(ScreenPrecision precision) const {
    double prior_sd = 0.0;
    for (const double sd : f64.sd) prior_sd = std::hypot(prior_sd, sd);
    const ScreenBounds bounds = screen_bounds(precision);
    return {2.0 * bounds.mean, bounds.sd * prior_sd * std::sqrt(f64.unit_variance), false};
  }
  /// A feature that is 0 * infinity for an array of 4 rows, and cut for larger ones.
  void break_small_arrays() {
    f64.feature_mean[0] = 2.0;
    f64.feature_inverse_sd[0] = INFINITY;
    f32 = to_single(f64);
  }
};

std::vector<ScoredIndex> all_scores(const Model& model, const CandidateSet& candidates,
                                    const Acquisition& acquisition) {
  return all_scores(model.f64, candidates, acquisition);
}

void expect_equal_ranking(const std::vector<ScoredIndex>& got,
                          const std::vector<ScoredIndex>& expected, int k) {
  EXPECT_EQ(ranking_difference(got, expected, k), "");
}

/// A range of `length` that is in part feasible.
CandidateSet mixed_range(const LayerSpaceView& space, std::uint64_t length) {
  for (std::uint64_t i = 0;; ++i) {
    const CandidateSet out{space, {}, space.sample(3, 1, i), space.sample(3, 1, i) + length};
    if (out.end > space.size) continue;
    std::uint64_t feasible = 0;
    for (std::uint64_t c = out.begin; c < out.end; ++c) feasible += is_feasible(space, c);
    if (feasible > length / 4 && feasible < length) return out;
  }
}

/// An incumbent that some candidates beat.
double incumbent(const Model& model, const CandidateSet& candidates) {
  const auto by_mean =
      all_scores(model, candidates, {AcquisitionKind::lower_confidence_bound, 0.0, 0.0});
  return by_mean[by_mean.size() / 20].score;
}

ScorerOptions small_options() {
  ScorerOptions options;
  options.list_bytes = 2 * (1 << 15);  // tiles of about a thousand candidates
  options.warm_up = 64;
  return options;
}

std::vector<LayerSpace> spaces() {
  std::vector<LayerSpace> out;
  out.push_back(score_space({3, 3, 12, 8, 16, 12, 1}));
  out.push_back(score_space({1, 1, 24, 1, 12, 8, 1}));
  out.push_back(score_space({2, 1, 6, 6, 8, 4, 3}, 2));
  out.push_back(score_space({1, 5, 1, 20, 4, 36, 2}));
  return out;
}

constexpr AcquisitionKind kKinds[] = {
    AcquisitionKind::expected_improvement, AcquisitionKind::log_expected_improvement,
    AcquisitionKind::probability_of_improvement, AcquisitionKind::lower_confidence_bound};
constexpr ScreenPrecision kPrecisions[] = {ScreenPrecision::fp64, ScreenPrecision::fp32,
                                           ScreenPrecision::tf32, ScreenPrecision::bf16};

/// A k for each pair, from one to the most: on both sides of what a block merges in shared memory,
/// and of what it sorts at a time.
constexpr int kLengths[] = {4096, 16384, 4097, 5000, 2049, 2048, 513, 1025, 1024, 1023,
                            2047, 512,   511,  257,  256,  100,  65,  3,    2,    1};

class ScorerPairs : public testing::TestWithParam<int> {};

TEST_P(ScorerPairs, EqualBruteForce) {
  const std::vector<LayerSpace> all = spaces();
  const int s = GetParam() % 4, m = GetParam() / 4;
  constexpr int kSamples[] = {1, 5, 20, 33, 66};
  const LayerSpaceView& view = all[static_cast<std::size_t>(s)].view();
  Model model(
      view, kSamples[m],
      {.outputs = 1 + (m + s) % 2, .warp = m != 2, .seed = 11 + static_cast<std::uint64_t>(m)});
  if (m == 3) model.break_small_arrays();
  const int large = kLengths[GetParam()];
  ScorerOptions options = small_options();
  if (large > 1000) options.list_bytes = 1 << 19;
  StarlightScorer scorer(options);
  for (int i = 0; i < 2; ++i) {
    const CandidateSet candidates = mixed_range(
        view, i == 0 ? 600 : 600 + static_cast<std::uint64_t>(large + std::min(large, 4500)));
    const Acquisition acquisition{kKinds[(m + s + 2 * i) % 4], incumbent(model, candidates), 2.0};
    const auto expected = all_scores(model, candidates, acquisition);
    const int k = i == 0 ? 10 + 7 * m : large;
    for (const ScreenPrecision precision : kPrecisions) {
      SCOPED_TRACE(testing::Message() << "acquisition " << i << ", k " << k << ", precision "
                                      << static_cast<int>(precision));
      const ScanResult got = scorer.top_k(model.view("one"), {.candidates = candidates,
                                                              .acquisition = acquisition,
                                                              .k = k,
                                                              .precision = precision,
                                                              .error = model.error(precision),
                                                              .stop = {}});
      expect_equal_ranking(got.best, expected, k);
      if (m != 3) {
        EXPECT_EQ(got.best.size(), static_cast<std::size_t>(k));
        EXPECT_EQ(got.feasible, expected.size());
      }
      EXPECT_LE(got.sketched, got.feasible);
      EXPECT_LE(got.survivors, got.sketched);
      EXPECT_LE(got.finalists, got.survivors);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, ScorerPairs, testing::Range(0, 20));

/// One model and space for what does not depend on them.
class Scorer : public testing::Test {
 protected:
  static const LayerSpaceView& view() {
    static const LayerSpace space = score_space({1, 1, 24, 1, 12, 8, 1});
    return space.view();
  }
  static const Model& model() {
    static const Model model(view(), 12);
    return model;
  }
  static ScanRequest request(const CandidateSet& candidates, int k) {
    return {.candidates = candidates,
            .acquisition = {AcquisitionKind::lower_confidence_bound, 0.0, 2.0},
            .k = k,
            .precision = ScreenPrecision::fp32,
            .error = model().error(ScreenPrecision::fp32),
            .stop = {}};
  }
  static ScanResult expect_brute_force(StarlightScorer& scorer, const ScanRequest& r) {
    const ScanResult got = scorer.top_k(model().view("model"), r);
    expect_equal_ranking(got.best, all_scores(model(), r.candidates, r.acquisition), r.k);
    return got;
  }
};

TEST_F(Scorer, LengthsAroundTheTile) {
  ScorerOptions options = small_options();
  options.list_bytes = 2 * (256 * 32 + 1024);  // tiles of 256 candidates and two lanes
  StarlightScorer scorer(options);
  for (const std::uint64_t length : {0u, 1u, 255u, 256u, 257u, 511u, 512u, 513u, 1200u})
    expect_brute_force(scorer, request({view(), {}, 1000, 1000 + length}, 7));
}

TEST_F(Scorer, MoreSamplesThanTheSketchSees) {
  const Model other(view(), 150);
  ScorerOptions options = small_options();
  options.list_bytes = 2 * (64 * 32 + 1024);
  StarlightScorer scorer(options);
  ScanRequest r = request({view(), {}, 1000, 1900}, 3);
  const auto expected = all_scores(other, r.candidates, r.acquisition);
  for (const ScreenPrecision precision : kPrecisions) {
    r.precision = precision;
    r.error = other.error(precision);
    const ScanResult got = scorer.top_k(other.view("other"), r);
    expect_equal_ranking(got.best, expected, r.k);
    EXPECT_LT(got.survivors, got.feasible);
    EXPECT_LE(got.survivors, got.sketched);
    EXPECT_LE(got.sketched, got.feasible);
  }
}

TEST_F(Scorer, LeavesOutScreensThatDropLittle) {
  ScorerOptions options = small_options();
  options.list_bytes = 2 * (64 * 32 + 1024);  // tiles of 64 candidates and two lanes
  StarlightScorer scorer(options);
  // An error that excuses everybody: no screen drops anything.
  ScanRequest r = request({view(), {}, 1000, 3600}, 3);
  r.error.mean = 100.0;
  const ScanResult got = expect_brute_force(scorer, r);
  EXPECT_EQ(got.sketched, got.feasible);
  EXPECT_EQ(got.survivors, got.feasible);
}

TEST_F(Scorer, ListsAndListsWithDuplicates) {
  std::vector<std::uint64_t> indices;
  for (std::uint64_t i = 0; i < 1500; ++i) indices.push_back(view().sample(6, 1, i));
  StarlightScorer scorer(small_options());
  expect_brute_force(scorer, request({view(), indices}, 20));
  indices.insert(indices.end(), indices.begin(), indices.begin() + 700);
  expect_brute_force(scorer, request({view(), indices}, 50));
}

TEST_F(Scorer, FindsLessThanKAndNothing) {
  StarlightScorer scorer(small_options());
  EXPECT_LT(expect_brute_force(scorer, request({view(), {}, 500, 540}, 100)).best.size(), 41u);
  const LayerSpace none(view().layer, [] {
    HardwareGrid grid = Scorer::view().hardware;
    grid.count[2] = 1;
    grid.value[2][0] = 4;  // a scratchpad that holds nothing
    return grid;
  }());
  EXPECT_TRUE(
      scorer.top_k(model().view("model"), request({none.view(), {}, 0, 900}, 3)).best.empty());
}

TEST_F(Scorer, TiesGoToTheSmallerIndex) {
  // Loop orders that change nothing: the first and the last point of a tie are far apart.
  StarlightScorer scorer(small_options());
  const ScanRequest r = request({view(), {}, 0, 3000}, 30);
  const auto all = all_scores(model(), r.candidates, r.acquisition);
  const auto tie =
      std::adjacent_find(all.begin(), all.begin() + 30,
                         [](const auto& a, const auto& b) { return a.score == b.score; });
  ASSERT_NE(tie, all.begin() + 30);
  expect_brute_force(scorer, r);

  // The larger index comes first, and the smaller one when the larger one is the k-th best already:
  // tiles of 64, of which every other one is of the same lane.
  ScorerOptions options = small_options();
  options.list_bytes = 2 * (64 * 32 + 1024);
  std::vector<std::uint64_t> indices(3 * 64, all.back().index);
  indices.front() = (tie + 1)->index;
  indices.back() = tie->index;
  StarlightScorer other(options);
  expect_brute_force(other, request({view(), indices}, 1));
}

TEST_F(Scorer, NeverReturnsNan) {
  Model broken = model();
  broken.break_small_arrays();
  StarlightScorer scorer(small_options());
  // The hardware's most significant digit is dim: 4 in the first half, 8 in the second.
  const std::uint64_t middle = view().size / 2;
  const ScanResult got =
      scorer.top_k(broken.view("broken"), request({view(), {}, middle - 600, middle + 600}, 800));
  ASSERT_FALSE(got.best.empty());
  for (const ScoredIndex& c : got.best) {
    EXPECT_GE(c.index, middle);
    EXPECT_FALSE(std::isnan(c.score));
  }
}

TEST_F(Scorer, EndsOfASpaceOfMoreThanATrillionPoints) {
  const LayerSpace large = score_space({3, 3, 56, 56, 192, 128, 4});
  ASSERT_GT(large.view().size, std::uint64_t{1} << 40);
  const Model other(large.view(), 10);
  StarlightScorer scorer(small_options());
  for (const bool at_end : {false, true}) {
    const std::uint64_t begin = at_end ? large.view().size - 1500 : 0;
    ScanRequest r = request({large.view(), {}, begin, begin + 1500}, 9);
    const ScanResult got = scorer.top_k(other.view("other"), r);
    expect_equal_ranking(got.best, all_scores(other, r.candidates, r.acquisition), r.k);
  }
}

TEST_F(Scorer, TakesARangeOfATrillionPoints) {
  const LayerSpace large = score_space({3, 3, 56, 56, 192, 128, 4});
  const Model other(large.view(), 10);
  StarlightScorer scorer(small_options());
  constexpr std::uint64_t kBegin = 1'000'000'007;
  ScanRequest r = request({large.view(), {}, kBegin, kBegin + 1'000'000'000'000}, 9);
  ASSERT_LE(r.candidates.end, large.view().size);
  int asked = 0;
  r.stop = [&asked] { return ++asked == 4; };
  EXPECT_THROW(scorer.top_k(other.view("other"), r), ScanStopped);
}

TEST(NextTile, EndsOfRangesBeyond32Bits) {
  constexpr std::uint32_t kTile = 256;
  for (const std::uint64_t end :
       {std::uint64_t{1} << 34, std::uint64_t{1'000'000'000'000}, ~std::uint64_t{0}})
    for (const std::uint64_t step : {std::uint64_t{kTile}, std::uint64_t{1} << 33}) {
      const DeviceStream stream;
      DeviceBuffer<ScanState> state(1, "test");
      const std::uint64_t begin = end - step - 100;
      state.upload(std::vector<ScanState>{{{}, {}, {begin, step, end, kTile}, {}}}, stream);
      const auto next = [&] {
        next_tile(state.data(), stream);
        return state.download(stream)[0].tile;
      };
      for (const auto& [first, count] : {std::pair{begin, kTile}, {begin + step, 100u}}) {
        const CandidateTile tile = next();
        EXPECT_EQ(tile.first, first);
        EXPECT_EQ(tile.count, count);
      }
      EXPECT_EQ(next().count, 0u);
      EXPECT_EQ(next().count, 0u);
    }
}

TEST(NextTile, CandidatesEnterBehindScreensThatDropLittle) {
  const DeviceStream stream;
  DeviceBuffer<ScanState> state(1, "test");
  const auto after = [&](const ScanState& before) {
    state.upload(std::vector{before}, stream);
    next_tile(state.data(), stream);
    return state.download(stream)[0];
  };
  constexpr std::uint32_t kFeasible = 0, kSketched = 1, kSurvivors = 2;
  const auto entry = [&](std::uint32_t feasible, std::uint32_t sketched, std::uint32_t survivors) {
    return after({{}, {feasible, sketched, survivors}, {0, 9, 900, 9}, {}, kFeasible, 0}).entry;
  };
  EXPECT_EQ(entry(0, 0, 0), kFeasible);
  EXPECT_EQ(entry(100, 40, 40), kFeasible);
  EXPECT_EQ(entry(100, 41, 40), kSketched);
  EXPECT_EQ(entry(100, 100, 50), kSketched);
  EXPECT_EQ(entry(100, 100, 51), kSurvivors);
  EXPECT_EQ(entry(4'000'000'000, 3'900'000'000, 3'000'000'000), kSurvivors);
  // What passes in the end no screen could have dropped.
  EXPECT_EQ(after({{}, {100, 100, 100, 100, 100}, {0, 9, 900, 9}, {}}).entry, kFeasible);
  EXPECT_EQ(after({{}, {100, 98, 98, 95, 95}, {0, 9, 900, 9}, {}}).entry, kSurvivors);

  // Earlier lists count what entered a later one; after kTilesPerTrial tiles all screens run again.
  ScanState running = after({{}, {100, 90, 80}, {0, 9, 900, 9}, {}, kFeasible, 0});
  for (std::uint32_t tile = 1; tile < kTilesPerTrial; ++tile) {
    ASSERT_EQ(running.entry, kSurvivors) << tile;
    running.sizes[kSurvivors] = 70;
    running = after(running);
  }
  EXPECT_EQ(running.entry, kFeasible);
  EXPECT_EQ(running.totals[kFeasible], 100u + 70u * (kTilesPerTrial - 1));
  EXPECT_EQ(running.totals[kSketched], 90u + 70u * (kTilesPerTrial - 1));
  EXPECT_EQ(running.totals[kSurvivors], 80u + 70u * (kTilesPerTrial - 1));
  EXPECT_EQ(running.until_trial, 0u);
}

TEST_F(Scorer, StopsBetweenTiles) {
  StarlightScorer scorer(small_options());
  ScanRequest r = request({view(), {}, 0, 20000}, 5);
  int asked = 0;
  r.stop = [&asked] { return ++asked == 3; };
  EXPECT_THROW(scorer.top_k(model().view("model"), r), ScanStopped);
  EXPECT_EQ(asked, 3);
  r.stop = {};
  r.candidates.end = 1000;
  expect_brute_force(scorer, r);  // it is none the worse for it
}

TEST_F(Scorer, PredictsListsAndPoints) {
  StarlightScorer scorer(small_options());
  std::vector<std::uint64_t> indices;
  std::vector<LayerPoint> points;
  for (std::uint64_t i = 0; i < 1100; ++i) indices.push_back(view().sample(6, 1, i));
  for (std::size_t i = 0; i < 150; ++i) points.push_back(layer_point(view(), indices[i]));
  std::vector<ExactPrediction> exact(indices.size()), of_points(points.size());
  std::vector<Prediction> single(indices.size());
  scorer.predict<double>(model().view("model"), view(), indices, exact);
  scorer.predict<float>(model().view("model"), view(), indices, single);
  scorer.predict<double>(model().view("model"), points, of_points);
  for (std::size_t i = 0; i < indices.size(); ++i) {
    const bool feasible = is_feasible(view(), indices[i]);
    ASSERT_EQ(std::isnan(exact[i].log_latency), !feasible);
    ASSERT_EQ(std::isnan(single[i].log_energy_sd), !feasible);
    const ExactPrediction expected =
        reference_prediction(model().f64, layer_point(view(), indices[i]), 12);
    if (i < points.size()) {
      ASSERT_NEAR(of_points[i].log_latency, expected.log_latency, kScoreError);
      ASSERT_NEAR(of_points[i].log_energy_sd, expected.log_energy_sd, kScoreError);
    }
    if (!feasible) continue;
    ASSERT_NEAR(exact[i].log_latency_sd, expected.log_latency_sd, kScoreError);
    ASSERT_NEAR(exact[i].log_energy, expected.log_energy, kScoreError);
    ASSERT_NEAR(single[i].log_energy, expected.log_energy, 1e-4);
  }
}

TEST_F(Scorer, RejectsParametersOutOfRange) {
  StarlightScorer scorer(small_options());
  const auto throws = [&scorer](const ScanRequest& r) {
    EXPECT_THROW(scorer.top_k(model().view("model"), r), std::invalid_argument);
  };
  throws(request({view(), {}, 0, 10}, 0));
  throws(request({view(), {}, 0, 10}, kMaxScorerTopK + 1));
  throws(request({view(), {}, 10, 9}, 1));
  throws(request({view(), {}, 0, view().size + 1}, 1));
}

}  // namespace
}  // namespace polaris
