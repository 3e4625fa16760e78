#include "bench/accuracy/splits.hpp"

#include <algorithm>
#include <numeric>

#include "host/core/error.hpp"
#include "models/space/philox.hpp"

namespace polaris {
namespace {

enum Stream : std::uint64_t { kPartition = 201, kOrder };

std::vector<std::size_t> permutation(std::size_t count, std::uint64_t seed, Stream stream) {
  std::vector<std::size_t> order(count);
  std::iota(order.begin(), order.end(), std::size_t{0});
  for (std::size_t i = count; i-- > 1;)
    std::swap(order[i], order[uniform_below(i + 1, seed, stream, i)]);
  return order;
}

}  // namespace

Split split_of(const std::string& name) {
  if (name == "random") return Split::random;
  if (name == "layer") return Split::layer;
  if (name == "array") return Split::array;
  throw Error::expected("random, layer or array", "'" + name + "'", "split");
}

Division divide(const std::vector<MeasuredPoint>& points, Split split, std::uint64_t seed,
                std::uint64_t folds) {
  // The first point that each may not be parted from.
  std::vector<std::size_t> first, group;
  for (std::size_t i = 0; i < points.size(); ++i) {
    const DesignSample& own = points[i].sample;
    const auto together = [&](std::size_t other) {
      const DesignSample& sample = points[other].sample;
      return split == Split::layer   ? sample.layer == own.layer
             : split == Split::array ? sample.hardware.dim == own.hardware.dim
                                     : false;
    };
    const auto found = std::find_if(first.begin(), first.end(), together);
    group.push_back(static_cast<std::size_t>(found - first.begin()));
    if (found == first.end()) first.push_back(i);
  }
  const std::vector<std::size_t> place = permutation(first.size(), seed / folds, kPartition);
  Division out;
  for (const std::size_t i : permutation(points.size(), seed, kOrder))
    (place[group[i]] % folds == seed % folds ? out.test : out.pool).push_back(i);
  return out;
}

}  // namespace polaris
