#include "host/space/hardware_text.hpp"

#include <fmt/format.h>

namespace polaris {

std::string hardware_text(const HardwareConfig& hardware) {
  return fmt::format("dim {}, accumulator {} KiB, scratchpad {} KiB, bus {} B", hardware.dim,
                     hardware.accumulator_bytes() / 1024, hardware.scratchpad_bytes / 1024,
                     hardware.bus_bytes);
}

}  // namespace polaris
