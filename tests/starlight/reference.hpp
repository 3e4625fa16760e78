// Slow float64 reference of Starlight's posterior: the definitions in PosteriorTensors, one
// candidate at a time.
#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

#include "host/fit/model.hpp"
#include "models/analytical/analytical.hpp"
#include "models/starlight/kernel.hpp"
#include "models/starlight/network.hpp"
#include "models/starlight/prediction.hpp"
#include "models/starlight/warp.hpp"

namespace polaris {

/// Kernel inputs over the length-scales, [kKernelInputs].
inline std::vector<double> reference_inputs(const PosteriorTensors<double>& t,
                                            const LayerPoint& point) {
  double x[kFeatures];
  std::vector<double> input(kKernelInputs);
  feature_quantities(point.layer, point.hardware, point.mapping, x);
  for (int f = 0; f < kFeatures; ++f) {
    const auto n = static_cast<std::size_t>(f);
    x[f] = standardise_feature(f < kLogFeatures, x[f], t.feature_mean[n], t.feature_inverse_sd[n]);
  }
  encode(t.encoder.data(), x, input.data());
  std::copy(x, x + kFeatures, input.begin() + kLatent);
  for (std::size_t k = 0; k < kKernelInputs; ++k) input[k] *= t.inverse_length[k];
  return input;
}

/// `rows`: of L^-1 that the variance takes into account; all of them for the posterior.
inline ExactPrediction reference_prediction(const PosteriorTensors<double>& t,
                                            const LayerPoint& point, int rows) {
  const auto samples = static_cast<std::size_t>(t.samples);
  const std::vector<double> input = reference_inputs(t, point);
  std::vector<double> kernel(samples);
  for (std::size_t n = 0; n < samples; ++n) {
    double d2 = 0.0;
    for (std::size_t k = 0; k < kKernelInputs; ++k)
      d2 += std::pow(input[k] - t.train[n * kKernelInputs + k], 2);
    kernel[n] = matern52(d2);
  }
  double explained = 0.0;
  for (std::size_t i = 0; i < static_cast<std::size_t>(rows); ++i) {
    double v = 0.0;
    for (std::size_t j = 0; j <= i; ++j) v += t.inverse_factor[i * samples + j] * kernel[j];
    explained += v * v;
  }
  double mean[kMaxOutputs] = {};
  for (std::size_t o = 0; o < static_cast<std::size_t>(t.outputs); ++o) {
    mean[o] = t.mean_bias[o];
    for (std::size_t k = 0; k < kKernelInputs; ++k)
      mean[o] += t.mean_weight[o * kKernelInputs + k] * input[k];
    for (std::size_t n = 0; n < samples; ++n) mean[o] += t.alpha[o * samples + n] * kernel[n];
  }
  const double bound = lower_bound_cycles(point.layer, point.hardware);
  const double analytical =
      evaluate_analytical(point.layer, point.hardware, point.mapping).energy_pj;
  return to_prediction(t.output_scale(), mean, explained, std::log(bound), std::log(analytical));
}

}  // namespace polaris
