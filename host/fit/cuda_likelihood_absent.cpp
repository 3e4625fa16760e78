// Builds without nvcc: there is no fit on a GPU, and they say so.
#include "host/core/error.hpp"
#include "host/fit/fit_likelihood.hpp"

namespace polaris {

std::unique_ptr<FitLikelihood> make_cuda_likelihood(const FitProblem&) {
  throw Failure("CUDA fit: this build has no CUDA back end");
}

}  // namespace polaris
