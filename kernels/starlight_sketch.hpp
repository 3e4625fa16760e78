// The sketch that the kernels use (models/starlight/sketch.hpp). Needs no CUDA header.
#pragma once

#include "kernels/starlight_model.hpp"
#include "models/starlight/sketch.hpp"

namespace polaris {

/// Samples of the sketch, and rows of L^-1 in the cheap bound on the variance.
inline constexpr int kPrefixRows = 64;

inline StarlightSketch sketch_of(const PosteriorView<double>& model) {
  return sketch_of(model.samples, model.scale.outputs, model.inverse_factor, model.alpha,
                   model.scale.unit_variance - 1.0, kPrefixRows);
}

}  // namespace polaris
