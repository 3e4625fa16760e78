// The likelihood that a fit climbs, as one call a step: on the CPU, or on a GPU. Heavy (Eigen): for
// .cpp files only.
#pragma once

#include <memory>
#include <vector>

#include "host/fit/encoder_batch.hpp"
#include "host/fit/model.hpp"
#include "models/starlight/dropout.hpp"
#include "models/starlight/fit_layout.hpp"

namespace polaris {

/// What a fit moves, laid out by FitLayout.
std::vector<double> pack(const ModelParameters& model);
/// The reverse; model.outputs says how many outputs there are.
void unpack(const std::vector<double>& parameters, ModelParameters& model);

/// Samples as the encoder and the Gaussian process see them.
struct FitProblem {
  Matrix<double> x;        ///< [kFeatures][N] standardised features, finite
  Matrix<double> targets;  ///< [N][outputs] standardised
  bool raw_inputs = true;  ///< the kernel sees the features beside the latent
  Dropout dropout;
  int threads = 0;  ///< of the CPU; 0: all cores; the result does not depend on it
};

class FitLikelihood {
 public:
  virtual ~FitLikelihood() = default;

  /// -ln p(targets | x) under `model` and the dropout of `step`; fills `gradient`, laid out by
  /// FitLayout. Throws Failure where the covariance cannot be factorised.
  virtual double evaluate(const ModelParameters& model, int step,
                          std::vector<double>& gradient) = 0;
};

std::unique_ptr<FitLikelihood> make_cpu_likelihood(FitProblem problem);

/// On the first GPU. Throws Failure where this build or machine has none, where the samples do not
/// fit into its memory, and where it fails, with the library's own text.
std::unique_ptr<FitLikelihood> make_cuda_likelihood(const FitProblem& problem);

}  // namespace polaris
