// The CPU engine against a slow float64 reference, one candidate at a time.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "host/core/error.hpp"
#include "host/engine/engine.hpp"
#include "tests/starlight/fixture.hpp"
#include "tests/starlight/reference.hpp"

namespace polaris {
namespace {

TEST(Engine, Float64EqualsTheReference) {
  const std::vector<LayerPoint> points = test_points(200, 31);
  std::vector<ExactPrediction> out(points.size());
  make_engine("cpu")->predict_points(test_model(), points, out);
  for (std::size_t i = 0; i < points.size(); ++i) {
    const ExactPrediction expected = reference_prediction(test_model().tensors_f64(), points[i],
                                                          test_model().tensors_f64().samples);
    ASSERT_NEAR(out[i].log_latency, expected.log_latency, 1e-9);
    ASSERT_NEAR(out[i].log_latency_sd, expected.log_latency_sd, 1e-9);
    ASSERT_NEAR(out[i].log_energy, expected.log_energy, 1e-9);
    ASSERT_NEAR(out[i].log_energy_sd, expected.log_energy_sd, 1e-9);
  }
}

TEST(Engine, Float32StaysWithinTheStatedBounds) {
  const PosteriorTensors<double>& t = test_model().tensors_f64();
  const double far = std::sqrt(t.unit_variance);
  // Training points too: there the variance is a difference of nearly equal numbers.
  std::vector<std::uint64_t> indices = feasible_indices(2000, 31);
  for (const std::uint64_t index : feasible_indices(150, 1)) indices.push_back(index);
  std::vector<Prediction> single(indices.size());
  std::vector<ExactPrediction> exact(indices.size());
  const auto engine = make_engine("cpu");
  engine->predict(test_model(), test_space(), indices, single);
  engine->predict_exact(test_model(), test_space(), indices, exact);
  double mean_error = 0.0, sd_error = 0.0;
  for (std::size_t i = 0; i < indices.size(); ++i) {
    mean_error = std::max({mean_error, std::abs(single[i].log_latency - exact[i].log_latency),
                           std::abs(single[i].log_energy - exact[i].log_energy)});
    sd_error = std::max(
        {sd_error, std::abs(single[i].log_latency_sd - exact[i].log_latency_sd) / (t.sd[0] * far),
         std::abs(single[i].log_energy_sd - exact[i].log_energy_sd) / (t.sd[1] * far)});
  }
  EXPECT_LT(mean_error, 0.25 * kScreenMeanError);
  EXPECT_LT(sd_error, 0.25 * kScreenSdError);
  RecordProperty("mean_error", std::to_string(mean_error));
  RecordProperty("sd_error", std::to_string(sd_error));
}

TEST(Engine, EdgeSizesThreadsAndInfeasiblePoints) {
  const auto one = make_engine("cpu", {1}), two = make_engine("auto", {2});
  for (const std::size_t count : {0u, 1u, 127u, 128u, 129u, 1023u, 1025u, 3000u}) {
    std::vector<std::uint64_t> indices;
    for (std::uint64_t i = 0; i < count; ++i) indices.push_back(test_space().sample(1, 2, i));
    std::vector<Prediction> a(count), b(count);
    one->predict(test_model(), test_space(), indices, a);
    two->predict(test_model(), test_space(), indices, b);
    std::size_t feasible = 0;
    for (std::size_t i = 0; i < count; ++i) {
      const bool ok =
          check(test_space().layer, test_space().decode(indices[i])) == Feasibility::feasible;
      feasible += ok;
      ASSERT_EQ(std::isnan(a[i].log_latency), !ok);
      ASSERT_EQ(std::isnan(a[i].log_energy_sd), !ok);
      if (!ok) continue;
      ASSERT_EQ(a[i].log_latency, b[i].log_latency);
      ASSERT_EQ(a[i].log_latency_sd, b[i].log_latency_sd);
      ASSERT_EQ(a[i].log_energy, b[i].log_energy);
    }
    if (count == 3000) {
      EXPECT_GT(feasible, 0u);
    }
  }
}

TEST(Engine, BackEndsByName) {
  EXPECT_EQ(make_engine("cpu")->name(), "cpu");
  EXPECT_NO_THROW(make_engine("auto"));
  EXPECT_THROW(make_engine("tpu"), Error);
}

TEST(Engine, PrecisionsByName) {
  EXPECT_EQ(screen_precision("fp64"), ScreenPrecision::fp64);
  EXPECT_EQ(screen_precision("fp32"), ScreenPrecision::fp32);
  EXPECT_EQ(screen_precision("tf32"), ScreenPrecision::tf32);
  EXPECT_EQ(screen_precision("bf16"), ScreenPrecision::bf16);
  EXPECT_THROW(screen_precision("fp8"), Error);
}

double best_edp() {
  double best = INFINITY;
  for (const DesignSample& s : test_samples(150))
    best = std::min(best, std::log(s.cycles) + std::log(s.energy_pj));
  return best;
}

class TopK : public testing::TestWithParam<AcquisitionKind> {};

TEST_P(TopK, EqualsBruteForceInFloat64) {
  const Acquisition acquisition{GetParam(), best_edp(), 2.0};
  std::vector<std::uint64_t> indices;
  for (std::uint64_t i = 0; i < 20000; ++i) indices.push_back(test_space().sample(4, 5, i));
  indices.push_back(indices[17]);  // twice: a tie
  const auto engine = make_engine("cpu");
  std::vector<ExactPrediction> exact(indices.size());
  engine->predict_exact(test_model(), test_space(), indices, exact);
  std::vector<Scored> expected;
  for (std::size_t i = 0; i < indices.size(); ++i)
    if (!std::isnan(exact[i].log_latency))
      expected.push_back({acquisition(exact[i].log_latency + exact[i].log_energy,
                                      std::hypot(exact[i].log_latency_sd, exact[i].log_energy_sd)),
                          indices[i]});
  std::sort(expected.begin(), expected.end(), [](const Scored& a, const Scored& b) {
    return a.score != b.score ? a.score > b.score : a.index < b.index;
  });
  for (const int k : {0, 1, 10, 100, 100000}) {
    const std::vector<Scored> got =
        score_top_k(*engine, test_model(), test_space(), indices, acquisition, k);
    ASSERT_EQ(got.size(), std::min(expected.size(), static_cast<std::size_t>(k)));
    for (std::size_t i = 0; i < got.size(); ++i) {
      ASSERT_EQ(got[i].index, expected[i].index) << "k " << k << " place " << i;
      ASSERT_NEAR(got[i].score, expected[i].score, 1e-9 * (1 + std::abs(expected[i].score)));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, TopK,
                         testing::Values(AcquisitionKind::log_expected_improvement,
                                         AcquisitionKind::probability_of_improvement,
                                         AcquisitionKind::lower_confidence_bound));

}  // namespace
}  // namespace polaris
