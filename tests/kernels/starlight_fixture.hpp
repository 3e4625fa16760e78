// Starlight models that need no fit: random encoders and length-scales, real features, a factor
// computed by the textbook. Any number of samples in milliseconds.
#pragma once

#include <cmath>
#include <cstdint>
#include <vector>

#include "host/fit/model.hpp"
#include "host/space/layer_space.hpp"
#include "models/space/philox.hpp"
#include "tests/starlight/reference.hpp"

namespace polaris {

/// Uniform in [-1, 1).
inline double noise(std::uint64_t stream, std::uint64_t counter) {
  return static_cast<double>(uniform_below(std::uint64_t{1} << 53, 77, stream, counter)) *
             0x1.0p-52 -
         1.0;
}

inline LayerSpace score_space(std::initializer_list<std::int32_t> sizes, std::int32_t stride = 1) {
  Layer layer;
  std::copy(sizes.begin(), sizes.end(), layer.size);
  layer.stride_w = layer.stride_h = stride;
  HardwareGrid grid{};
  const std::int64_t axes[kHardwareAxes][2] = {{4, 8}, {4096, 16384}, {4096, 32768}, {8, 16}};
  for (int a = 0; a < kHardwareAxes; ++a) {
    grid.count[a] = 2;
    for (int i = 0; i < 2; ++i) grid.value[a][i] = axes[a][i];
  }
  return {layer, grid};
}

inline LayerPoint layer_point(const LayerSpaceView& space, std::uint64_t index) {
  const DesignPoint point = space.decode(index);
  return {space.layer, point.hardware, point.mapping};
}

inline bool is_feasible(const LayerSpaceView& space, std::uint64_t index) {
  return check(space.layer, space.decode(index)) == Feasibility::feasible;
}

struct SyntheticOptions {
  int outputs = 2;
  bool warp = true;
  double noise = 1e-2;
  std::uint64_t seed = 1;
};

/// A model of `samples` feasible points of `space`.
inline PosteriorTensors<double> synthetic_model(const LayerSpaceView& space, int samples,
                                                const SyntheticOptions& options = {}) {
  PosteriorTensors<double> t;
  const auto n = static_cast<std::size_t>(samples);
  t.samples = samples;
  t.outputs = options.outputs;
  t.warp = options.warp;
  std::vector<LayerPoint> points;
  for (std::uint64_t i = 0; points.size() < n; ++i)
    if (const std::uint64_t index = space.sample(options.seed, 3, i); is_feasible(space, index))
      points.push_back(layer_point(space, index));

  std::vector<double> sum(kFeatures), squares(kFeatures);
  for (const LayerPoint& point : points) {
    double q[kFeatures];
    feature_quantities(point.layer, point.hardware, point.mapping, q);
    for (std::size_t f = 0; f < kFeatures; ++f) {
      const double value = f < kLogFeatures ? log2_positive(q[f]) : q[f];
      sum[f] += value;
      squares[f] += value * value;
    }
  }
  for (std::size_t f = 0; f < kFeatures; ++f) {
    const double mean = sum[f] / samples;
    const double variance = squares[f] / samples - mean * mean;
    t.feature_mean.push_back(mean);
    t.feature_inverse_sd.push_back(variance > 1e-9 ? 1.0 / std::sqrt(variance) : 0.0);
  }
  for (std::uint64_t i = 0; i < EncoderLayout::size; ++i)
    t.encoder.push_back(0.2 * noise(options.seed, i));
  for (std::uint64_t k = 0; k < kKernelInputs; ++k)
    t.inverse_length.push_back((1.0 + 0.5 * noise(options.seed + 1, k)) /
                               std::sqrt(0.5 * kKernelInputs));
  for (const LayerPoint& point : points) {
    const std::vector<double> input = reference_inputs(t, point);
    double norm = 0.0;
    for (const double u : input) norm += u * u;
    t.train_norm.push_back(norm);
    t.train.insert(t.train.end(), input.begin(), input.end());
  }

  // Cholesky factor of R + noise I row by row, then its inverse column by column.
  std::vector<double> lower(n * n);
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j <= i; ++j) {
      double d2 = 0.0;
      for (std::size_t k = 0; k < kKernelInputs; ++k)
        d2 += std::pow(t.train[i * kKernelInputs + k] - t.train[j * kKernelInputs + k], 2);
      double value = matern52(d2) + (i == j ? options.noise : 0.0);
      for (std::size_t k = 0; k < j; ++k) value -= lower[i * n + k] * lower[j * n + k];
      lower[i * n + j] = i == j ? std::sqrt(value) : value / lower[j * n + j];
    }
  t.inverse_factor.resize(n * n);
  for (std::size_t j = 0; j < n; ++j)
    for (std::size_t i = j; i < n; ++i) {
      double value = i == j ? 1.0 : 0.0;
      for (std::size_t k = j; k < i; ++k) value -= lower[i * n + k] * t.inverse_factor[k * n + j];
      t.inverse_factor[i * n + j] = value / lower[i * n + i];
    }
  for (std::size_t o = 0; o < static_cast<std::size_t>(options.outputs); ++o) {
    // alpha = L^-T L^-1 y of a random target y.
    std::vector<double> half(n), alpha(n);
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t j = 0; j <= i; ++j)
        half[i] += t.inverse_factor[i * n + j] * 0.3 * noise(options.seed + 2 + o, j);
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t j = 0; j <= i; ++j) alpha[j] += t.inverse_factor[i * n + j] * half[i];
    t.alpha.insert(t.alpha.end(), alpha.begin(), alpha.end());
    for (std::uint64_t k = 0; k < kKernelInputs; ++k)
      t.mean_weight.push_back(0.2 * noise(options.seed + 4 + o, k));
    t.mean_bias.push_back(0.3);
    t.sd.push_back(o == 0 ? 0.5 : 0.1);
  }
  t.unit_variance = 1.0 + options.noise;
  return t;
}

}  // namespace polaris
