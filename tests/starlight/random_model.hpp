// Models of all kinds: hyper-parameters, sizes, outputs.
#pragma once

#include <random>

#include "tests/starlight/fixture.hpp"

namespace polaris {

using Random = std::mt19937_64;

inline double uniform(Random& random, double low, double high) {
  return std::uniform_real_distribution<double>(low, high)(random);
}

/// The test model's encoder under random hyper-parameters, conditioned on random points.
inline StarlightModel random_model(Random& random) {
  ModelParameters parameters = test_model().parameters();
  for (double& log_length : parameters.log_length) log_length += uniform(random, -0.7, 0.7);
  parameters.log_noise = uniform(random, -7.0, -1.0);
  for (OutputParameters& output : parameters.outputs) output.log_sd += uniform(random, -1.0, 1.0);
  if (random() % 4 == 0) parameters.outputs.resize(1);
  if (random() % 4 == 0) parameters.warp = false;
  const std::size_t sizes[] = {1, 7, 64, 66, 67, 130, 200};
  std::vector<DesignSample> samples = test_samples(sizes[random() % std::size(sizes)], random());
  return StarlightModel(parameters, samples);
}

/// A model without warp, so that the deviation of the first output is that of the posterior, and
/// with longer length-scales, with which few samples explain much.
inline StarlightModel smooth_model(std::size_t samples, double log_noise) {
  ModelParameters parameters = test_model().parameters();
  for (double& log_length : parameters.log_length) log_length += 1.0;
  parameters.warp = false;
  parameters.log_noise = log_noise;
  return StarlightModel(parameters, test_samples(samples, 3));
}

}  // namespace polaris
