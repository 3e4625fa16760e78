// How the accuracy benchmark divides points into training and test.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "bench/accuracy/data.hpp"

namespace polaris {

/// Positions of the points to train on, in random order (a smaller training set is the head of a
/// larger one), and of those to test on.
struct Division {
  std::vector<std::size_t> pool;
  std::vector<std::size_t> test;
};

/// What may not be in training and test both: a point, a layer, or an array size.
enum class Split { random, layer, array };

/// Throws Error for another name than these.
Split split_of(const std::string& name);

/// Fold `seed` mod `folds` of a partition drawn from seed / folds is the test, the rest the pool.
Division divide(const std::vector<MeasuredPoint>& points, Split split, std::uint64_t seed,
                std::uint64_t folds);

}  // namespace polaris
