// The quantity the search minimises: energy-delay product of a whole network on one accelerator.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace polaris {

/// Cost of one layer under one mapping, times the layer's count.
struct LayerCost {
  double cycles;
  double energy_pj;
};

/// Network EDP in J * cycle: (sum of count * energy) * (sum of count * latency).
struct NetworkCost {
  double cycles = 0.0;
  double energy_pj = 0.0;

  double edp() const { return energy_pj * 1e-12 * cycles; }
  /// Cycles that can be added at this energy before the EDP is `limit` (J * cycle).
  double cycles_left(double limit) const { return limit / (energy_pj * 1e-12) - cycles; }
};

struct Combination {
  std::vector<std::size_t> choice;  ///< per layer, the position of the option taken
  NetworkCost cost;                 ///< of the options taken
};

/// Takes one option per layer so that the product of the two sums is least.
///
/// Exact: the product is quasi-concave in the pair of sums, so its minimum over the product of the
/// layers' option sets lies on a vertex of the lower-left convex hull of the reachable sums. That
/// hull is the Minkowski sum of the layers' hulls, and its vertices are met by walking the hull
/// edges of all layers in the order of their slopes. O(n log n) in the number of options.
///
/// Ties go to the option that stands first. An empty `layers`, or a layer without a finite option,
/// gives an empty choice.
Combination best_combination(std::span<const std::vector<LayerCost>> layers);

}  // namespace polaris
