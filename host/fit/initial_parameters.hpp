// What a fit starts from: the pre-trained encoder, the closed form of the machine that was
// measured, and hyper-parameters at the centers of their priors. Heavy (Eigen): for .cpp files
// only.
#pragma once

#include <cmath>

#include "host/fit/encoder_batch.hpp"
#include "host/fit/fit.hpp"
#include "host/fit/training_set.hpp"

namespace polaris {

/// Center of the prior of the logarithm of every length-scale: random points are then correlated
/// by 0.63, whatever the number of inputs.
inline const double kLengthCenter = 0.5 * std::log(3.0 * kKernelInputs);

/// Parameters before the first step. `values`: the features of the set's samples, [kFeatures][N].
ModelParameters initial_parameters(const Pretrained& pretrained, const TrainingSet& set,
                                   const Matrix<double>& values, const FitOptions& options);

}  // namespace polaris
