// The encoder that a search starts from: pre-trained on the analytical model, once per problem.
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "host/fit/pretrain.hpp"
#include "host/search/problem.hpp"

namespace polaris {

/// `count` feasible points over all layers and hardware of the problem: in turns a uniform draw and
/// the analytically best of a few, since both the whole space and its good end matter.
/// Reproducible for any number of threads.
std::vector<LayerPoint> pretraining_points(const SearchProblem& problem, std::int64_t count,
                                           std::uint64_t seed, int threads);

/// Folder of the encoder that ships for a design space, `zoo/encoders/NAME-HASH`; it need not
/// exist.
std::filesystem::path shipped_encoder(const DesignSpace& space);

/// The encoder of one space for several workloads, each with an equal share of `count` points.
Pretrained pretrain_for_space(const DesignSpace& space, const std::vector<Workload>& workloads,
                              const PretrainOptions& options);

/// The problem's encoder: the one that ships with its space, else from the cache, else trained now
/// (seconds) and cached. The cache's key is a hash of space, workload, features and recipe. A
/// shipped encoder for other features is passed over with a warning, a damaged one of the cache is
/// trained again with one, and a cache that cannot be written costs one.
Pretrained pretrained_for(const SearchProblem& problem, int threads);

}  // namespace polaris
