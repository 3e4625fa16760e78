// The back end for NVIDIA GPUs, where this build has one.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "host/engine/engine.hpp"

namespace polaris {

/// Why make_cuda_engine would fail; nothing where it would not.
std::optional<std::string> cuda_missing();

/// An engine on all GPUs that this process sees. Its top_k is one call for any range; predictions
/// run on the first GPU. Throws Failure where a GPU fails, with CUDA's own text.
std::unique_ptr<Engine> make_cuda_engine(const EngineOptions& options);

}  // namespace polaris
