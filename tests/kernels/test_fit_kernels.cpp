// Each kernel of a fit against the formula in its header, written down in float64.
#include <gtest/gtest.h>

#include <cmath>

#include "kernels/covariance.cuh"
#include "kernels/covariance_gradient.cuh"
#include "kernels/device/encoder_block.cuh"
#include "kernels/device/triangle.cuh"
#include "kernels/encoder_backward.cuh"
#include "kernels/encoder_forward.cuh"
#include "kernels/likelihood_terms.cuh"
#include "models/starlight/kernel.hpp"
#include "tests/kernels/fit_fixture.hpp"

namespace polaris {
namespace {

constexpr double kRounding = 1e-12;
constexpr int kSizes[] = {1, 2, 15, 16, 17, 31, 32, 33, 70};

std::vector<double> inverse_length(const ModelParameters& model) {
  std::vector<double> out;
  for (const double log_length : model.log_length) out.push_back(std::exp(-log_length));
  return out;
}

/// Masks of the hidden layers, as the CPU's encoder wants them.
void set_masks(const Dropout& dropout, int step, EncoderBatch<double>& batch, int samples) {
  batch.mask1.resize(kHidden1, samples);
  batch.mask2.resize(kHidden2, samples);
  for (int i = 0; i < samples; ++i)
    for (int unit = 0; unit < kHidden1 + kHidden2; ++unit) {
      const double factor = dropout.factors(static_cast<unsigned>(i), unit / Dropout::kUnits, step)
                                .unit[unit % Dropout::kUnits];
      (unit < kHidden1 ? batch.mask1(unit, i) : batch.mask2(unit - kHidden1, i)) = factor;
    }
}

/// What encoder_forward leaves in device memory.
struct Forward {
  DeviceBuffer<double> features, targets, parameters, inverse_lengths, pre1, pre2, scaled, norm,
      residual, alpha;

  Forward(const FitProblem& problem, const ModelParameters& model, int step,
          const DeviceStream& stream)
      : features(on_device(transposed(problem.x), stream)),
        targets(on_device(values_of(problem.targets), stream)),
        parameters(on_device(pack(model), stream)),
        inverse_lengths(on_device(inverse_length(model), stream)),
        pre1(size(problem, kHidden1), "test"),
        pre2(size(problem, kHidden2), "test"),
        scaled(size(problem, kKernelInputs + 1), "test"),
        norm(size(problem, 1), "test"),
        residual(targets.size(), "test"),
        alpha(targets.size(), "test") {
    encoder_forward({.samples = static_cast<int>(problem.x.cols()),
                     .outputs = static_cast<int>(problem.targets.cols()),
                     .raw_inputs = problem.raw_inputs,
                     .dropout = problem.dropout,
                     .step = step,
                     .features = features.data(),
                     .targets = targets.data(),
                     .parameters = parameters.data(),
                     .inverse_length = inverse_lengths.data(),
                     .pre1 = pre1.data(),
                     .pre2 = pre2.data(),
                     .scaled = scaled.data(),
                     .norm = norm.data(),
                     .residual = residual.data(),
                     .alpha = alpha.data()},
                    stream);
  }

  static std::size_t size(const FitProblem& problem, int rows) {
    return static_cast<std::size_t>(problem.x.cols() * rows);
  }
};

TEST(FitKernels, EncoderForward) {
  for (const int samples : kSizes)
    for (const double dropout : {0.0, 0.3}) {
      SCOPED_TRACE(testing::Message() << samples << " samples, dropout " << dropout);
      constexpr int kStep = 7;
      const FitCase c{.samples = samples, .dropout = dropout, .raw_inputs = samples % 2 == 0};
      const FitProblem problem = fit_problem(c);
      const ModelParameters model = fit_parameters(c);
      const DeviceStream stream;
      const Forward got(problem, model, kStep, stream);

      EncoderBatch<double> batch;
      if (dropout > 0.0) set_masks(problem.dropout, kStep, batch, samples);
      batch.forward(model.encoder.data(), problem.x);
      Matrix<double> inputs = Matrix<double>::Zero(kKernelInputs, samples);
      inputs.topRows(kLatent) = batch.latent;
      if (c.raw_inputs) inputs.bottomRows(kFeatures) = problem.x;
      Matrix<double> scaled = Matrix<double>::Ones(kKernelInputs + 1, samples);
      Matrix<double> residual = problem.targets;
      for (int k = 0; k < kKernelInputs; ++k) {
        const auto at = static_cast<std::size_t>(k);
        scaled.row(k) = inputs.row(k) * std::exp(-model.log_length[at]);
        for (std::size_t o = 0; o < model.outputs.size(); ++o)
          residual.col(static_cast<Eigen::Index>(o)) -=
              model.outputs[o].weight[at] * inputs.row(k).transpose();
      }
      for (std::size_t o = 0; o < model.outputs.size(); ++o)
        residual.col(static_cast<Eigen::Index>(o)).array() -= model.outputs[o].bias;
      const Matrix<double> norm = scaled.topRows(kKernelInputs).colwise().squaredNorm();

      EXPECT_LT(relative_difference(got.scaled.download(stream), transposed(scaled)), kRounding);
      EXPECT_LT(relative_difference(got.norm.download(stream), values_of(norm)), kRounding);
      EXPECT_LT(relative_difference(got.residual.download(stream), values_of(residual)), kRounding);
      EXPECT_EQ(got.alpha.download(stream), got.residual.download(stream));
    }
}

TEST(FitKernels, EncoderBackward) {
  for (const int samples : {1, 15, 16, 17, 33})
    for (const int outputs : {1, 2}) {
      SCOPED_TRACE(testing::Message() << samples << " samples, " << outputs << " outputs");
      constexpr int kStep = 3;
      const FitCase c{.samples = samples, .outputs = outputs, .dropout = outputs == 1 ? 0.0 : 0.3};
      const FitProblem problem = fit_problem(c);
      const ModelParameters model = fit_parameters(c);
      const DeviceStream stream;
      Forward forward(problem, model, kStep, stream);
      // Any product and alpha will do.
      const int stride = samples + outputs;
      const Matrix<double> product = noise_matrix(stride, kKernelInputs + 1, 21);
      const Matrix<double> alpha = noise_matrix(samples, outputs, 22);
      const std::vector<double> precision = {1.5, 0.7};
      const DeviceBuffer<double> device_product = on_device(values_of(product), stream);
      const DeviceBuffer<double> device_alpha = on_device(values_of(alpha), stream);
      const DeviceBuffer<double> device_precision = on_device(precision, stream);
      DeviceBuffer<double> partial(
          static_cast<std::size_t>(encoder_blocks(samples)) * EncoderLayout::size, "test");
      DeviceBuffer<double> gradient(EncoderLayout::size, "test");
      encoder_backward({.samples = samples,
                        .outputs = outputs,
                        .dropout = problem.dropout,
                        .step = kStep,
                        .features = forward.features.data(),
                        .parameters = forward.parameters.data(),
                        .inverse_length = forward.inverse_lengths.data(),
                        .precision = device_precision.data(),
                        .pre1 = forward.pre1.data(),
                        .pre2 = forward.pre2.data(),
                        .scaled = forward.scaled.data(),
                        .product = device_product.data(),
                        .alpha = device_alpha.data(),
                        .partial = partial.data(),
                        .gradient = gradient.data()},
                       stream);

      const std::vector<double> scaled = forward.scaled.download(stream);
      Matrix<double> latent(kLatent, samples);
      for (int i = 0; i < samples; ++i)
        for (int k = 0; k < kLatent; ++k) {
          const auto at = static_cast<std::size_t>(k);
          const double u =
              scaled[at * static_cast<std::size_t>(samples) + static_cast<unsigned>(i)];
          latent(k, i) = 4.0 * (u * product(i, kKernelInputs) - product(i, k)) *
                         std::exp(-model.log_length[at]);
          for (std::size_t o = 0; o < static_cast<std::size_t>(outputs); ++o)
            latent(k, i) -=
                precision[o] * model.outputs[o].weight[at] * alpha(i, static_cast<Eigen::Index>(o));
        }
      EncoderBatch<double> batch;
      if (problem.dropout.rate > 0.0) set_masks(problem.dropout, kStep, batch, samples);
      batch.forward(model.encoder.data(), problem.x);
      Matrix<double> hidden2 = Matrix<double>::Zero(kHidden2, samples);
      std::vector<double> expected(EncoderLayout::size);
      batch.backward(model.encoder.data(), problem.x, latent, hidden2, expected.data());
      EXPECT_LT(relative_difference(gradient.download(stream), expected), kRounding);
    }
}

TEST(FitKernels, TriangleTilesAreCountedRowByRow) {
  unsigned t = 0;
  for (int row = 0; row < 300; ++row)
    for (int column = 0; column <= row; ++column, ++t) {
      ASSERT_EQ(triangle_place(t).row, row);
      ASSERT_EQ(triangle_place(t).column, column);
    }
  EXPECT_EQ(triangle_tiles(300 * kTriangleTile), t);
  EXPECT_EQ(triangle_tiles(300 * kTriangleTile + 1), t + 301);
  const unsigned row_50000 = 50000u * 50001u / 2u;
  EXPECT_EQ(triangle_place(row_50000).row, 50000);
  EXPECT_EQ(triangle_place(row_50000 - 1).row, 49999);
}

TEST(FitKernels, Covariance) {
  for (const int samples : kSizes) {
    SCOPED_TRACE(testing::Message() << samples << " samples");
    constexpr double kDiagonal = 0.02;
    Matrix<double> scaled = 0.2 * noise_matrix(kKernelInputs, samples, 31);
    if (samples > 1) scaled.col(samples - 1) = scaled.col(0);
    // Norms in the order of the kernel's products.
    std::vector<double> norm(static_cast<std::size_t>(samples));
    for (int i = 0; i < samples; ++i)
      for (int k = 0; k < kKernelInputs; ++k)
        norm[static_cast<std::size_t>(i)] =
            std::fma(scaled(k, i), scaled(k, i), norm[static_cast<std::size_t>(i)]);
    const DeviceStream stream;
    const DeviceBuffer<double> device_scaled = on_device(transposed(scaled), stream);
    const DeviceBuffer<double> device_norm = on_device(norm, stream);
    const auto n = static_cast<std::size_t>(samples);
    // The upper triangle is not written.
    DeviceBuffer<double> c = on_device(std::vector<double>(n * n, -9.0), stream);
    DeviceBuffer<double> slope = on_device(std::vector<double>(n * n, -9.0), stream);
    covariance({.samples = samples,
                .scaled = device_scaled.data(),
                .norm = device_norm.data(),
                .diagonal = kDiagonal,
                .covariance = c.data(),
                .slope = slope.data()},
               stream);
    const std::vector<double> got = c.download(stream), got_slope = slope.download(stream);
    for (int j = 0; j < samples; ++j)
      for (int i = 0; i < samples; ++i) {
        const std::size_t at = static_cast<std::size_t>(j) * n + static_cast<unsigned>(i);
        const double d2 = (scaled.col(i) - scaled.col(j)).squaredNorm();
        const double r = matern52(d2) + (i == j ? kDiagonal : 0.0);
        ASSERT_NEAR(got[at], i >= j ? r : -9.0, kRounding) << i << ", " << j;
        ASSERT_NEAR(got_slope[at], i >= j ? matern52_slope(d2) : -9.0, 1e-7) << i << ", " << j;
      }
    if (samples > 1) {
      EXPECT_EQ(got[n - 1], 1.0) << "equal samples";
    }
  }
}

TEST(FitKernels, CovarianceGradient) {
  for (const int samples : kSizes)
    for (const int outputs : {1, 2}) {
      SCOPED_TRACE(testing::Message() << samples << " samples, " << outputs << " outputs");
      const Matrix<double> inverse = noise_matrix(samples, samples, 41);
      const Matrix<double> slope = noise_matrix(samples, samples, 42);
      const Matrix<double> alpha = noise_matrix(samples, outputs, 43);
      const std::vector<double> precision = {1.5, 0.7};
      const DeviceStream stream;
      const DeviceBuffer<double> device_inverse = on_device(values_of(inverse), stream);
      const DeviceBuffer<double> device_alpha = on_device(values_of(alpha), stream);
      const DeviceBuffer<double> device_precision = on_device(precision, stream);
      DeviceBuffer<double> g = on_device(values_of(slope), stream);
      covariance_gradient({.samples = samples,
                           .outputs = outputs,
                           .inverse = device_inverse.data(),
                           .alpha = device_alpha.data(),
                           .precision = device_precision.data(),
                           .slope = g.data()},
                          stream);
      Matrix<double> expected(samples, samples);
      for (int j = 0; j < samples; ++j)
        for (int i = j; i < samples; ++i) {
          double value = outputs * inverse(i, j);
          for (int o = 0; o < outputs; ++o)
            value -= precision[static_cast<std::size_t>(o)] * alpha(i, o) * alpha(j, o);
          expected(i, j) = expected(j, i) = i == j ? 0.0 : 0.5 * value * slope(i, j);
        }
      const std::vector<double> got = g.download(stream);
      if (samples > 1) {
        EXPECT_LT(relative_difference(got, values_of(expected)), kRounding);
      } else {
        EXPECT_EQ(got[0], 0.0);
      }
    }
}

TEST(FitKernels, LikelihoodTerms) {
  for (const int samples : {1, 31, 127, 128, 129})
    for (const int outputs : {1, 2}) {
      SCOPED_TRACE(testing::Message() << samples << " samples, " << outputs << " outputs");
      const auto n = static_cast<std::size_t>(samples);
      const int stride = samples + outputs;
      Matrix<double> factor = noise_matrix(samples, samples, 51);
      factor.diagonal() = factor.diagonal().cwiseAbs().array() + 0.1;
      const Matrix<double> residual = noise_matrix(samples, outputs, 52);
      const Matrix<double> alpha = noise_matrix(samples, outputs, 53);
      const Matrix<double> scaled = noise_matrix(samples, kKernelInputs, 54);
      const Matrix<double> product = noise_matrix(stride, kKernelInputs + 1, 55);
      const std::vector<double> precision = {1.5, 0.7};
      const std::vector<double> lengths(kKernelInputs, 0.5);
      const DeviceStream stream;
      const DeviceBuffer<double> device_factor = on_device(values_of(factor), stream);
      const DeviceBuffer<double> device_residual = on_device(values_of(residual), stream);
      const DeviceBuffer<double> device_alpha = on_device(values_of(alpha), stream);
      const DeviceBuffer<double> device_scaled = on_device(values_of(scaled), stream);
      const DeviceBuffer<double> device_product = on_device(values_of(product), stream);
      const DeviceBuffer<double> device_precision = on_device(precision, stream);
      const DeviceBuffer<double> device_lengths = on_device(lengths, stream);
      DeviceBuffer<int> failure(1, "test");
      failure.upload(std::vector<int>{3}, stream);
      DeviceBuffer<LikelihoodTerms> terms(1, "test");
      terms.upload(std::vector<LikelihoodTerms>(1), stream);
      const std::size_t size = static_cast<std::size_t>(FitLayout::size(outputs));
      DeviceBuffer<double> gradient = on_device(std::vector<double>(size, -9.0), stream);
      factor_terms({.samples = samples,
                    .outputs = outputs,
                    .factor = device_factor.data(),
                    .failure = failure.data(),
                    .residual = device_residual.data(),
                    .alpha = device_alpha.data(),
                    .terms = terms.data()},
                   stream);
      gradient_terms({.samples = samples,
                      .outputs = outputs,
                      .inverse = device_factor.data(),
                      .scaled = device_scaled.data(),
                      .product = device_product.data(),
                      .inverse_length = device_lengths.data(),
                      .precision = device_precision.data(),
                      .terms = terms.data(),
                      .gradient = gradient.data()},
                     stream);
      const LikelihoodTerms got = terms.download(stream)[0];
      const double tolerance = kRounding * static_cast<double>(n);
      EXPECT_NEAR(got.log_determinant, factor.diagonal().array().log().sum(), tolerance);
      EXPECT_NEAR(got.trace, factor.trace(), tolerance);
      EXPECT_EQ(got.failure, 3.0);
      std::vector<double> expected(size, -9.0);
      for (int k = 0; k < kKernelInputs; ++k)
        expected[static_cast<std::size_t>(FitLayout::length + k)] =
            -4.0 * scaled.col(k).dot(
                       (scaled.col(k).array() * product.col(kKernelInputs).head(samples).array() -
                        product.col(k).head(samples).array())
                           .matrix());
      for (int o = 0; o < outputs; ++o) {
        EXPECT_NEAR(got.fit[o], residual.col(o).dot(alpha.col(o)), tolerance);
        EXPECT_NEAR(got.squares[o], alpha.col(o).squaredNorm(), tolerance);
        const double factor_of_o = -precision[static_cast<std::size_t>(o)];
        const auto at = static_cast<std::size_t>(FitLayout::output(o));
        expected[at + FitLayout::bias] = factor_of_o * product(samples + o, kKernelInputs);
        for (int k = 0; k < kKernelInputs; ++k)
          expected[at + FitLayout::weight + static_cast<std::size_t>(k)] =
              factor_of_o * product(samples + o, k) / 0.5;
      }
      EXPECT_LT(relative_difference(gradient.download(stream), expected), tolerance);
    }
}

}  // namespace
}  // namespace polaris
