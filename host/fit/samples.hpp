// What goes into Starlight and what comes out of it.
#pragma once

#include "models/space/hardware.hpp"
#include "models/space/layer.hpp"
#include "models/space/mapping.hpp"

namespace polaris {

/// One thing to evaluate.
struct LayerPoint {
  Layer layer;
  HardwareConfig hardware;
  Mapping mapping;
};

/// One training observation.
struct DesignSample {
  Layer layer;
  HardwareConfig hardware;
  Mapping mapping;
  double cycles = 0.0;     ///< > 0
  double energy_pj = 0.0;  ///< > 0, or NaN where it was not measured
};

/// Distribution of one measurement: normal in the natural logarithms of cycles and of pJ,
/// observation noise included, the two independent. A model without measured energy gives the
/// analytical energy with deviation 0. All four are NaN for an infeasible point.
template <typename T>
struct BasicPrediction {
  T log_latency;
  T log_latency_sd;
  T log_energy;
  T log_energy_sd;
};

using Prediction = BasicPrediction<float>;
using ExactPrediction = BasicPrediction<double>;  ///< of the float64 path

}  // namespace polaris
