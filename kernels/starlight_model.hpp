// A fitted Starlight model as plain arrays of the host. Needs no CUDA header.
#pragma once

#include "models/starlight/prediction.hpp"

namespace polaris {

/// Field by field what host/fit/model.hpp calls PosteriorTensors; the caller owns the memory.
template <typename T>
struct PosteriorView {
  int samples;                  ///< N, at least 1
  const T* feature_mean;        ///< [kFeatures]
  const T* feature_inverse_sd;  ///< [kFeatures]
  const T* encoder;             ///< [EncoderLayout::size]
  const T* inverse_length;      ///< [kKernelInputs]
  const T* train;               ///< [N][kKernelInputs] inputs over length-scales
  const T* train_norm;          ///< [N] squared norms of those rows
  const T* inverse_factor;      ///< [N][N] row-major, lower
  const T* alpha;               ///< [outputs][N]
  const T* mean_weight;         ///< [outputs][kKernelInputs]
  const T* mean_bias;           ///< [outputs]
  OutputScale<T> scale;
};

}  // namespace polaris
