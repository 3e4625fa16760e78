// The first RTL runs of a search, before there is a model.
#pragma once

#include <cstdint>
#include <vector>

#include "host/search/analytical_search.hpp"

namespace polaris {

/// One whole design, the analytically best, so that there is an incumbent; then `count` points
/// layer by layer on random hardware, in turns an analytically good mapping and the best of a few
/// draws, so that the model sees both where the search will look and what lies around it. All
/// differ; there are fewer where the space holds no more. Reproducible for a seed.
std::vector<PointId> initial_design(const SearchProblem& problem,
                                    const std::vector<std::vector<MappingList>>& start, int count,
                                    std::uint64_t seed);

}  // namespace polaris
