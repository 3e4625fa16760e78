// The mathematics of one candidate: models/starlight.
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <set>
#include <string>

#include "models/starlight/acquisition.hpp"
#include "models/starlight/features.hpp"
#include "models/starlight/kernel.hpp"
#include "models/starlight/network.hpp"
#include "models/starlight/warp.hpp"
#include "tests/starlight/fixture.hpp"

namespace polaris {
namespace {

TEST(Math, FloatExpAndLogAreAsAccurateAsStated) {
  EXPECT_EQ(exp_nonpositive(0.0f), 1.0f);
  EXPECT_LT(exp_nonpositive(-88.0f), 2e-38f);
  EXPECT_LT(exp_nonpositive(-INFINITY), 2e-38f);
  for (float x = -86.9f; x <= 0.0f; x += 0.0137f)
    ASSERT_NEAR(exp_nonpositive(x) / std::exp(static_cast<double>(x)), 1.0, 3e-7) << x;
  for (float x = 1e-9f; x < 1e15f; x *= 1.0123f) {
    const double exact = std::log2(static_cast<double>(x));
    ASSERT_NEAR(log2_positive(x), exact, 2e-7 * std::max(1.0, std::abs(exact))) << x;
  }
  for (int e = -31; e < 60; ++e) EXPECT_EQ(log2_positive(std::ldexp(1.0f, e)), e);
}

TEST(Kernel, ValueAndSlope) {
  EXPECT_EQ(matern52(0.0), 1.0);
  EXPECT_EQ(matern52(-1e-9), 1.0);
  EXPECT_LT(matern52(1e9f), 1e-27f);
  for (double d2 = 1e-3; d2 < 100.0; d2 *= 1.7) {
    const double r = std::sqrt(5.0 * d2), h = 1e-4 * d2;
    EXPECT_NEAR(matern52(d2), (1 + r + r * r / 3) * std::exp(-r), 1e-15);
    EXPECT_NEAR(matern52_slope(d2), (matern52(d2 + h) - matern52(d2 - h)) / (2 * h), 1e-6);
    EXPECT_NEAR(matern52(static_cast<float>(d2)), matern52(d2), 1e-6);
  }
  EXPECT_DOUBLE_EQ(matern52_slope(0.0), -5.0 / 6.0);
}

TEST(Network, GeluSlope) {
  EXPECT_EQ(gelu(0.0), 0.0);
  EXPECT_DOUBLE_EQ(gelu(40.0), 40.0);
  EXPECT_NEAR(gelu(-40.0), 0.0, 1e-300);
  for (double x = -8.0; x <= 8.0; x += 0.1)
    EXPECT_NEAR(gelu_slope(x), (gelu(x + 1e-6) - gelu(x - 1e-6)) / 2e-6, 1e-8);
}

TEST(Warp, InvertsAboveTheBoundAndNeverGoesBelow) {
  const double bound = 1000.0;
  for (const double ratio : {1.0, 1.001, 1.5, 10.0, 1e5}) {
    const double g = warp_cycles(ratio * bound, bound);
    EXPECT_NEAR(unwarp_log_cycles(g, std::log(bound)), std::log(ratio * bound), 1e-12);
  }
  EXPECT_EQ(warp_cycles(500.0, bound), std::log(kWarpEpsilon));
  EXPECT_DOUBLE_EQ(unwarp_log_cycles(-50.0, std::log(bound)), std::log(bound));
  for (const double g : {-20.0, -2.3, -1.0, 0.0, 5.0}) {
    const double sd = 1e-5;
    const double clamped = std::max(g, std::log(kWarpEpsilon));
    const double slope = std::exp(clamped) / (1 - kWarpEpsilon + std::exp(clamped));
    EXPECT_NEAR(unwarp_sd(g, sd) / (slope * sd), 1.0, 1e-4);
    EXPECT_GT(unwarp_sd(g, 0.5), 0.0);
    EXPECT_NEAR(warped_sd(unwarp_log_cycles(g, std::log(bound)), unwarp_sd(g, 0.5), bound), 0.5,
                1e-9);
  }
  EXPECT_NEAR(unwarp_sd(12.0, 0.3), 0.3, 1e-5);
}

/// Expected improvement by the trapezoidal rule in t = best - y > 0.
double integrate_improvement(double mean, double sd, double best) {
  const double from = std::max(0.0, best - mean - 12 * sd), to = best - mean + 12 * sd;
  if (to <= 0.0) return 0.0;
  const int steps = 200000;
  const double h = (to - from) / steps;
  double sum = 0.0;
  for (int i = 0; i <= steps; ++i) {
    const double t = from + i * h, z = (best - t - mean) / sd;
    sum += (i == 0 || i == steps ? 0.5 : 1.0) * t * std::exp(-0.5 * z * z);
  }
  return sum * h / (sd * std::sqrt(2 * M_PI));
}

TEST(Acquisition, ExpectedImprovementEqualsTheIntegral) {
  for (const double mean : {-3.0, -0.5, 0.0, 0.5, 3.0})
    for (const double sd : {0.1, 1.0, 4.0}) {
      const double exact = integrate_improvement(mean, sd, 0.25);
      EXPECT_NEAR(expected_improvement(mean, sd, 0.25), exact, 1e-9);
      if (exact > 1e-12) {
        EXPECT_NEAR(log_expected_improvement(mean, sd, 0.25), std::log(exact), 1e-6);
      }
    }
}

TEST(Acquisition, LogEiStaysAccurateInTheTail) {
  // ln h(z) by the continued fraction of the Mills ratio, independent of both branches:
  // h = pdf (1 - |z| m), m = 1 / (|z| + 1 / (|z| + 2 / (|z| + 3 / ...))).
  for (const double a : {8.0, 20.0, 24.99, 25.01, 30.0, 100.0, 1e4}) {
    long double tail = a;
    for (int n = 400; n >= 2; --n) tail = a + n / tail;
    // 1 - a m = (1 / tail) / (a + 1 / tail): no cancellation.
    const long double inverse = 1.0L / tail;
    const long double log_ratio = std::log(inverse / (a + inverse));
    const double exact = static_cast<double>(-0.5L * a * a - kLogSqrtTwoPi + log_ratio);
    EXPECT_NEAR(log_h(-a) / exact, 1.0, 1e-11) << a;
  }
  double previous = log_h(5.0);
  for (double z = 5.0; z > -2000.0; z -= 0.37) {
    const double value = log_h(z);
    ASSERT_TRUE(std::isfinite(value));
    ASSERT_LE(value, previous);
    previous = value;
  }
}

TEST(Acquisition, DegenerateDeviation) {
  EXPECT_EQ(expected_improvement(1.0, 0.0, 3.0), 2.0);
  EXPECT_EQ(expected_improvement(3.0, 0.0, 1.0), 0.0);
  EXPECT_EQ(log_expected_improvement(3.0, 0.0, 1.0), -INFINITY);
  EXPECT_EQ(probability_of_improvement(1.0, 0.0, 3.0), 1.0);
  EXPECT_NEAR(probability_of_improvement(0.0, 1.0, -37.0) / 5.725571222524e-300, 1.0, 1e-6);
  const Acquisition bound{AcquisitionKind::lower_confidence_bound, 0.0, 2.0};
  EXPECT_EQ(bound(1.0, 0.25), -0.5);
}

TEST(Features, NamesAreUnique) {
  const std::set<std::string> names(std::begin(kFeatureNames), std::end(kFeatureNames));
  EXPECT_EQ(names.size(), static_cast<std::size_t>(kFeatures));
  for (int f = 0; f < kFeatures; ++f) EXPECT_EQ(feature_index(kFeatureNames[f]), f);
}

// Worked by hand: mapping C of the analytical specification's examples.
TEST(Features, WorkedExample) {
  Layer layer;
  const std::int32_t size[kDims] = {3, 3, 7, 7, 32, 1024, 1};
  std::copy(size, size + kDims, layer.size);
  HardwareConfig hardware{16, 16, 2048, 8};
  Mapping mapping;
  mapping.temporal[3][1] = 3;   // S
  mapping.temporal[3][3] = 7;   // Q
  mapping.temporal[3][5] = 64;  // K
  const Dim order[kDims] = {Dim::S, Dim::Q, Dim::K, Dim::R, Dim::P, Dim::C, Dim::N};
  std::copy(order, order + kDims, mapping.order[3]);
  mapping.spatial_k = 8;
  mapping.temporal[1][5] = 2;  // K
  mapping.temporal[1][0] = 3;  // R
  mapping.temporal[1][4] = 2;  // C
  mapping.spatial_c = 16;
  mapping.temporal[0][2] = 7;  // P
  double q[kFeatures];
  feature_quantities(layer, hardware, mapping, q);
  EXPECT_EQ(q[feature_index("macs")], 14450688.0);
  EXPECT_EQ(q[feature_index("gemmini_steps")], 1344.0);
  EXPECT_EQ(q[feature_index("gemmini_array_cycles")], 3.0 * 2.0 * 7.0);
  EXPECT_EQ(q[feature_index("gemmini_memory_cycles")], 2.0 * (9.0 * 2.0 + 3.0 * 32.0));
  EXPECT_EQ(q[feature_index("gemmini_excess")], warp_cycles(1344.0 * 250.0, 14450688.0 / 256.0));
  EXPECT_EQ(q[feature_index("weight_tile")], 1536.0);
  EXPECT_EQ(q[feature_index("input_tile")], 288.0);
  EXPECT_EQ(q[feature_index("output_tile")], 14.0 * 8.0);
  EXPECT_EQ(q[feature_index("weight_loads")], 3.0 * 7.0 * 64.0);
  EXPECT_EQ(q[feature_index("input_loads")], 3.0 * 7.0);
  EXPECT_EQ(q[feature_index("rows_per_pass")], 7.0);
  EXPECT_EQ(q[feature_index("rows_per_weight")], 112896.0 / 16128.0);
  EXPECT_EQ(q[feature_index("preload_cycles")], 16128.0 * 16.0);
  EXPECT_EQ(q[feature_index("fill_k")], 1.0);
  EXPECT_EQ(q[feature_index("fill_p")], 7.0 / 16.0);
  // blocks: R 3, Q 1, P 1, C 2, K 1 within each of 1344 DRAM tiles (S tile 1)
  EXPECT_EQ(q[feature_index("instructions")], 1344.0 * 3.0 * 2.0);
  EXPECT_EQ(q[feature_index("rank_S")], 3.0 / 7.0);
  EXPECT_EQ(q[feature_index("rank_K")], 1.0 / 7.0);
  EXPECT_EQ(q[feature_index("rank_R")], 0.0);
  EXPECT_EQ(q[feature_index("is_matmul")], 0.0);
}

TEST(Features, FiniteAndPositiveWhereLogarithmsAreTaken) {
  for (const LayerPoint& point : test_points(500, 3)) {
    double q[kFeatures];
    feature_quantities(point.layer, point.hardware, point.mapping, q);
    for (int f = 0; f < kFeatures; ++f) {
      ASSERT_TRUE(std::isfinite(q[f])) << kFeatureNames[f];
      if (f < kLogFeatures) {
        ASSERT_GT(q[f], 0.0) << kFeatureNames[f];
      }
    }
  }
}

}  // namespace
}  // namespace polaris
