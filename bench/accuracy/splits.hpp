// How the accuracy benchmark divides points into training and test.
#pragma once

#include <cstdint>
#include <vector>

#include "bench/accuracy/data.hpp"

namespace polaris {

inline constexpr int kFolds = 5;

/// Positions of the points to train on, in random order (a smaller training set is the head of a
/// larger one), and of those to test on.
struct Division {
  std::vector<std::size_t> pool;
  std::vector<std::size_t> test;
};

/// Fold `seed` mod kFolds of a partition drawn from seed / kFolds is the test, the rest the pool;
/// `by_layer`: all points of a layer fall into one fold.
Division divide(const std::vector<MeasuredPoint>& points, bool by_layer, std::uint64_t seed);

}  // namespace polaris
