#include "host/fit/metrics.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <numeric>
#include <vector>

#include "models/starlight/acquisition.hpp"

namespace polaris {
namespace {

/// Ranks from 0; equal values share the mean of theirs.
std::vector<double> mean_ranks(std::span<const double> values) {
  std::vector<std::size_t> order(values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(),
            [&](std::size_t a, std::size_t b) { return values[a] < values[b]; });
  std::vector<double> ranks(values.size());
  for (std::size_t begin = 0, end = 0; begin < order.size(); begin = end) {
    while (end < order.size() && values[order[end]] == values[order[begin]]) ++end;
    for (std::size_t i = begin; i < end; ++i)
      ranks[order[i]] = 0.5 * static_cast<double>(begin + end - 1);
  }
  return ranks;
}

template <typename Term>
double mean_of(std::size_t count, const Term& term) {
  double sum = 0.0;
  for (std::size_t i = 0; i < count; ++i) sum += term(i);
  return sum / static_cast<double>(count);
}

}  // namespace

double spearman(std::span<const double> a, std::span<const double> b) {
  const std::vector<double> x = mean_ranks(a), y = mean_ranks(b);
  const double mean = 0.5 * (static_cast<double>(a.size()) - 1.0);
  double xy = 0.0, xx = 0.0, yy = 0.0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    xy += (x[i] - mean) * (y[i] - mean);
    xx += (x[i] - mean) * (x[i] - mean);
    yy += (y[i] - mean) * (y[i] - mean);
  }
  return xy / std::sqrt(xx * yy);
}

double kendall(std::span<const double> a, std::span<const double> b) {
  double concordant = 0.0, untied_a = 0.0, untied_b = 0.0;
  for (std::size_t i = 0; i < a.size(); ++i)
    for (std::size_t j = 0; j < i; ++j) {
      const int x = (a[i] > a[j]) - (a[i] < a[j]);
      const int y = (b[i] > b[j]) - (b[i] < b[j]);
      concordant += x * y;
      untied_a += x != 0;
      untied_b += y != 0;
    }
  return concordant / std::sqrt(untied_a * untied_b);
}

double mean_relative_error(std::span<const double> log_true,
                           std::span<const double> log_predicted) {
  return mean_of(log_true.size(), [&](std::size_t i) {
    return std::abs(std::expm1(log_predicted[i] - log_true[i]));
  });
}

double rms_log_error(std::span<const double> log_true, std::span<const double> log_predicted) {
  return std::sqrt(mean_of(log_true.size(), [&](std::size_t i) {
    const double error = log_predicted[i] - log_true[i];
    return error * error;
  }));
}

double interval_coverage(std::span<const double> truth, std::span<const double> mean,
                         std::span<const double> sd, double level) {
  return mean_of(truth.size(), [&](std::size_t i) {
    const double probability = 2.0 * normal_cdf(std::abs(truth[i] - mean[i]) / sd[i]) - 1.0;
    return probability <= level ? 1.0 : 0.0;
  });
}

double negative_log_density(std::span<const double> truth, std::span<const double> mean,
                            std::span<const double> sd) {
  return mean_of(truth.size(), [&](std::size_t i) {
    const double z = (truth[i] - mean[i]) / sd[i];
    return 0.5 * z * z + std::log(sd[i]) + kLogSqrtTwoPi;
  });
}

}  // namespace polaris
