// Observations made ready for the Gaussian process: checked, without duplicates, as targets.
#pragma once

#include <span>
#include <vector>

#include "host/fit/model.hpp"
#include "host/fit/samples.hpp"

namespace polaris {

/// Whether two samples measure one design point.
bool same_design(const DesignSample& a, const DesignSample& b);

struct TrainingSet {
  std::vector<DesignSample> samples;
  std::vector<std::vector<double>> targets;  ///< [output][sample], not standardised
  SampleCount count;
};

/// Targets: warped cycles (or ln cycles without `warp`), and ln(energy / analytical energy) where
/// every sample has energy. Throws Error where cycles are not finite and positive, energy is
/// neither that nor NaN, only some samples have energy, or no sample is left.
TrainingSet make_training_set(std::span<const DesignSample> samples, bool warp);

}  // namespace polaris
