// A hardware configuration as people read it.
#pragma once

#include <string>

#include "models/space/hardware.hpp"

namespace polaris {

/// "dim 16, accumulator 128 KiB, scratchpad 256 KiB, bus 8 B"; KiB rounded down.
std::string hardware_text(const HardwareConfig& hardware);

}  // namespace polaris
