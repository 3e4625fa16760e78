// Gradient of a fit with respect to the squared distances of its samples.
#pragma once

#include "kernels/device/stream.hpp"

namespace polaris {

/// Pointers into device memory; N = samples.
struct CovarianceGradientParams {
  int samples;
  int outputs;
  const double* inverse;    ///< [N][N] C^-1, lower: element (i, j), i >= j, at i + j N
  const double* alpha;      ///< [outputs][N] C^-1 residual
  const double* precision;  ///< [outputs] 1 / signal variance
  double* slope;            ///< [N][N] in: dR / d(squared distance), lower; out: G, both triangles
};

void covariance_gradient(const CovarianceGradientParams& params, const DeviceStream& stream);

}  // namespace polaris
