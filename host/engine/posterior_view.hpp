// A fitted model as the kernels want to see it.
#pragma once

#include "host/fit/model.hpp"
#include "kernels/starlight_model.hpp"

namespace polaris {

/// Valid as long as `tensors` lives.
template <typename T>
PosteriorView<T> posterior_view(const PosteriorTensors<T>& tensors) {
  return {.samples = tensors.samples,
          .feature_mean = tensors.feature_mean.data(),
          .feature_inverse_sd = tensors.feature_inverse_sd.data(),
          .encoder = tensors.encoder.data(),
          .inverse_length = tensors.inverse_length.data(),
          .train = tensors.train.data(),
          .train_norm = tensors.train_norm.data(),
          .inverse_factor = tensors.inverse_factor.data(),
          .alpha = tensors.alpha.data(),
          .mean_weight = tensors.mean_weight.data(),
          .mean_bias = tensors.mean_bias.data(),
          .scale = tensors.output_scale()};
}

}  // namespace polaris
