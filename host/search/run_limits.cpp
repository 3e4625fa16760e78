#include "host/search/run_limits.hpp"

#include <algorithm>
#include <cmath>

namespace polaris {
namespace {

/// RTL cycles of 800 random points of ResNet-50 and BERT-base were 0.60 to 1.44 times those
/// expected.
constexpr double kRoom = 4.0;
/// A foreign flow counts cycles of a machine that we do not know.
constexpr double kForeignRoom = 64.0;
constexpr double kNextRoom = 8.0;
constexpr double kLeastLimit = 200'000.0;
/// The largest limit: beyond it a simulation would take a month.
constexpr double kMostLimit = 4e12;

/// How much longer than by the default memory system transfers may take.
double memory_slowdown(const MemorySystem& memory) {
  constexpr MemorySystem kDefault{};
  const auto ratio = [](double ours, double usual) { return std::max(1.0, ours / usual); };
  return ratio(memory.latency + memory.page_miss, kDefault.latency + kDefault.page_miss) *
         ratio(kDefault.max_outstanding, memory.max_outstanding) *
         ratio(kDefault.burst_bytes, memory.burst_bytes);
}

std::int64_t rounded_limit(double cycles) {
  return static_cast<std::int64_t>(std::ceil(std::clamp(cycles, kLeastLimit, kMostLimit)));
}

}  // namespace

std::int64_t first_cycle_limit(const SearchProblem& problem, PointId id, EvaluatorKind kind) {
  const double room = kind == EvaluatorKind::built_in
                          ? kRoom * memory_slowdown(problem.space().memory)
                          : kForeignRoom;
  return rounded_limit(room * problem.expected_cycles(id));
}

std::int64_t next_cycle_limit(double limit) { return rounded_limit(kNextRoom * limit); }

std::int64_t losing_cycles(const SearchProblem& problem, PointId id, double incumbent_edp) {
  const std::uint64_t hardware = problem.hardware_of(id);
  NetworkCost others;
  for (int l = 0; l < problem.layer_count(); ++l) {
    const LayerCost bound =
        l == id.layer ? problem.lower_bound(id) : problem.lower_bound(l, hardware);
    others.energy_pj += bound.energy_pj;
    if (l != id.layer) others.cycles += bound.cycles;
  }
  const double cycles = others.cycles_left(incumbent_edp);
  // One more than the rounded quotient: there the product is above the incumbent, not equal to it.
  return static_cast<std::int64_t>(
      std::ceil(std::clamp(cycles / problem.count(id.layer), 1.0, kMostLimit)) + 1.0);
}

std::vector<PointId> undecided_runs(const SearchProblem& problem, const Observations& observations,
                                    double incumbent_edp, EvaluatorKind kind) {
  const auto bound_of_run = [&](PointId id, double cycles) {
    const double energy = kind == EvaluatorKind::built_in ? problem.lower_bound(id).energy_pj : 0.0;
    return LayerCost{problem.count(id.layer) * cycles, energy};
  };
  std::vector<PointId> out;
  for (const auto& [id, cycles] : observations.stopped()) {
    const std::uint64_t hardware = problem.hardware_of(id);
    const int position = problem.hardware_position(hardware);
    std::vector<std::vector<LayerCost>> options(static_cast<std::size_t>(problem.layer_count()));
    for (int l = 0; l < problem.layer_count(); ++l) {
      auto& of_layer = options[static_cast<std::size_t>(l)];
      if (l == id.layer) {
        of_layer = {bound_of_run(id, cycles)};
        continue;
      }
      const auto measured = observations.costs(position, l);
      of_layer.assign(measured.begin(), measured.end());
      for (const auto& [other, other_cycles] : observations.stopped())
        if (other.layer == l && problem.hardware_of(other) == hardware)
          of_layer.push_back(bound_of_run(other, other_cycles));
      if (of_layer.empty())
        of_layer.push_back(kind == EvaluatorKind::built_in ? problem.lower_bound(l, hardware)
                                                           : LayerCost{});
    }
    if (best_combination(options).cost.edp() < incumbent_edp) out.push_back(id);
  }
  return out;
}

}  // namespace polaris
