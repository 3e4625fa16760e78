// Hardware ranked by what it makes of the whole network.
#pragma once

#include <cstdint>
#include <vector>

#include "host/fit/model.hpp"
#include "host/search/objective.hpp"
#include "host/sweep/plan.hpp"
#include "host/sweep/scorer.hpp"

namespace polaris {

/// A hardware configuration with one mapping per layer.
struct NetworkDesign {
  std::size_t position;            ///< of the hardware
  NetworkCost cost;                ///< counts included
  std::vector<FrontPoint> points;  ///< [layer]
  /// Median (J * cycle) of the network's EDP and standard deviation of its logarithm, by the joint
  /// posterior of all layers (network_posterior). Exact costs: `cost` itself, and 0.
  double edp_median = 0.0;
  double log_edp_sd = 0.0;
  bool pareto =
      false;  ///< no other row has less or equal latency, energy and area, one of them less
};

/// Every hardware that can run all layers, with the mappings that minimise the network's EDP, by
/// ascending EDP, then ordinal. The mappings are chosen from each layer's Pareto front, which loses
/// nothing: replacing a dominated mapping by the one that beats it lowers both sums of the product.
/// The choice itself is that of best_combination. Note that the best network is not made of the
/// layers' mappings of least EDP. `model`: the one that predicted the costs, null for exact ones.
/// Empty where the sweep does not rank hardware (ranks_hardware).
std::vector<NetworkDesign> rank_hardware(const SweepPlan& plan,
                                         const std::vector<LayerResult>& layers,
                                         const StarlightModel* model);

/// A point of the front of latency, energy and area of one layer.
struct AreaPoint {
  std::size_t position;
  FrontPoint point;
};

/// The points of all hardware that no other one beats or equals in latency, energy and area while
/// beating it in one; by ascending latency, then energy, then area, then index.
std::vector<AreaPoint> area_front(const SweepPlan& plan, const LayerResult& layer);

}  // namespace polaris
