#include "host/fit/training_set.hpp"

#include <cmath>
#include <map>
#include <string>
#include <utility>

#include "host/core/error.hpp"
#include "models/analytical/analytical.hpp"
#include "models/starlight/warp.hpp"

namespace polaris {
namespace {

void check_sample(const DesignSample& sample, std::size_t i) {
  const std::string where = "training sample " + std::to_string(i);
  if (!std::isfinite(sample.cycles) || sample.cycles <= 0.0)
    throw Error::expected("finite cycles > 0", std::to_string(sample.cycles), where);
  if (!std::isnan(sample.energy_pj) &&
      (!std::isfinite(sample.energy_pj) || sample.energy_pj <= 0.0))
    throw Error::expected("finite energy > 0 pJ, or NaN for none", std::to_string(sample.energy_pj),
                          where);
}

}  // namespace

bool same_design(const DesignSample& a, const DesignSample& b) {
  return a.layer == b.layer && a.hardware == b.hardware && same_schedule(a.mapping, b.mapping);
}

TrainingSet make_training_set(std::span<const DesignSample> samples, bool warp) {
  TrainingSet set;
  std::multimap<double, std::size_t> by_cycles;  // position in set.samples
  for (std::size_t i = 0; i < samples.size(); ++i) {
    const DesignSample& sample = samples[i];
    check_sample(sample, i);
    if (sample.cycles < lower_bound_cycles(sample.layer, sample.hardware)) {
      ++set.count.below_bound;
      continue;
    }
    const auto [begin, end] = by_cycles.equal_range(sample.cycles);
    bool duplicate = false;
    for (auto other = begin; other != end && !duplicate; ++other)
      duplicate = same_design(set.samples[other->second], sample);
    if (duplicate) {
      ++set.count.duplicates;
      continue;
    }
    by_cycles.emplace(sample.cycles, set.samples.size());
    set.samples.push_back(sample);
  }
  if (set.samples.empty())
    throw Error::expected("at least one usable sample",
                          std::to_string(samples.size()) + " samples, " +
                              std::to_string(set.count.below_bound) + " below MACs / dim^2",
                          "training");
  set.count.used = static_cast<std::int64_t>(set.samples.size());

  std::vector<double> latency, energy;
  for (const DesignSample& sample : set.samples) {
    latency.push_back(
        warp ? warp_cycles(sample.cycles, lower_bound_cycles(sample.layer, sample.hardware))
             : std::log(sample.cycles));
    if (std::isnan(sample.energy_pj)) continue;
    energy.push_back(
        std::log(sample.energy_pj /
                 evaluate_analytical(sample.layer, sample.hardware, sample.mapping).energy_pj));
  }
  if (!energy.empty() && energy.size() != set.samples.size())
    throw Error::expected(
        "energy of all samples or of none",
        std::to_string(energy.size()) + " of " + std::to_string(set.samples.size()), "training");
  set.targets.push_back(std::move(latency));
  if (!energy.empty()) set.targets.push_back(std::move(energy));
  return set;
}

}  // namespace polaris
