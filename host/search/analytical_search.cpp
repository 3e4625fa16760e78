#include "host/search/analytical_search.hpp"

#include <algorithm>
#include <utility>

#include "host/core/parallel.hpp"

namespace polaris {
namespace {

constexpr int kRandomTries = 2000;
/// Moves below this one change the hardware.
constexpr int kFirstMappingMove = 2 * kHardwareAxes;

PointId descend(const SearchProblem& problem, PointId at) {
  const LayerSpaceView& space = problem.view(at.layer);
  double best = problem.analytical_edp(at);
  for (bool moved = true; moved;) {
    moved = false;
    PointId next = at;
    for (int move = kFirstMappingMove; move < space.neighbour_count(); ++move) {
      const std::uint64_t index = space.neighbour(at.index, move);
      if (index == kNoIndex) continue;
      const double edp = problem.analytical_edp({at.layer, index});
      if (edp < best) {
        best = edp;
        next.index = index;
        moved = true;
      }
    }
    at = next;
  }
  return problem.representative(at);
}

MappingList search_pair(const SearchProblem& problem, const AnalyticalSearchOptions& options,
                        std::uint64_t hardware, int layer) {
  std::vector<std::pair<double, PointId>> found;
  for (int start = 0; start < options.starts; ++start) {
    PointId from = problem.fallback(layer, hardware);
    double best = problem.analytical_edp(from);
    for (int draw = 0; draw < options.draws; ++draw) {
      const std::uint64_t stream = ((hardware * static_cast<std::uint64_t>(problem.layer_count()) +
                                     static_cast<std::uint64_t>(layer)) *
                                        static_cast<std::uint64_t>(options.starts) +
                                    static_cast<std::uint64_t>(start)) *
                                       static_cast<std::uint64_t>(options.draws) +
                                   static_cast<std::uint64_t>(draw);
      const PointId drawn =
          problem.random_feasible(layer, hardware, options.seed, stream, kRandomTries);
      const double edp = problem.analytical_edp(drawn);
      if (edp < best) {
        best = edp;
        from = drawn;
      }
    }
    const PointId end = descend(problem, from);
    found.emplace_back(problem.analytical_edp(end), end);
  }
  std::sort(found.begin(), found.end());
  found.erase(std::unique(found.begin(), found.end()), found.end());
  MappingList list;
  for (const auto& [edp, id] : found) {
    if (list.points.size() == static_cast<std::size_t>(options.keep)) break;
    list.points.push_back(id);
    list.costs.push_back(problem.analytical_cost(id));
  }
  return list;
}

}  // namespace

std::vector<std::vector<MappingList>> analytical_search(const SearchProblem& problem,
                                                        const AnalyticalSearchOptions& options) {
  const auto layers = static_cast<std::size_t>(problem.layer_count());
  std::vector<std::vector<MappingList>> out(problem.hardware().size(),
                                            std::vector<MappingList>(layers));
  const auto pairs = static_cast<std::int64_t>(out.size() * layers);
  parallel_for(pairs, 1, options.threads, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t pair = begin; pair < end; ++pair) {
      const auto h = static_cast<std::size_t>(pair) / layers;
      const auto l = static_cast<std::size_t>(pair) % layers;
      out[h][l] = search_pair(problem, options, problem.hardware()[h], static_cast<int>(l));
    }
  });
  return out;
}

std::vector<Design> analytical_designs(const SearchProblem& problem,
                                       const std::vector<std::vector<MappingList>>& lists) {
  std::vector<Design> out;
  for (std::size_t h = 0; h < lists.size(); ++h) {
    std::vector<std::vector<LayerCost>> costs;
    for (const MappingList& list : lists[h]) costs.push_back(list.costs);
    const Combination combination = best_combination(costs);
    Design& design = out.emplace_back();
    design.hardware = problem.hardware()[h];
    design.cost = combination.cost;
    for (std::size_t l = 0; l < lists[h].size(); ++l) {
      design.points.push_back(lists[h][l].points[combination.choice[l]]);
      design.costs.push_back(lists[h][l].costs[combination.choice[l]]);
    }
  }
  return out;
}

Design best_analytical_design(const SearchProblem& problem,
                              const std::vector<std::vector<MappingList>>& lists) {
  const std::vector<Design> designs = analytical_designs(problem, lists);
  return *std::min_element(designs.begin(), designs.end(), [](const Design& a, const Design& b) {
    return a.cost.edp() < b.cost.edp();
  });
}

}  // namespace polaris
