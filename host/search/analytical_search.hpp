// Search by the analytical model alone: the starting point of Polaris, and a rival to beat.
#pragma once

#include <cstdint>
#include <vector>

#include "host/search/problem.hpp"

namespace polaris {

struct AnalyticalSearchOptions {
  int starts = 100;        ///< descents per (hardware, layer)
  int draws = 16;          ///< random points of which a descent starts at the best
  int keep = 4;            ///< distinct mappings kept per (hardware, layer)
  std::uint64_t seed = 0;  ///< of the random starting points
  int threads = 0;         ///< 0: all cores
};

/// The mappings that a local search finds best for one (hardware, layer), ascending by analytical
/// layer EDP; representatives of their twins (SearchProblem::representative).
struct MappingList {
  std::vector<PointId> points;
  std::vector<LayerCost> costs;  ///< analytical, of `points`
};

/// Mapping lists of all layers on every hardware of the problem: [hardware position][layer].
/// Each descent moves to the best neighbouring mapping until none is better. Reproducible for any
/// number of threads.
std::vector<std::vector<MappingList>> analytical_search(const SearchProblem& problem,
                                                        const AnalyticalSearchOptions& options);

/// The design of least analytical network EDP on each hardware that can be made of the lists of
/// analytical_search.
std::vector<Design> analytical_designs(const SearchProblem& problem,
                                       const std::vector<std::vector<MappingList>>& lists);

/// The one of least analytical network EDP among them. Precondition: `lists` is not empty.
Design best_analytical_design(const SearchProblem& problem,
                              const std::vector<std::vector<MappingList>>& lists);

}  // namespace polaris
