// Spaces and models of the parity harness: random numbers, conditioned on random samples, through
// the public constructor, so that engines and kernels see what a fit would give them.
#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

#include "host/engine/engine.hpp"
#include "tests/kernels/parity.hpp"
#include "tests/kernels/starlight_fixture.hpp"

namespace polaris {

inline const LayerSpaceView& parity_space() {
  static const LayerSpace space = score_space({3, 3, 12, 8, 16, 12, 1});
  return space.view();
}

/// Small lists: several tiles, two lanes.
inline constexpr EngineOptions kParityOptions{.threads = 1, .device_bytes = 1 << 16};

/// The first `count` feasible points of a random sequence.
inline std::vector<std::uint64_t> random_indices(int count, std::uint64_t stream) {
  std::vector<std::uint64_t> out;
  for (std::uint64_t i = 0; out.size() < static_cast<std::size_t>(count); ++i) {
    const std::uint64_t index = parity_space().sample(2, stream, i);
    if (is_feasible(parity_space(), index)) out.push_back(index);
  }
  return out;
}

/// A model of random numbers, not conditioned yet.
inline ModelParameters random_parameters() {
  static const PosteriorTensors<double> random = synthetic_model(parity_space(), 40);
  ModelParameters out;
  std::copy_n(random.feature_mean.begin(), kFeatures, out.scaler.mean.begin());
  std::copy_n(random.feature_inverse_sd.begin(), kFeatures, out.scaler.inverse_sd.begin());
  out.encoder = random.encoder;
  for (std::size_t k = 0; k < kKernelInputs; ++k)
    out.log_length[k] = -std::log(random.inverse_length[k]);
  out.log_noise = std::log(1e-2);
  out.outputs.resize(kMaxOutputs);
  for (OutputParameters& output : out.outputs)
    for (std::size_t k = 0; k < kKernelInputs; ++k) output.weight[k] = 0.1 * noise(5, k);
  return out;
}

inline std::vector<DesignSample> random_samples(int count) {
  std::vector<DesignSample> out;
  std::uint64_t i = 0;
  for (const std::uint64_t index : random_indices(count, 3)) {
    const LayerPoint point = layer_point(parity_space(), index);
    const AnalyticalResult analytical =
        evaluate_analytical(point.layer, point.hardware, point.mapping);
    out.push_back({point.layer, point.hardware, point.mapping,
                   static_cast<double>(analytical.cycles) * std::exp(0.3 + 0.3 * noise(6, ++i)),
                   analytical.energy_pj * std::exp(0.1 * noise(7, i))});
  }
  return out;
}

/// `shape.variant`: 0 two outputs, warped; 1 latency alone, unwarped.
inline StarlightModel fitted_model(const ParityCase& shape) {
  ModelParameters parameters = random_parameters();
  std::vector<DesignSample> samples = random_samples(shape.samples);
  if (shape.variant == 1) {
    parameters.warp = false;
    parameters.outputs.resize(1);
    for (DesignSample& sample : samples) sample.energy_pj = std::nan("");
  }
  return {parameters, samples, 1};
}

}  // namespace polaris
