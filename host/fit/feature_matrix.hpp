// Features of many points as matrices, one point a column. Heavy (Eigen): for .cpp files only.
#pragma once

#include <cstdint>

#include "host/core/parallel.hpp"
#include "host/fit/encoder_batch.hpp"
#include "host/fit/pretrained.hpp"
#include "models/starlight/features.hpp"

namespace polaris {

/// Features before standardisation (logarithms taken), [kFeatures][count], of any objects with
/// layer, hardware and mapping.
template <typename Points>
Matrix<double> feature_values(const Points& points, int threads) {
  constexpr std::int64_t kGrain = 256;
  const auto count = static_cast<std::int64_t>(points.size());
  Matrix<double> values(kFeatures, count);
  parallel_for(count, kGrain, threads, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const auto& point = points[static_cast<std::size_t>(i)];
      double* column = values.col(i).data();
      feature_quantities(point.layer, point.hardware, point.mapping, column);
      for (int f = 0; f < kLogFeatures; ++f) column[f] = log2_positive(column[f]);
    }
  });
  return values;
}

/// Standardised features of `values`.
inline Matrix<double> standardise(const FeatureScaler& scaler, const Matrix<double>& values) {
  Matrix<double> x(values.rows(), values.cols());
  for (Eigen::Index i = 0; i < values.cols(); ++i)
    for (int f = 0; f < kFeatures; ++f) {
      const auto n = static_cast<std::size_t>(f);
      x(f, i) = standardise_feature(false, values(f, i), scaler.mean[n], scaler.inverse_sd[n]);
    }
  return x;
}

/// What the kernel sees: latents [kLatent][n] over features [kFeatures][n], or zeros where `raw` is
/// false.
inline Matrix<double> kernel_inputs(const Matrix<double>& latent, const Matrix<double>& x,
                                    bool raw) {
  Matrix<double> inputs = Matrix<double>::Zero(kKernelInputs, latent.cols());
  inputs.topRows(kLatent) = latent;
  if (raw) inputs.bottomRows(kFeatures) = x;
  return inputs;
}

}  // namespace polaris
