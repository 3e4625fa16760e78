#include "bench/accuracy/splits.hpp"

#include <algorithm>
#include <numeric>

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

Division divide(const std::vector<MeasuredPoint>& points, bool by_layer, std::uint64_t seed) {
  std::vector<Layer> layers;
  std::vector<std::size_t> group;
  for (const MeasuredPoint& point : points) {
    const auto found = std::find(layers.begin(), layers.end(), point.sample.layer);
    group.push_back(by_layer ? static_cast<std::size_t>(found - layers.begin()) : group.size());
    if (found == layers.end()) layers.push_back(point.sample.layer);
  }
  const std::size_t groups = by_layer ? layers.size() : points.size();
  const std::vector<std::size_t> place = permutation(groups, seed / kFolds, kPartition);
  Division out;
  for (const std::size_t i : permutation(points.size(), seed, kOrder))
    (place[group[i]] % kFolds == seed % kFolds ? out.test : out.pool).push_back(i);
  return out;
}

}  // namespace polaris
