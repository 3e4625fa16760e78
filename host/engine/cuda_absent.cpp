// Builds without nvcc: there is no CUDA back end, and they say so.
#include "host/core/error.hpp"
#include "host/engine/cuda_engine.hpp"

namespace polaris {

std::optional<std::string> cuda_missing() { return "this build has no CUDA back end"; }

std::unique_ptr<Engine> make_cuda_engine(const EngineOptions&) { throw Failure(*cuda_missing()); }

}  // namespace polaris
