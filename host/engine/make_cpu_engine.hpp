// The back end that is always there.
#pragma once

#include <memory>

#include "host/engine/engine.hpp"

namespace polaris {

std::unique_ptr<Engine> make_cpu_engine(const EngineOptions& options);

}  // namespace polaris
