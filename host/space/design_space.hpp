// What a search may choose from: the hardware grid, and the memory system that stays fixed.
#pragma once

#include <string>

#include "models/space/hardware.hpp"
#include "models/space/layer_space.hpp"

namespace polaris {

struct DesignSpace {
  std::string name;
  HardwareGrid hardware{};    ///< choices per knob
  MemorySystem memory;        ///< as the RTL simulates it
  double max_area_mm2 = 0.0;  ///< hardware above it is infeasible; 0: no limit
};

}  // namespace polaris
