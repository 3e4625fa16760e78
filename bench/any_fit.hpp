// A fit of numbers without meaning, with a covariance that has a factor.
#pragma once

#include <cmath>
#include <cstddef>
#include <vector>

#include "kernels/starlight_fitter.hpp"

namespace polaris {

struct AnyFit {
  static constexpr int kOutputs = 2;

  explicit AnyFit(int sample_count)
      : samples(sample_count),
        features(static_cast<std::size_t>(samples) * kFeatures),
        targets(static_cast<std::size_t>(samples) * kOutputs, 0.5),
        parameters(static_cast<std::size_t>(FitLayout::size(kOutputs)), 1.0 / 64.0) {
    for (std::size_t i = 0; i < features.size(); ++i)
      features[i] = std::sin(static_cast<double>(i * i));
    for (std::size_t k = 0; k < kKernelInputs; ++k)
      parameters[FitLayout::length + k] = std::log(8.0);
    parameters[FitLayout::noise] = std::log(0.02);
  }

  /// Valid as long as this lives.
  FitterData data() const {
    return {.samples = samples,
            .outputs = kOutputs,
            .features = features,
            .targets = targets,
            .raw_inputs = true,
            .dropout = {1, 1, 0.3}};
  }

  int samples;
  std::vector<double> features, targets, parameters;
};

}  // namespace polaris
