// Values against slow dense references, gradients against central differences, in float64.
#include <gtest/gtest.h>

#include <Eigen/Dense>
#include <cmath>
#include <vector>

#include "host/fit/encoder_batch.hpp"
#include "host/fit/likelihood.hpp"
#include "host/fit/random.hpp"
#include "host/fit/vae.hpp"
#include "models/starlight/kernel.hpp"

namespace polaris {
namespace {

Matrix<double> normal_matrix(int rows, int columns, std::uint64_t seed) {
  Matrix<double> out(rows, columns);
  for (Eigen::Index i = 0; i < out.size(); ++i) {
    double pair[2];
    normal_pair(seed, RandomStream::latent, static_cast<std::uint64_t>(i), pair);
    out.data()[i] = pair[0];
  }
  return out;
}

std::vector<double> normal_vector(int size, double scale, std::uint64_t seed) {
  const Matrix<double> values = scale * normal_matrix(size, 1, seed);
  return {values.data(), values.data() + size};
}

TEST(Encoder, BatchEqualsOneCandidate) {
  const std::vector<double> p = normal_vector(EncoderLayout::size, 0.2, 1);
  const Matrix<double> x = normal_matrix(kFeatures, 5, 2);
  EncoderBatch<double> batch;
  batch.forward(p.data(), x);
  for (int i = 0; i < 5; ++i) {
    double z[kLatent];
    encode(p.data(), x.col(i).data(), z);
    for (int k = 0; k < kLatent; ++k) EXPECT_NEAR(batch.latent(k, i), z[k], 1e-12);
  }
}

TEST(Encoder, BackwardWithDropout) {
  std::vector<double> p = normal_vector(EncoderLayout::size, 0.2, 1);
  const Matrix<double> x = normal_matrix(kFeatures, 4, 2);
  const Matrix<double> weight = normal_matrix(kLatent, 4, 3);
  EncoderBatch<double> batch;
  batch.mask1 = (normal_matrix(kHidden1, 4, 4).array() > 0.0).cast<double>() * 2.0;
  batch.mask2 = (normal_matrix(kHidden2, 4, 5).array() > 0.0).cast<double>() * 2.0;
  const auto loss = [&] {
    batch.forward(p.data(), x);
    return batch.latent.cwiseProduct(weight).sum();
  };
  loss();
  std::vector<double> gradient(EncoderLayout::size);
  Matrix<double> hidden2 = Matrix<double>::Zero(kHidden2, 4);
  batch.backward(p.data(), x, weight, hidden2, gradient.data());
  for (std::size_t i = 0; i < p.size(); i += 13) {
    const double kept = p[i], h = 1e-6;
    p[i] = kept + h;
    const double up = loss();
    p[i] = kept - h;
    const double down = loss();
    p[i] = kept;
    ASSERT_NEAR(gradient[i], (up - down) / (2 * h), 1e-6) << i;
  }
}

TEST(Vae, Gradient) {
  std::vector<double> p = normal_vector(VaeLayout::size, 0.15, 1);
  const int n = 6;
  const double beta = 0.3;
  const Matrix<double> x = normal_matrix(kFeatures, n, 2),
                       y = normal_matrix(kPretrainTargets, n, 3),
                       noise = normal_matrix(kLatent, n, 4);
  VaeBatch<double> vae;
  std::vector<double> gradient(p.size()), ignored(p.size());
  vae.evaluate(p.data(), x, y, noise, beta, 1.0 / n, gradient.data());
  const auto loss = [&] {
    return vae.evaluate(p.data(), x, y, noise, beta, 1.0 / n, ignored.data()).total(beta);
  };
  for (std::size_t i = 0; i < p.size(); i += 7) {
    const double kept = p[i], h = 1e-5;
    p[i] = kept + h;
    const double up = loss();
    p[i] = kept - h;
    const double down = loss();
    p[i] = kept;
    ASSERT_NEAR(gradient[i], (up - down) / (2 * h), 1e-7 + 1e-5 * std::abs(gradient[i])) << i;
  }
}

struct GpProblem {
  Matrix<double> inputs = 0.7 * normal_matrix(kKernelInputs, 37, 1);
  Matrix<double> targets = normal_matrix(37, 2, 2);
  std::array<double, kKernelInputs> log_length{};
  double log_noise = std::log(0.05);
  std::vector<OutputParameters> outputs = std::vector<OutputParameters>(2);

  GpProblem() {
    for (std::size_t k = 0; k < kKernelInputs; ++k) {
      log_length[k] = 1.5 + 0.02 * static_cast<double>(k);
      outputs[0].weight[k] = 0.03 * std::sin(static_cast<double>(k));
      outputs[1].weight[k] = 0.05 * std::cos(static_cast<double>(k));
    }
    outputs[0].log_sd = 0.3;
    outputs[1].log_sd = -0.4;
    outputs[1].bias = 0.2;
  }
  double value(LikelihoodGradient& gradient) const {
    return negative_log_likelihood(inputs, targets, log_length, log_noise, outputs, 1, gradient);
  }
  double value() const {
    LikelihoodGradient ignored;
    return value(ignored);
  }
};

TEST(Likelihood, EqualsTheDenseFormula) {
  const GpProblem gp;
  const int n = 37;
  Matrix<double> c(n, n);
  for (int i = 0; i < n; ++i)
    for (int j = 0; j < n; ++j) {
      double d2 = 0.0;
      for (int k = 0; k < kKernelInputs; ++k)
        d2 += std::pow((gp.inputs(k, i) - gp.inputs(k, j)) /
                           std::exp(gp.log_length[static_cast<std::size_t>(k)]),
                       2);
      c(i, j) = matern52(d2) + (i == j ? 0.05 : 0.0);
    }
  double expected = 0.0;
  for (int o = 0; o < 2; ++o) {
    const OutputParameters& output = gp.outputs[static_cast<std::size_t>(o)];
    Eigen::VectorXd error = gp.targets.col(o);
    for (int i = 0; i < n; ++i) {
      error[i] -= output.bias;
      for (int k = 0; k < kKernelInputs; ++k)
        error[i] -= output.weight[static_cast<std::size_t>(k)] * gp.inputs(k, i);
    }
    const Matrix<double> covariance = std::exp(2 * output.log_sd) * c;
    expected += 0.5 * error.dot(covariance.fullPivLu().solve(error)) +
                0.5 * std::log(covariance.fullPivLu().determinant()) + 0.5 * n * std::log(2 * M_PI);
  }
  EXPECT_NEAR(gp.value(), expected, 1e-9 * std::abs(expected));
}

TEST(Likelihood, Gradients) {
  GpProblem gp;
  LikelihoodGradient gradient;
  gp.value(gradient);
  const auto check = [&gp](double& parameter, double analytic, const char* name) {
    const double kept = parameter, h = 1e-5;
    parameter = kept + h;
    const double up = gp.value();
    parameter = kept - h;
    const double down = gp.value();
    parameter = kept;
    EXPECT_NEAR(analytic, (up - down) / (2 * h), 1e-6 + 1e-6 * std::abs(analytic)) << name;
  };
  check(gp.log_noise, gradient.log_noise, "log_noise");
  for (std::size_t k = 0; k < kKernelInputs; k += 5)
    check(gp.log_length[k], gradient.log_length[k], "log_length");
  for (std::size_t o = 0; o < 2; ++o) {
    check(gp.outputs[o].log_sd, gradient.outputs[o].log_sd, "log_sd");
    check(gp.outputs[o].bias, gradient.outputs[o].bias, "bias");
    for (std::size_t k = 0; k < kKernelInputs; k += 9)
      check(gp.outputs[o].weight[k], gradient.outputs[o].weight[k], "weight");
  }
  for (int i = 0; i < 37; i += 4)
    for (int k = 0; k < kKernelInputs; k += 11)
      check(gp.inputs(k, i), gradient.inputs(k, i), "inputs");
}

TEST(Likelihood, SameForAnyNumberOfThreads) {
  const Matrix<double> inputs = normal_matrix(kKernelInputs, 200, 7);
  const Matrix<double> targets = normal_matrix(200, 1, 8);
  std::array<double, kKernelInputs> log_length{};
  log_length.fill(2.0);
  const std::vector<OutputParameters> outputs(1);
  LikelihoodGradient one, two;
  const double a = negative_log_likelihood(inputs, targets, log_length, -3.0, outputs, 1, one);
  const double b = negative_log_likelihood(inputs, targets, log_length, -3.0, outputs, 2, two);
  EXPECT_EQ(a, b);
  EXPECT_EQ(one.inputs, two.inputs);
}

TEST(Covariance, JitterHelpsWhereNoiseIsNone) {
  Matrix<double> scaled = normal_matrix(kKernelInputs, 8, 1);
  for (int i = 1; i < 8; ++i) scaled.col(i) = scaled.col(0);
  const CovarianceFactor factor = factorise_covariance(scaled, 0.0, 1);
  EXPECT_GT(factor.jitter, 0.0);
  EXPECT_TRUE(factor.lower.allFinite());
  EXPECT_EQ(factorise_covariance(scaled, 0.02, 1).jitter, 0.0);
}

TEST(Covariance, InverseOfFactor) {
  const CovarianceFactor factor =
      factorise_covariance(normal_matrix(kKernelInputs, 130, 1), 0.1, 2);
  const Matrix<double> inverse = invert_lower(factor.lower, 2);
  EXPECT_LT((inverse * factor.lower - Matrix<double>::Identity(130, 130)).cwiseAbs().maxCoeff(),
            1e-12);
}

}  // namespace
}  // namespace polaris
