// The likelihood of a Starlight fit and its gradient, computed on a GPU. Needs no CUDA header.
#pragma once

#include <memory>
#include <span>
#include <stdexcept>

#include "models/starlight/dropout.hpp"
#include "models/starlight/fit_layout.hpp"

namespace polaris {

/// What is fitted; the spans need to be valid for the constructor only.
struct FitterData {
  int samples;                       ///< N, at least 1
  int outputs;                       ///< 1 or 2
  std::span<const double> features;  ///< [N][kFeatures] standardised, finite
  std::span<const double> targets;   ///< [outputs][N] standardised, finite
  bool raw_inputs;                   ///< the kernel sees the features beside the latent
  Dropout dropout;
  int device = 0;  ///< CUDA device number
};

/// The covariance of the samples is not positive definite, not even with kLargestJitter.
class NotPositiveDefinite : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

class StarlightFitter {
 public:
  /// Takes 8 bytes of device memory for each of 2 N (N + 1) numbers and about 8 KB for each
  /// sample. Throws std::invalid_argument for data other than described, DeviceOutOfMemory where
  /// the device has no room, DeviceError where it fails.
  explicit StarlightFitter(const FitterData& data);
  ~StarlightFitter();

  /// -ln p(targets | features, parameters) in float64, and its gradient. Both arrays are laid out
  /// by FitLayout; parameters finite. `step` of the optimiser selects the dropout. Equal calls give
  /// equal bits on equal devices. Throws NotPositiveDefinite, DeviceError, std::invalid_argument.
  double evaluate(std::span<const double> parameters, int step, std::span<double> gradient);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace polaris
