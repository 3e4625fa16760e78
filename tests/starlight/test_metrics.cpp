#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "host/fit/metrics.hpp"

namespace polaris {
namespace {

using Values = std::vector<double>;

TEST(Metrics, RankCorrelationsOfKnownOrders) {
  const Values up = {1, 2, 3, 4, 5}, down = {9, 7, 5, 3, -1}, mixed = {2, 1, 4, 3, 5};
  EXPECT_DOUBLE_EQ(spearman(up, up), 1.0);
  EXPECT_DOUBLE_EQ(spearman(up, down), -1.0);
  EXPECT_DOUBLE_EQ(spearman(up, mixed), 0.8);  // 1 - 6 * 4 / (5 * 24)
  EXPECT_DOUBLE_EQ(kendall(up, up), 1.0);
  EXPECT_DOUBLE_EQ(kendall(up, down), -1.0);
  EXPECT_DOUBLE_EQ(kendall(up, mixed), 0.6);  // 8 pairs agree, 2 do not
}

TEST(Metrics, TiesShareTheirRank) {
  const Values tied = {1, 2, 2, 3}, other = {1, 2, 3, 4};
  EXPECT_NEAR(spearman(tied, other), 4.5 / std::sqrt(4.5 * 5.0), 1e-15);
  EXPECT_NEAR(kendall(tied, other), 5.0 / std::sqrt(5.0 * 6.0), 1e-15);
  EXPECT_TRUE(std::isnan(spearman(Values{2, 2, 2}, Values{1, 2, 3})));
  EXPECT_TRUE(std::isnan(kendall(Values{1}, Values{1})));
}

TEST(Metrics, ErrorsOfLogarithms) {
  const Values truth = {std::log(100.0), std::log(100.0)};
  const Values predicted = {std::log(110.0), std::log(80.0)};
  EXPECT_NEAR(mean_relative_error(truth, predicted), 0.15, 1e-12);
  EXPECT_NEAR(rms_log_error(truth, predicted),
              std::sqrt(0.5 * (std::pow(std::log(1.1), 2) + std::pow(std::log(0.8), 2))), 1e-12);
}

TEST(Metrics, CoverageAndDensity) {
  const Values mean = {0, 0, 0, 0}, sd = {1, 1, 1, 2}, truth = {0, 1.64, -1.65, 3.2};
  EXPECT_DOUBLE_EQ(interval_coverage(truth, mean, sd, 0.9), 0.75);
  EXPECT_NEAR(negative_log_density(Values{3.0}, Values{1.0}, Values{2.0}),
              0.5 + std::log(2.0) + 0.5 * std::log(2.0 * M_PI), 1e-15);
}

}  // namespace
}  // namespace polaris
