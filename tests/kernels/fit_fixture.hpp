// Problems and parameters of a fit that need no data: random, of any number of samples.
#pragma once

#include <cmath>
#include <vector>

#include "host/fit/fit_likelihood.hpp"
#include "host/fit/random.hpp"
#include "kernels/device/buffer.hpp"
#include "tests/kernels/starlight_fixture.hpp"

namespace polaris {

struct FitCase {
  int samples = 33;
  int outputs = 2;
  double dropout = 0.3;
  bool raw_inputs = true;
  bool skip = true;
  double noise = 0.02;
};

inline std::vector<double> noise_vector(std::size_t count, std::uint64_t stream) {
  std::vector<double> out(count);
  for (std::size_t i = 0; i < count; ++i) out[i] = noise(stream, i);
  return out;
}

inline Matrix<double> noise_matrix(int rows, int columns, std::uint64_t stream) {
  const std::vector<double> values =
      noise_vector(static_cast<std::size_t>(rows) * static_cast<std::size_t>(columns), stream);
  return Eigen::Map<const Matrix<double>>(values.data(), rows, columns);
}

inline FitProblem fit_problem(const FitCase& c) {
  return {.x = 2.0 * noise_matrix(kFeatures, c.samples, 11),
          .targets = noise_matrix(c.samples, c.outputs, 12),
          .raw_inputs = c.raw_inputs,
          .dropout = {5, static_cast<std::uint64_t>(RandomStream::dropout), c.dropout},
          .threads = 1};
}

inline ModelParameters fit_parameters(const FitCase& c) {
  ModelParameters model;
  model.encoder = noise_vector(EncoderLayout::size, 13);
  for (double& weight : model.encoder) weight *= 0.2;
  if (!c.skip) std::fill_n(model.encoder.begin() + EncoderLayout::skip, kLatent * kFeatures, 0.0);
  for (std::size_t k = 0; k < kKernelInputs; ++k)
    model.log_length[k] = 0.5 * std::log(1.0 * kKernelInputs) + 0.3 * noise(14, k);
  model.log_noise = std::log(c.noise);
  model.raw_inputs = c.raw_inputs;
  model.skip = c.skip;
  for (std::uint64_t o = 0; o < static_cast<std::uint64_t>(c.outputs); ++o) {
    OutputParameters& output = model.outputs.emplace_back();
    output.log_sd = 0.3 * noise(15, o);
    output.bias = 0.2 * noise(16, o);
    for (std::uint64_t k = 0; k < kKernelInputs; ++k) output.weight[k] = 0.1 * noise(17 + o, k);
  }
  return model;
}

/// [columns][rows] of a matrix [rows][columns]: what lies side by side changes.
inline std::vector<double> transposed(const Matrix<double>& matrix) {
  const Matrix<double> out = matrix.transpose();
  return {out.data(), out.data() + out.size()};
}

inline std::vector<double> values_of(const Matrix<double>& matrix) {
  return {matrix.data(), matrix.data() + matrix.size()};
}

/// Device memory that holds `values`.
inline DeviceBuffer<double> on_device(const std::vector<double>& values,
                                      const DeviceStream& stream) {
  DeviceBuffer<double> out(values.size(), "test");
  out.upload(values, stream);
  return out;
}

/// Largest difference over the largest element.
template <class A, class B>
double relative_difference(const A& a, const B& b) {
  double most = 0.0, scale = 0.0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    // NaN must not pass: max() would drop it.
    if (const double difference = std::abs(a[i] - b[i]); !(difference <= most)) most = difference;
    scale = std::max(scale, std::abs(b[i]));
  }
  return scale > 0.0 ? most / scale : most;
}

}  // namespace polaris
