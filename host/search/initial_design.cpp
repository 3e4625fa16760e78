#include "host/search/initial_design.hpp"

#include <optional>
#include <set>

namespace polaris {
namespace {

constexpr std::uint64_t kInitialStream = std::uint64_t{1} << 60;
constexpr int kRandomTries = 500;
constexpr int kDraws = 32;
/// Attempts to find a point that is not in the design yet.
constexpr int kAttempts = 8;
/// A drawn mapping may take this many times the cycles of the best one known. Of the draws for
/// ResNet-50, BERT-base and U-Net three in four take less than 3.4 times, one in ten more than 5,
/// and the slowest 22 to 38 times: minutes of simulation that teach the model nothing of good
/// mappings.
constexpr double kMostSlowdown = 4.0;

/// Analytically fastest of a few uniform feasible points of (layer, hardware).
PointId drawn_point(const SearchProblem& problem, int layer, std::uint64_t hardware,
                    std::uint64_t seed, std::uint64_t stream) {
  PointId best = problem.fallback(layer, hardware);
  for (int i = 0; i < kDraws; ++i) {
    const PointId id = problem.random_feasible(
        layer, hardware, seed, stream * kDraws + static_cast<std::uint64_t>(i), kRandomTries);
    if (problem.analytical_cost(id).cycles < problem.analytical_cost(best).cycles) best = id;
  }
  return problem.representative(best);
}

}  // namespace

std::vector<PointId> initial_design(const SearchProblem& problem,
                                    const std::vector<std::vector<MappingList>>& start, int count,
                                    std::uint64_t seed) {
  const auto layers = static_cast<std::size_t>(problem.layer_count());
  std::vector<PointId> design = best_analytical_design(problem, start).points;
  std::set<PointId> seen(design.begin(), design.end());
  const auto listed = [&](const MappingList& list) -> std::optional<PointId> {
    for (const PointId id : list.points)
      if (!seen.contains(id)) return id;
    return std::nullopt;
  };
  for (int n = 0; n < count; ++n) {
    const std::size_t l = static_cast<std::size_t>(n) % layers;
    const auto h = static_cast<std::size_t>(
        uniform_below(start.size(), seed, kInitialStream, static_cast<std::uint64_t>(n)));
    const MappingList& list = start[h][l];
    const double most_cycles = kMostSlowdown * problem.expected_cycles(list.points.front());
    std::optional<PointId> next;
    if (n / static_cast<int>(layers) % 2 == 0) next = listed(list);
    for (int attempt = 0; attempt < kAttempts && !next; ++attempt) {
      const PointId drawn =
          drawn_point(problem, static_cast<int>(l), problem.hardware()[h], seed,
                      kInitialStream + 1 + static_cast<std::uint64_t>(n * kAttempts + attempt));
      if (!seen.contains(drawn) && problem.expected_cycles(drawn) <= most_cycles) next = drawn;
    }
    if (!next) next = listed(list);
    if (next && seen.insert(*next).second) design.push_back(*next);
  }
  return design;
}

}  // namespace polaris
