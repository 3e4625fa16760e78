// A fit's likelihood and gradient on the device: against the CPU's, against its own differences,
// and as part of a whole fit.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "host/engine/engine.hpp"
#include "kernels/starlight_fitter.hpp"
#include "tests/kernels/fit_fixture.hpp"
#include "tests/starlight/fixture.hpp"

namespace polaris {
namespace {

/// Both back ends compute in double; what differs is the order of sums, seen through the
/// covariance, whose condition is at most N over the noise.
constexpr double kAgreement = 1e-10;

/// The parts of a gradient are of different sizes, so each is compared by itself.
void expect_equal_gradients(const std::vector<double>& got, const std::vector<double>& expected,
                            int outputs, double tolerance) {
  ASSERT_EQ(got.size(), expected.size());
  std::vector<int> parts = {EncoderLayout::skip,    EncoderLayout::weight1, EncoderLayout::bias1,
                            EncoderLayout::weight2, EncoderLayout::bias2,   EncoderLayout::weight3,
                            EncoderLayout::bias3,   FitLayout::length,      FitLayout::noise};
  for (int o = 0; o < outputs; ++o)
    for (const int place : {FitLayout::log_sd, FitLayout::bias, FitLayout::weight})
      parts.push_back(FitLayout::output(o) + place);
  parts.push_back(FitLayout::size(outputs));
  for (std::size_t p = 0; p + 1 < parts.size(); ++p)
    EXPECT_LT(
        relative_difference(
            std::vector<double>(got.begin() + parts[p], got.begin() + parts[p + 1]),
            std::vector<double>(expected.begin() + parts[p], expected.begin() + parts[p + 1])),
        tolerance)
        << "parameters from " << parts[p] << " on";
}

void expect_as_on_the_cpu(const FitCase& c, double tolerance) {
  SCOPED_TRACE(testing::Message() << c.samples << " samples, " << c.outputs << " outputs, dropout "
                                  << c.dropout << ", raw inputs " << c.raw_inputs);
  const FitProblem problem = fit_problem(c);
  const ModelParameters model = fit_parameters(c);
  const auto cpu = make_cpu_likelihood(problem), cuda = make_cuda_likelihood(problem);
  for (const int step : {0, 5}) {
    std::vector<double> expected, got;
    const double value = cpu->evaluate(model, step, expected);
    EXPECT_NEAR(cuda->evaluate(model, step, got), value, tolerance * std::abs(value));
    expect_equal_gradients(got, expected, c.outputs, tolerance);
  }
}

TEST(StarlightFitter, EqualsTheCpuForAnyNumberOfSamples) {
  for (const int samples : {1, 2, 15, 16, 17, 31, 32, 33, 70})
    expect_as_on_the_cpu({.samples = samples}, kAgreement);
}

TEST(StarlightFitter, EqualsTheCpuInEveryConfiguration) {
  for (const int outputs : {1, 2})
    for (const double dropout : {0.0, 0.3})
      for (const bool raw_inputs : {false, true})
        expect_as_on_the_cpu({.samples = 20,
                              .outputs = outputs,
                              .dropout = dropout,
                              .raw_inputs = raw_inputs,
                              .skip = raw_inputs},
                             kAgreement);
}

FitterData data_of(const FitProblem& problem, std::span<const double> features,
                   std::span<const double> targets) {
  return {.samples = static_cast<int>(problem.x.cols()),
          .outputs = static_cast<int>(problem.targets.cols()),
          .features = features,
          .targets = targets,
          .raw_inputs = problem.raw_inputs,
          .dropout = problem.dropout};
}

/// The fitter of `problem`.
StarlightFitter fitter_of(const FitProblem& problem) {
  return StarlightFitter(data_of(problem, values_of(problem.x), values_of(problem.targets)));
}

TEST(StarlightFitter, GradientIsThatOfItsOwnValue) {
  const FitCase c{.samples = 17};
  StarlightFitter fitter = fitter_of(fit_problem(c));
  const std::vector<double> parameters = pack(fit_parameters(c));
  std::vector<double> gradient(parameters.size()), unused(parameters.size());
  fitter.evaluate(parameters, 2, gradient);
  for (const int at :
       {EncoderLayout::skip + 5, EncoderLayout::weight1 + 100, EncoderLayout::bias1 + 7,
        EncoderLayout::weight2 + 77, EncoderLayout::bias2 + 3, EncoderLayout::weight3 + 40,
        EncoderLayout::bias3 + 2, FitLayout::length + 3, FitLayout::length + kKernelInputs - 1,
        FitLayout::noise, FitLayout::output(0) + FitLayout::log_sd,
        FitLayout::output(1) + FitLayout::bias, FitLayout::output(1) + FitLayout::weight + 30}) {
    constexpr double kStep = 1e-4;
    const auto value = [&](double by) {
      std::vector<double> moved = parameters;
      moved[static_cast<std::size_t>(at)] += by;
      return fitter.evaluate(moved, 2, unused);
    };
    const double difference = (value(kStep) - value(-kStep)) / (2.0 * kStep);
    const double expected = gradient[static_cast<std::size_t>(at)];
    EXPECT_NEAR(difference, expected, 1e-6 * (1.0 + std::abs(expected))) << "parameter " << at;
  }
}

TEST(StarlightFitter, EqualCallsGiveEqualBits) {
  const FitCase c{.samples = 40};
  const FitProblem problem = fit_problem(c);
  const std::vector<double> parameters = pack(fit_parameters(c));
  StarlightFitter one = fitter_of(problem), other = fitter_of(problem);
  std::vector<double> first(parameters.size()), second(parameters.size());
  const double value = one.evaluate(parameters, 1, first);
  EXPECT_NE(one.evaluate(parameters, 2, second), value) << "another dropout";
  EXPECT_EQ(one.evaluate(parameters, 1, second), value);
  EXPECT_EQ(second, first);
  EXPECT_EQ(other.evaluate(parameters, 1, second), value);
  EXPECT_EQ(second, first);
}

TEST(StarlightFitter, EqualSamplesGetJitter) {
  // All correlations are exactly 1: without noise the second pivot is 0.
  const FitCase c{.samples = 20, .dropout = 0.0};
  FitProblem problem = fit_problem(c);
  for (int i = 1; i < c.samples; ++i) problem.x.col(i) = problem.x.col(0);
  StarlightFitter fitter = fitter_of(problem);
  std::vector<double> parameters = pack(fit_parameters(c)), gradient(parameters.size());
  parameters[FitLayout::noise] = -80.0;
  const double with_jitter = fitter.evaluate(parameters, 0, gradient);
  parameters[FitLayout::noise] = std::log(1e-10);  // the first jitter
  const double with_noise = fitter.evaluate(parameters, 0, gradient);
  EXPECT_NEAR(with_jitter, with_noise, 1e-5 * std::abs(with_noise));

  // With noise, equal samples are nothing special.
  FitProblem pairs = fit_problem({.samples = 12});
  for (int i = 0; i < 6; ++i) pairs.x.col(6 + i) = pairs.x.col(i);
  const ModelParameters model = fit_parameters({.samples = 12});
  std::vector<double> expected, got;
  const double value = make_cpu_likelihood(pairs)->evaluate(model, 0, expected);
  EXPECT_NEAR(make_cuda_likelihood(pairs)->evaluate(model, 0, got), value,
              kAgreement * std::abs(value));
  expect_equal_gradients(got, expected, 2, kAgreement);
}

TEST(StarlightFitter, RefusesWhatItCannotFit) {
  constexpr double kBad[] = {std::numeric_limits<double>::quiet_NaN(),
                             std::numeric_limits<double>::infinity()};
  const FitCase c{.samples = 4};
  const FitProblem problem = fit_problem(c);
  const std::vector<double> x = values_of(problem.x), y = values_of(problem.targets);
  for (const double bad : kBad) {
    std::vector<double> wrong_x = x, wrong_y = y;
    wrong_x[9] = wrong_y[3] = bad;
    EXPECT_THROW(StarlightFitter(data_of(problem, wrong_x, y)), std::invalid_argument);
    EXPECT_THROW(StarlightFitter(data_of(problem, x, wrong_y)), std::invalid_argument);
  }
  EXPECT_THROW(StarlightFitter(data_of(problem, std::span(x).first(9), y)), std::invalid_argument);
  FitterData data = data_of(problem, x, y);
  data.samples = 0;
  EXPECT_THROW(StarlightFitter{data}, std::invalid_argument);
  data = data_of(problem, x, y);
  data.outputs = 3;
  EXPECT_THROW(StarlightFitter{data}, std::invalid_argument);

  StarlightFitter fitter(data_of(problem, x, y));
  std::vector<double> parameters = pack(fit_parameters(c)), gradient(parameters.size());
  EXPECT_THROW(fitter.evaluate(std::span(parameters).first(3), 0, gradient), std::invalid_argument);
  EXPECT_THROW(fitter.evaluate(parameters, 0, std::span(gradient).first(3)), std::invalid_argument);
  parameters[FitLayout::noise] = kBad[0];
  EXPECT_THROW(fitter.evaluate(parameters, 0, gradient), std::invalid_argument);
  // Distances beyond what a double holds: no matrix to factorise, with any jitter.
  parameters = pack(fit_parameters(c));
  parameters[FitLayout::length] = -400.0;
  EXPECT_THROW(fitter.evaluate(parameters, 0, gradient), NotPositiveDefinite);
}

TEST(StarlightFitter, AWholeFitEqualsTheCpus) {
  const std::vector<DesignSample> samples = test_samples(40);
  FitOptions options;
  options.steps = 12;
  options.threads = 1;
  const StarlightModel cpu = fit_starlight(test_pretrained(), samples, options);
  options.backend = FitBackend::cuda;
  const StarlightModel cuda = fit_starlight(test_pretrained(), samples, options);
  EXPECT_EQ(cuda.hash(), fit_starlight(test_pretrained(), samples, options).hash());

  constexpr double kTolerance = 1e-7;
  EXPECT_LT(relative_difference(pack(cuda.parameters()), pack(cpu.parameters())), kTolerance);
  const std::vector<LayerPoint> points = test_points(60, 77);
  std::vector<ExactPrediction> expected(points.size()), got(points.size());
  const auto engine = make_engine("cpu");
  engine->predict_points(cpu, points, expected);
  engine->predict_points(cuda, points, got);
  for (std::size_t i = 0; i < points.size(); ++i) {
    ASSERT_NEAR(got[i].log_latency, expected[i].log_latency, kTolerance);
    ASSERT_NEAR(got[i].log_latency_sd, expected[i].log_latency_sd, kTolerance);
    ASSERT_NEAR(got[i].log_energy, expected[i].log_energy, kTolerance);
  }
}

}  // namespace
}  // namespace polaris
