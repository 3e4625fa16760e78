#include "host/search/objective.hpp"

#include <algorithm>
#include <cmath>

namespace polaris {
namespace {

/// Step of one layer from one hull vertex to the next: fewer pJ for more cycles.
struct HullEdge {
  double slope;  // d energy / d cycles, negative, ascending along a hull
  std::size_t layer;
  std::size_t to;
};

double cross(const LayerCost& o, const LayerCost& a, const LayerCost& b) {
  return (a.cycles - o.cycles) * (b.energy_pj - o.energy_pj) -
         (a.energy_pj - o.energy_pj) * (b.cycles - o.cycles);
}

/// Lower-left convex hull by ascending cycles (monotone chain), strictly descending in energy.
std::vector<std::size_t> lower_hull(const std::vector<LayerCost>& options) {
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < options.size(); ++i)
    if (std::isfinite(options[i].cycles) && std::isfinite(options[i].energy_pj)) order.push_back(i);
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    if (options[a].cycles != options[b].cycles) return options[a].cycles < options[b].cycles;
    return options[a].energy_pj < options[b].energy_pj;
  });
  std::vector<std::size_t> hull;
  for (const std::size_t i : order) {
    if (!hull.empty() && options[i].energy_pj >= options[hull.back()].energy_pj) continue;
    while (hull.size() >= 2 &&
           cross(options[hull[hull.size() - 2]], options[hull.back()], options[i]) <= 0)
      hull.pop_back();
    hull.push_back(i);
  }
  return hull;
}

NetworkCost total(std::span<const std::vector<LayerCost>> layers,
                  const std::vector<std::size_t>& choice) {
  NetworkCost sum;
  for (std::size_t l = 0; l < layers.size(); ++l) {
    sum.cycles += layers[l][choice[l]].cycles;
    sum.energy_pj += layers[l][choice[l]].energy_pj;
  }
  return sum;
}

}  // namespace

Combination best_combination(std::span<const std::vector<LayerCost>> layers) {
  std::vector<HullEdge> edges;
  std::vector<std::size_t> choice;
  for (std::size_t l = 0; l < layers.size(); ++l) {
    const std::vector<std::size_t> hull = lower_hull(layers[l]);
    if (hull.empty()) return {};
    choice.push_back(hull.front());
    for (std::size_t i = 1; i < hull.size(); ++i) {
      const LayerCost& a = layers[l][hull[i - 1]];
      const LayerCost& b = layers[l][hull[i]];
      edges.push_back({(b.energy_pj - a.energy_pj) / (b.cycles - a.cycles), l, hull[i]});
    }
  }
  if (choice.empty()) return {};
  std::stable_sort(edges.begin(), edges.end(),
                   [](const HullEdge& a, const HullEdge& b) { return a.slope < b.slope; });
  NetworkCost sum = total(layers, choice);
  double best = sum.edp();
  std::size_t best_steps = 0;
  std::vector<std::size_t> walk = choice;
  for (std::size_t step = 0; step < edges.size(); ++step) {
    const HullEdge& edge = edges[step];
    const LayerCost& from = layers[edge.layer][walk[edge.layer]];
    const LayerCost& to = layers[edge.layer][edge.to];
    sum.cycles += to.cycles - from.cycles;
    sum.energy_pj += to.energy_pj - from.energy_pj;
    walk[edge.layer] = edge.to;
    if (sum.edp() < best) {
      best = sum.edp();
      best_steps = step + 1;
    }
  }
  for (std::size_t step = 0; step < best_steps; ++step) choice[edges[step].layer] = edges[step].to;
  Combination out{std::move(choice), {}};
  out.cost = total(layers, out.choice);
  return out;
}

}  // namespace polaris
