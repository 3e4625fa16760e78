// The sums over samples that make up a fit's likelihood and the gradient of its hyper-parameters.
#pragma once

#include "kernels/device/stream.hpp"
#include "models/starlight/fit_layout.hpp"
#include "models/starlight/prediction.hpp"

namespace polaris {

/// What the host makes the likelihood of, with the gradients of noise and signal variances.
struct LikelihoodTerms {
  double log_determinant;       ///< of the Cholesky factor L: half of that of C
  double fit[kMaxOutputs];      ///< residual . alpha
  double trace;                 ///< of C^-1
  double squares[kMaxOutputs];  ///< |alpha|^2
  double failure;  ///< 0, or the order of the leading minor of C that is not positive definite
};

/// Pointers into device memory; N = samples.
struct FactorTermsParams {
  int samples;
  int outputs;
  const double* factor;    ///< [N][N] L, lower
  const int* failure;      ///< [1] of the factorisation
  const double* residual;  ///< [outputs][N]
  const double* alpha;     ///< [outputs][N]
  LikelihoodTerms* terms;  ///< out: log_determinant, fit, squares, failure
};

/// Before L makes room for C^-1.
void factor_terms(const FactorTermsParams& params, const DeviceStream& stream);

/// Pointers into device memory; N = samples.
struct GradientTermsParams {
  int samples;
  int outputs;
  const double* inverse;  ///< [N][N] C^-1
  const double* scaled;   ///< [kKernelInputs][N] kernel inputs over length-scales
  const double* product;  ///< [kKernelInputs + 1][N + outputs] scaled times (pair gradient | alpha)
  const double* inverse_length;  ///< [kKernelInputs]
  const double* precision;       ///< [outputs] 1 / signal variance
  LikelihoodTerms* terms;        ///< out: trace
  double* gradient;  ///< out: FitLayout; length-scales, biases and weights of the outputs
};

void gradient_terms(const GradientTermsParams& params, const DeviceStream& stream);

}  // namespace polaris
