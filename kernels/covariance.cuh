// Covariance of the samples of a fit.
#pragma once

#include "kernels/device/stream.hpp"

namespace polaris {

/// Pointers into device memory; N = samples. Matrices are symmetric; of both the lower triangle is
/// written, element (i, j), i >= j, at i + j N: what cuSOLVER calls lower.
struct CovarianceParams {
  int samples;
  const double* scaled;  ///< [kKernelInputs][N] kernel inputs over length-scales
  const double* norm;    ///< [N] their squared norms
  double diagonal;       ///< noise and jitter
  double* covariance;    ///< out: [N][N] R + diagonal I, R the Matern-5/2 correlation
  double* slope;         ///< out: [N][N] dR / d(squared distance)
};

void covariance(const CovarianceParams& params, const DeviceStream& stream);

}  // namespace polaris
