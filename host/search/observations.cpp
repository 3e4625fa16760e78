#include "host/search/observations.hpp"

#include <algorithm>

namespace polaris {

bool all_unavailable(std::span<const Observation> observations) {
  return !observations.empty() &&
         std::all_of(observations.begin(), observations.end(), [](const Observation& observation) {
           return observation.outcome == RunOutcome::unavailable;
         });
}

Observations::Observations(const SearchProblem& problem)
    : problem_(problem),
      cells_(problem.hardware().size() * static_cast<std::size_t>(problem.layer_count())) {}

void Observations::add(const Observation& observation) {
  all_.push_back(observation);
  known_.insert(observation.id);
  if (observation.outcome == RunOutcome::stopped)
    stopped_[observation.id] = observation.cycles;
  else
    stopped_.erase(observation.id);
  if (observation.outcome != RunOutcome::measured) return;
  const int position = problem_.hardware_position(problem_.hardware_of(observation.id));
  Cell& cell =
      cells_[static_cast<std::size_t>(position * problem_.layer_count() + observation.id.layer)];
  const double count = problem_.count(observation.id.layer);
  cell.points.push_back(observation.id);
  cell.costs.push_back({count * observation.cycles, count * observation.energy_pj});
}

const Observations::Cell& Observations::cell(int hardware_position, int layer) const {
  return cells_[static_cast<std::size_t>(hardware_position * problem_.layer_count() + layer)];
}

std::span<const PointId> Observations::points(int hardware_position, int layer) const {
  return cell(hardware_position, layer).points;
}

std::span<const LayerCost> Observations::costs(int hardware_position, int layer) const {
  return cell(hardware_position, layer).costs;
}

std::optional<Design> Observations::best() const {
  std::optional<Design> best;
  const int layers = problem_.layer_count();
  for (int h = 0; h < static_cast<int>(problem_.hardware().size()); ++h) {
    std::vector<std::vector<LayerCost>> options;
    for (int l = 0; l < layers; ++l) options.push_back(cell(h, l).costs);
    const Combination combination = best_combination(options);
    if (combination.choice.empty() || (best && combination.cost.edp() >= best->cost.edp()))
      continue;
    best.emplace();
    best->hardware = problem_.hardware()[static_cast<std::size_t>(h)];
    best->cost = combination.cost;
    for (int l = 0; l < layers; ++l) {
      const std::size_t choice = combination.choice[static_cast<std::size_t>(l)];
      best->points.push_back(cell(h, l).points[choice]);
      best->costs.push_back(cell(h, l).costs[choice]);
    }
  }
  return best;
}

}  // namespace polaris
