#include "host/sweep/network.hpp"

#include <algorithm>
#include <span>
#include <tuple>
#include <utility>

#include "host/fit/network_posterior.hpp"
#include "models/analytical/area.hpp"

namespace polaris {
namespace {

/// Fills cost and its distribution from the chosen points.
void add_up(const SweepPlan& plan, const StarlightModel* model, NetworkDesign& design) {
  std::vector<LayerPoint> points;
  std::vector<double> counts;
  for (std::size_t l = 0; l < design.points.size(); ++l) {
    const LayerSpaceView& view = plan.layers()[l].view();
    const DesignPoint point = view.decode(design.points[l].index);
    const Estimate& e = design.points[l].estimate;
    points.push_back({view.layer, point.hardware, point.mapping});
    counts.push_back(static_cast<double>(plan.spec().workload.layers[l].count));
    design.cost.cycles += counts.back() * e.cycles;
    design.cost.energy_pj += counts.back() * e.energy_pj;
  }
  design.edp_median = design.cost.edp();
  if (model == nullptr) return;
  const NetworkPosterior posterior = network_posterior(*model, points, counts, 1);
  design.edp_median = NetworkCost{posterior.cycles.at(0.0), posterior.energy_pj.at(0.0)}.edp();
  design.log_edp_sd = posterior.edp.log_sd;
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
                                         const std::vector<LayerResult>& layers,
                                         const StarlightModel* model) {
  std::vector<NetworkDesign> out;
  if (!ranks_hardware(plan.spec())) return out;
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
    add_up(plan, model, design);
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
