// One number for one index of a layer's space, by the analytical model.
#pragma once

#include <cstdint>

#include "models/analytical/analytical.hpp"
#include "models/space/feasibility.hpp"
#include "models/space/layer_space.hpp"
#include "models/space/scored_index.hpp"

namespace polaris {

/// What a sweep of one layer minimises: cycles; pJ; J * cycle.
enum class Objective : std::uint8_t { cycles, energy, edp };

/// Decodes `index`, checks the point and evaluates it; kInfeasibleScore where it cannot run.
/// Precondition: index < view.size.
POLARIS_HD inline double analytical_score(const LayerSpaceView& view, std::uint64_t index,
                                          Objective objective) {
  const DesignPoint point = view.decode(index);
  if (check(view.layer, point) != Feasibility::feasible) return kInfeasibleScore;
  const AnalyticalResult result = evaluate_analytical(view.layer, point.hardware, point.mapping);
  switch (objective) {
    case Objective::cycles:
      return static_cast<double>(result.cycles);
    case Objective::energy:
      return result.energy_pj;
    case Objective::edp:
      return result.edp;
  }
  return kInfeasibleScore;
}

}  // namespace polaris
