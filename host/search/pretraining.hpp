// The encoder that a search starts from: pre-trained on the analytical model, once per problem.
#pragma once

#include <cstdint>
#include <vector>

#include "host/fit/pretrain.hpp"
#include "host/search/problem.hpp"

namespace polaris {

/// `count` feasible points over all layers and hardware of the problem: in turns a uniform draw and
/// the analytically best of a few, since both the whole space and its good end matter.
/// Reproducible for any number of threads.
std::vector<LayerPoint> pretraining_points(const SearchProblem& problem, std::int64_t count,
                                           std::uint64_t seed, int threads);

/// The problem's encoder: from the cache, else trained now (seconds) and cached. The key is a hash
/// of space, workload and recipe.
Pretrained pretrained_for(const SearchProblem& problem, int threads);

}  // namespace polaris
