// Pruning of a sweep that wants nothing but the best points of each layer. What is pruned depends
// on the specification alone, never on what was found before: all shards, threads and orders leave
// out the same points.
//
// Cycles are never predicted below the bound of the array (warp.hpp) and energy is the analytical
// one times a bounded factor, so the product of that bound and the analytical energy, cheap for any
// point, says what score a point can have at best. The threshold is the score of rank `top` among
// points that were drawn and predicted beforehand: what cannot reach it is not among the best.
#pragma once

#include <span>
#include <vector>

#include "host/fit/model.hpp"
#include "host/sweep/plan.hpp"

namespace polaris {

/// Per layer the score that its `top` best points do not exceed: that of rank `top` among
/// predicted points of its range. Infinity where fewer than `top` were found.
std::vector<double> prune_thresholds(const SweepPlan& plan, const StarlightModel& model,
                                     int threads);

/// Largest product of compute bound (cycles) and analytical energy (pJ) of a point whose score
/// may be `threshold` or less. Infinity where the model knows no bound.
double floor_limit(const StarlightModel& model, const Acquisition& acquisition, double threshold);

/// Least energy factor, as a logarithm, that a model with measured energy predicts for any point.
double least_energy_residual(const StarlightModel& model);

}  // namespace polaris
