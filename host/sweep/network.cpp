#include "host/sweep/network.hpp"

#include <algorithm>
#include <cmath>
#include <span>
#include <tuple>
#include <utility>

#include "models/analytical/area.hpp"

namespace polaris {
namespace {

/// Fills cost and deviations from the chosen points.
void add_up(const SweepPlan& plan, NetworkDesign& design) {
  double cycles_square = 0.0, cycles_sum = 0.0, energy_square = 0.0, energy_sum = 0.0;
  for (std::size_t l = 0; l < design.points.size(); ++l) {
    const double count = static_cast<double>(plan.spec().workload.layers[l].count);
    const Estimate& e = design.points[l].estimate;
    design.cost.cycles += count * e.cycles;
    design.cost.energy_pj += count * e.energy_pj;
    const double cycles_sd = count * e.cycles * e.log_cycles_sd;
    const double energy_sd = count * e.energy_pj * e.log_energy_sd;
    cycles_square += cycles_sd * cycles_sd;
    cycles_sum += cycles_sd;
    energy_square += energy_sd * energy_sd;
    energy_sum += energy_sd;
  }
  design.log_edp_sd_independent = std::hypot(std::sqrt(cycles_square) / design.cost.cycles,
                                             std::sqrt(energy_square) / design.cost.energy_pj);
  design.log_edp_sd_correlated =
      std::hypot(cycles_sum / design.cost.cycles, energy_sum / design.cost.energy_pj);
}

void mark_pareto(const SweepPlan& plan, std::vector<NetworkDesign>& designs) {
  const auto objectives = [&plan](const NetworkDesign& d) {
    return std::tuple(d.cost.cycles, d.cost.energy_pj, area_mm2(plan.hardware()[d.position]));
  };
  for (NetworkDesign& design : designs)
    design.pareto = std::none_of(designs.begin(), designs.end(), [&](const NetworkDesign& other) {
      const auto a = objectives(other), b = objectives(design);
      return std::get<0>(a) <= std::get<0>(b) && std::get<1>(a) <= std::get<1>(b) &&
             std::get<2>(a) <= std::get<2>(b) && a != b;
    });
}

}  // namespace

std::vector<NetworkDesign> rank_hardware(const SweepPlan& plan,
                                         const std::vector<LayerResult>& layers) {
  std::vector<NetworkDesign> out;
  std::vector<std::vector<LayerCost>> options(layers.size());
  for (std::size_t p = 0; p < plan.hardware().size(); ++p) {
    for (std::size_t l = 0; l < layers.size(); ++l) {
      const double count = static_cast<double>(plan.spec().workload.layers[l].count);
      options[l].clear();
      for (const FrontPoint& point : layers[l].hardware[p].front.points())
        options[l].push_back({count * point.estimate.cycles, count * point.estimate.energy_pj});
    }
    const Combination best = best_combination(options);
    if (best.choice.empty()) continue;
    NetworkDesign design{.position = p, .cost = {}, .points = {}};
    for (std::size_t l = 0; l < layers.size(); ++l)
      design.points.push_back(layers[l].hardware[p].front.points()[best.choice[l]]);
    add_up(plan, design);
    out.push_back(std::move(design));
  }
  mark_pareto(plan, out);
  std::sort(out.begin(), out.end(), [&plan](const NetworkDesign& a, const NetworkDesign& b) {
    return std::tuple(a.cost.edp(), plan.ordinal(a.position)) <
           std::tuple(b.cost.edp(), plan.ordinal(b.position));
  });
  return out;
}

std::vector<AreaPoint> area_front(const SweepPlan& plan, const LayerResult& layer) {
  struct Group {
    double area;
    std::size_t position;
  };
  std::vector<Group> groups;
  for (std::size_t p = 0; p < plan.hardware().size(); ++p)
    groups.push_back({area_mm2(plan.hardware()[p]), p});
  std::sort(groups.begin(), groups.end(), [](const Group& a, const Group& b) {
    return std::tuple(a.area, a.position) < std::tuple(b.area, b.position);
  });
  std::vector<std::pair<double, AreaPoint>> kept;  // with its area
  const auto beats = [](const std::pair<double, AreaPoint>& a, double area, const FrontPoint& b) {
    const FrontPoint& p = a.second.point;
    return p.latency <= b.latency && p.energy <= b.energy && a.first <= area &&
           (p.latency < b.latency || p.energy < b.energy || a.first < area);
  };
  // Smaller areas first: a point is beaten by earlier ones, or by later ones of its own area.
  for (const Group& group : groups)
    for (const FrontPoint& point : layer.hardware[group.position].front.points()) {
      const auto is_beaten = [&](const auto& other) { return beats(other, group.area, point); };
      if (std::any_of(kept.begin(), kept.end(), is_beaten)) continue;
      std::erase_if(kept, [&](const auto& other) {
        const std::pair<double, AreaPoint> self{group.area, {group.position, point}};
        return beats(self, other.first, other.second.point);
      });
      kept.push_back({group.area, {group.position, point}});
    }
  std::sort(kept.begin(), kept.end(), [](const auto& a, const auto& b) {
    const FrontPoint &p = a.second.point, &q = b.second.point;
    return std::tuple(p.latency, p.energy, a.first, p.index) <
           std::tuple(q.latency, q.energy, b.first, q.index);
  });
  std::vector<AreaPoint> out;
  for (const auto& [area, point] : kept) out.push_back(point);
  return out;
}

}  // namespace polaris
