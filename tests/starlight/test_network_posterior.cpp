#include <gtest/gtest.h>

#include <Eigen/Cholesky>
#include <algorithm>
#include <cmath>
#include <vector>

#include "host/engine/engine.hpp"
#include "host/fit/encoder_batch.hpp"
#include "host/fit/network_posterior.hpp"
#include "host/fit/random.hpp"
#include "tests/starlight/fixture.hpp"

namespace polaris {
namespace {

constexpr double kDeviate95 = 1.6448536269514722;

/// Sorted draws of sum_i weight_i e^(x_i).
std::vector<double> draw_sums(const Matrix<double>& covariance, const Eigen::VectorXd& mean,
                              const std::vector<double>& weight, int draws) {
  const Eigen::LLT<Matrix<double>> llt(covariance);
  const Matrix<double> lower = llt.matrixL();
  std::vector<double> out;
  Eigen::VectorXd normal(mean.size());
  for (int draw = 0; draw < draws; ++draw) {
    for (Eigen::Index i = 0; i < mean.size(); i += 2) {
      double pair[2];
      normal_pair(3, RandomStream::latent, static_cast<std::uint64_t>(draw * 64 + i), pair);
      normal[i] = pair[0];
      if (i + 1 < mean.size()) normal[i + 1] = pair[1];
    }
    const Eigen::VectorXd x = mean + lower * normal;
    double sum = 0.0;
    for (Eigen::Index i = 0; i < x.size(); ++i)
      sum += weight[static_cast<std::size_t>(i)] * std::exp(x[i]);
    out.push_back(sum);
  }
  std::sort(out.begin(), out.end());
  return out;
}

TEST(NetworkPosterior, SumOfDependentLogNormalsAgreesWithMonteCarlo) {
  constexpr int kDraws = 40000;
  const Eigen::VectorXd mean = Eigen::Vector4d(1.0, 2.0, 0.5, 1.5);
  const std::vector<double> weight = {3.0, 1.0, 2.0, 1.0};
  for (const double correlation : {0.0, 0.6})
    for (const double sd : {0.05, 0.3, 0.5}) {
      Matrix<double> covariance = Matrix<double>::Constant(4, 4, correlation * sd * sd);
      covariance.diagonal().setConstant(sd * sd);
      const std::vector<double> sums = draw_sums(covariance, mean, weight, kDraws);
      const LogNormal sum = sum_of_log_normals({mean.data(), 4}, {covariance.data(), 16}, weight);
      for (const auto& [share, deviate] :
           {std::pair{0.05, -kDeviate95}, {0.5, 0.0}, {0.95, kDeviate95}}) {
        const double exact = sums[static_cast<std::size_t>(share * kDraws)];
        EXPECT_NEAR(std::log(sum.at(deviate) / exact), 0.0, 0.05 * sd) << correlation << ' ' << sd;
      }
    }
}

TEST(NetworkPosterior, OneLayerIsItsPrediction) {
  const std::vector<LayerPoint> points = test_points(1, 77);
  std::vector<ExactPrediction> prediction(1);
  make_engine("cpu")->predict_points(test_model(), points, prediction);
  const double count = 3.0;
  const NetworkPosterior posterior = network_posterior(test_model(), points, {&count, 1});
  EXPECT_NEAR(posterior.cycles.log_mean, prediction[0].log_latency + std::log(count), 1e-9);
  EXPECT_NEAR(posterior.cycles.log_sd, prediction[0].log_latency_sd, 1e-9);
  EXPECT_NEAR(posterior.energy_pj.log_mean, prediction[0].log_energy + std::log(count), 1e-9);
  EXPECT_NEAR(posterior.energy_pj.log_sd, prediction[0].log_energy_sd, 1e-9);
  EXPECT_NEAR(posterior.edp.log_sd,
              std::hypot(prediction[0].log_latency_sd, prediction[0].log_energy_sd), 1e-9);
}

TEST(NetworkPosterior, LikeLayersErrTogether) {
  // Ten times one layer is as uncertain as it; ten measurements would average their noise out.
  const LayerPoint point = test_points(1, 78).front();
  const std::vector<LayerPoint> same(10, point);
  const std::vector<double> counts(10, 1.0);
  const double ten = 10.0;
  const NetworkPosterior apart = network_posterior(test_model(), same, counts);
  const NetworkPosterior together = network_posterior(test_model(), {&point, 1}, {&ten, 1});
  EXPECT_LE(apart.edp.log_sd, together.edp.log_sd);
  EXPECT_GT(apart.edp.log_sd, 2.0 * together.edp.log_sd / std::sqrt(10.0));
}

TEST(NetworkPosterior, WithoutMeasuredEnergyOnlyCyclesAreUncertain) {
  std::vector<DesignSample> samples = test_samples(20);
  for (DesignSample& sample : samples) sample.energy_pj = std::nan("");
  const StarlightModel model = test_model().with_samples(test_samples(20));
  const StarlightModel without = fit_starlight(test_pretrained(), samples, {});
  const std::vector<LayerPoint> points = test_points(4, 79);
  const std::vector<double> counts(4, 2.0);
  EXPECT_EQ(network_posterior(without, points, counts).energy_pj.log_sd, 0.0);
  EXPECT_GT(network_posterior(model, points, counts).energy_pj.log_sd, 0.0);
}

}  // namespace
}  // namespace polaris
