// What goes into Starlight and what comes out of it.
#pragma once

#include "models/space/hardware.hpp"
#include "models/space/layer.hpp"
#include "models/space/layer_point.hpp"
#include "models/space/mapping.hpp"
#include "models/starlight/prediction.hpp"

namespace polaris {

/// One training observation.
struct DesignSample {
  Layer layer;
  HardwareConfig hardware;
  Mapping mapping;
  double cycles = 0.0;     ///< > 0
  double energy_pj = 0.0;  ///< > 0, or NaN where it was not measured
};

}  // namespace polaris
