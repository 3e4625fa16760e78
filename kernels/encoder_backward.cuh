// Gradient of a fit with respect to the encoder's parameters.
#pragma once

#include "kernels/device/encoder_block.cuh"
#include "kernels/device/stream.hpp"
#include "models/starlight/fit_layout.hpp"

namespace polaris {

/// Pointers into device memory; N = samples.
struct EncoderBackwardParams {
  int samples;
  int outputs;
  Dropout dropout;
  int step;
  const double* features;  ///< these as EncoderForwardParams
  const double* parameters;
  const double* inverse_length;
  const double* precision;  ///< [outputs] 1 / signal variance
  const double* pre1;
  const double* pre2;
  const double* scaled;
  const double* product;  ///< [kKernelInputs + 1][N + outputs] scaled times (pair gradient | alpha)
  const double* alpha;    ///< [outputs][N]
  double* partial;        ///< [encoder_blocks][EncoderLayout::size] scratch
  double* gradient;       ///< out: [EncoderLayout::size]
};

void encoder_backward(const EncoderBackwardParams& params, const DeviceStream& stream);

}  // namespace polaris
