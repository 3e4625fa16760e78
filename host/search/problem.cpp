#include "host/search/problem.hpp"

#include <algorithm>
#include <limits>
#include <map>
#include <string>
#include <utility>

#include "host/core/error.hpp"
#include "host/space/layer_text.hpp"
#include "models/analytical/analytical.hpp"
#include "models/analytical/area.hpp"
#include "models/starlight/pipeline.hpp"

namespace polaris {

SearchProblem::SearchProblem(const Workload& workload, DesignSpace space)
    : space_(std::move(space)) {
  workload_.name = workload.name;
  if (workload.layers.empty())
    throw Error::expected("at least one layer", "none", "workload " + workload.name);
  std::map<std::string, std::size_t> first;  // canonical text -> position
  for (const WorkloadLayer& layer : workload.layers) {
    const auto [found, is_new] =
        first.try_emplace(format_layer(layer.layer), workload_.layers.size());
    if (is_new) {
      workload_.layers.push_back(layer);
      names_.emplace_back();
    } else {
      workload_.layers[found->second].count += layer.count;
    }
    names_[found->second].push_back(layer.name);
  }
  for (const WorkloadLayer& layer : workload_.layers)
    layers_.emplace_back(layer.layer, space_.hardware);
  for (std::uint64_t h = 0; h < space_.hardware.size(); ++h) {
    const bool within =
        space_.max_area_mm2 <= 0 || area_mm2(hardware_config(h)) <= space_.max_area_mm2;
    position_.push_back(within ? static_cast<int>(hardware_.size()) : -1);
    if (within) hardware_.push_back(h);
  }
  if (hardware_.empty())
    throw Error::expected(
        "a hardware configuration of at most " + std::to_string(space_.max_area_mm2) + " mm^2",
        "none", "space " + space_.name);
}

HardwareConfig SearchProblem::hardware_config(std::uint64_t ordinal) const {
  const LayerSpaceView& first = view(0);
  return first.decode(ordinal * first.mapping_count).hardware;
}

bool SearchProblem::feasible(PointId id) const {
  return check(layer(id.layer), point(id)) == Feasibility::feasible;
}

LayerCost SearchProblem::analytical_cost(PointId id) const {
  return analytical_cost(id.layer, point(id));
}

LayerCost SearchProblem::analytical_cost(int layer, const DesignPoint& point) const {
  const AnalyticalResult result =
      evaluate_analytical(this->layer(layer), point.hardware, point.mapping);
  return {count(layer) * static_cast<double>(result.cycles), count(layer) * result.energy_pj};
}

double SearchProblem::analytical_edp(PointId id) const {
  const DesignPoint design = point(id);
  if (check(layer(id.layer), design) != Feasibility::feasible)
    return std::numeric_limits<double>::infinity();
  const LayerCost cost = analytical_cost(id.layer, design);
  return cost.cycles * cost.energy_pj;
}

LayerCost SearchProblem::lower_bound(PointId id) const {
  const DesignPoint design = point(id);
  const AnalyticalResult result =
      evaluate_analytical(layer(id.layer), design.hardware, design.mapping);
  const AccessEnergy energy = access_energy(design.hardware);
  const double macs = static_cast<double>(layer(id.layer).macs());
  return {count(id.layer) * static_cast<double>(result.compute_cycles),
          count(id.layer) * macs * (energy.mac + energy.reg)};
}

LayerCost SearchProblem::lower_bound(int layer, std::uint64_t hardware) const {
  const HardwareConfig config = hardware_config(hardware);
  const AccessEnergy energy = access_energy(config);
  const double macs = static_cast<double>(this->layer(layer).macs());
  return {count(layer) * macs / (static_cast<double>(config.dim) * config.dim),
          count(layer) * macs * (energy.mac + energy.reg)};
}

double SearchProblem::expected_cycles(PointId id) const {
  const DesignPoint design = point(id);
  const Layer& shape = layer(id.layer);
  const double analytical =
      static_cast<double>(evaluate_analytical(shape, design.hardware, design.mapping).cycles);
  return std::max(analytical, estimate_pipeline(shape, design.hardware, design.mapping,
                                                tile_footprint(shape, design.mapping))
                                  .cycles);
}

PointId SearchProblem::fallback(int layer, std::uint64_t hardware) const {
  const LayerSpaceView& space = view(layer);
  // Splits ascend by their DRAM factor, so the last one leaves everything to DRAM.
  SpaceDigits digits = space.digits(hardware * space.mapping_count);
  for (int d = 0; d < kDims; ++d) digits.split[d] = space.split_count[d] - 1;
  return {layer, space.canonical(space.index(digits))};
}

PointId SearchProblem::random_feasible(int layer, std::uint64_t hardware, std::uint64_t seed,
                                       std::uint64_t stream, int tries) const {
  const LayerSpaceView& space = view(layer);
  for (int i = 0; i < tries; ++i) {
    const PointId id{
        layer, hardware * space.mapping_count +
                   uniform_below(space.mapping_count, seed, stream, static_cast<std::uint64_t>(i))};
    if (feasible(id)) return {layer, space.canonical(id.index)};
  }
  return fallback(layer, hardware);
}

}  // namespace polaris
