// One thing to evaluate.
#pragma once

#include "models/space/hardware.hpp"
#include "models/space/layer.hpp"
#include "models/space/mapping.hpp"

namespace polaris {

struct LayerPoint {
  Layer layer;
  HardwareConfig hardware;
  Mapping mapping;
};

}  // namespace polaris
