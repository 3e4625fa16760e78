// The encoder over the samples of a fit, and what the likelihood needs of each sample.
#pragma once

#include "kernels/device/stream.hpp"
#include "models/starlight/dropout.hpp"
#include "models/starlight/fit_layout.hpp"

namespace polaris {

/// Pointers into device memory; N = samples, the fastest index everywhere.
struct EncoderForwardParams {
  int samples;
  int outputs;      ///< at most kMaxOutputs
  bool raw_inputs;  ///< the kernel sees the features beside the latent, else zeros
  Dropout dropout;
  int step;                      ///< of the optimiser, for the dropout
  const double* features;        ///< [kFeatures][N] standardised
  const double* targets;         ///< [outputs][N] standardised
  const double* parameters;      ///< FitLayout
  const double* inverse_length;  ///< [kKernelInputs]
  double* pre1;                  ///< out: [kHidden1][N] before GELU and dropout
  double* pre2;                  ///< out: [kHidden2][N] alike
  double* scaled;    ///< out: [kKernelInputs + 1][N] kernel inputs over length-scales, then ones
  double* norm;      ///< out: [N] squared norms of the kernel inputs over length-scales
  double* residual;  ///< out: [outputs][N] targets minus linear mean
  double* alpha;     ///< out: the same once more, to be solved for in place
};

void encoder_forward(const EncoderForwardParams& params, const DeviceStream& stream);

}  // namespace polaris
