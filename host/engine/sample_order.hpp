// Samples in the order in which few of them say most.
#pragma once

#include "host/fit/model.hpp"

namespace polaris {

/// The same posterior (up to rounding) with other places for its samples: each of the first
/// `chosen` is one of those whose variance the samples before it explain least (the pivots of a
/// Cholesky factorisation), the others follow in their old order. Bounds by the first rows of L^-1
/// become tighter. O(N^3 / 3) operations more than a copy.
PosteriorTensors<double> order_samples(const PosteriorTensors<double>& model, int chosen,
                                       int threads);

}  // namespace polaris
