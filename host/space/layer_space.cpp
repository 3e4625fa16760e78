#include "host/space/layer_space.hpp"

#include <algorithm>
#include <cstdint>
#include <limits>

#include "host/core/error.hpp"

namespace polaris {
namespace {

std::vector<std::int32_t> divisors(std::int32_t n) {
  std::vector<std::int32_t> out;
  for (std::int32_t i = 1; static_cast<std::int64_t>(i) * i <= n; ++i) {
    if (n % i != 0) continue;
    out.push_back(i);
    if (i != n / i) out.push_back(n / i);
  }
  std::sort(out.begin(), out.end());
  return out;
}

/// All (dram, accumulator, inner) with product n and inner <= max_inner, ascending.
std::vector<Split> factor_splits(std::int32_t n, std::int64_t max_inner) {
  std::vector<Split> out;
  for (const std::int32_t dram : divisors(n))
    for (const std::int32_t accumulator : divisors(n / dram)) {
      const std::int32_t inner = n / dram / accumulator;
      if (inner <= max_inner) out.push_back({dram, accumulator, inner});
    }
  return out;
}

std::uint64_t checked_product(std::uint64_t a, std::uint64_t b) {
  std::uint64_t product = 0;
  if (__builtin_mul_overflow(a, b, &product) ||
      product > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
    throw Error("design space: expected at most 2^63 points, got more");
  return product;
}

}  // namespace

LayerSpace::LayerSpace(const Layer& layer, const HardwareGrid& hardware) {
  view_.layer = layer;
  view_.hardware = hardware;
  for (int a = 0; a < kHardwareAxes; ++a)
    if (hardware.count[a] < 1 || hardware.count[a] > kMaxChoices)
      throw Error::expected("1 to 16 choices", std::to_string(hardware.count[a]),
                            "hardware axis " + std::to_string(a));
  for (int i = 0; i < hardware.count[0]; ++i)
    for (int j = 0; j < hardware.count[1]; ++j)
      if (hardware.value[1][j] % (4 * hardware.value[0][i]) != 0)
        throw Error::expected("accumulator bytes divisible by 4 * dim",
                              std::to_string(hardware.value[1][j]) + " with dim " +
                                  std::to_string(hardware.value[0][i]),
                              "hardware grid");
  const std::int64_t max_dim = hardware.value[0][hardware.count[0] - 1];
  view_.order_count = 1;
  view_.mapping_count = 1;
  for (int d = 0; d < kDims; ++d) {
    const std::int32_t n = layer.size[d];
    const Dim dim = static_cast<Dim>(d);
    if (n < 1)
      throw Error::expected("a size >= 1", std::to_string(n),
                            std::string("dimension ") + kDimLetters[d]);
    const bool is_spatial = dim == Dim::C || dim == Dim::K;
    const std::int64_t max_inner = LayerSpaceView::slots(dim) == 2 ? 1 : (is_spatial ? max_dim : n);
    const auto at = static_cast<std::size_t>(d);
    splits_[at] = factor_splits(n, max_inner);
    view_.splits[d] = splits_[at].data();
    view_.split_count[d] = static_cast<std::int32_t>(splits_[at].size());
    for (const std::int32_t p : divisors(n))
      if (p > 1 && divisors(p).size() == 2) view_.prime[d][view_.prime_count[d]++] = p;
    if (n > 1) {
      view_.permuted[view_.permuted_count++] = dim;
      view_.order_count *= static_cast<std::uint64_t>(view_.permuted_count);
    }
    view_.mapping_count =
        checked_product(view_.mapping_count, static_cast<std::uint64_t>(view_.split_count[d]));
  }
  view_.mapping_count = checked_product(view_.mapping_count, view_.order_count);
  view_.size = checked_product(view_.mapping_count, hardware.size());
}

}  // namespace polaris
