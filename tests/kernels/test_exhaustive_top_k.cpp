#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <stdexcept>
#include <vector>

#include "host/space/layer_space.hpp"
#include "kernels/exhaustive_top_k.hpp"

namespace polaris {
namespace {

using Axes = std::vector<std::vector<std::int64_t>>;

HardwareGrid make_grid(const Axes& axes) {
  HardwareGrid grid{};
  for (std::size_t a = 0; a < kHardwareAxes; ++a) {
    grid.count[a] = static_cast<std::int32_t>(axes[a].size());
    std::copy(axes[a].begin(), axes[a].end(), grid.value[a]);
  }
  return grid;
}

Layer make_layer(std::initializer_list<std::int32_t> sizes, std::int32_t stride = 1) {
  Layer layer;
  std::copy(sizes.begin(), sizes.end(), layer.size);
  layer.stride_w = layer.stride_h = stride;
  return layer;
}

/// Hardware small enough that part of every space is infeasible.
const HardwareGrid kSmallGrid = make_grid({{2, 4}, {256, 1024}, {512}, {8, 16}});

LayerSpace convolution() { return {make_layer({3, 1, 4, 2, 4, 2, 1}, 2), kSmallGrid}; }
LayerSpace matrix_product() { return {make_layer({1, 1, 12, 1, 6, 4, 1}), kSmallGrid}; }
LayerSpace single_mac() { return {make_layer({1, 1, 1, 1, 1, 1, 1}), kSmallGrid}; }

/// Sorts the scores of the whole range.
ExhaustiveResult brute_force(const LayerSpaceView& view, const ExhaustiveParams& params) {
  ExhaustiveResult out;
  for (std::uint64_t i = params.begin; i < params.end; ++i)
    if (const ScoredIndex c{analytical_score(view, i, params.objective), i}; is_candidate(c))
      out.best.push_back(c);
  out.feasible = out.best.size();
  std::sort(out.best.begin(), out.best.end(), ranks_before);
  out.best.resize(std::min(out.best.size(), static_cast<std::size_t>(params.k)));
  return out;
}

/// Compares, and returns what both agree on.
ExhaustiveResult check_against_brute_force(const LayerSpaceView& view,
                                           const ExhaustiveParams& params) {
  SCOPED_TRACE(testing::Message() << "[" << params.begin << ", " << params.end << ") of "
                                  << view.size << ", objective "
                                  << static_cast<int>(params.objective) << ", k " << params.k
                                  << ", tile " << params.tile);
  ExhaustiveResult expected = brute_force(view, params);
  const ExhaustiveResult got = exhaustive_top_k(view, params);
  EXPECT_EQ(got.best, expected.best);
  EXPECT_EQ(got.feasible, expected.feasible);
  return expected;
}

TEST(ExhaustiveTopK, RangesAroundTheTile) {
  const LayerSpace space = convolution();
  constexpr std::uint64_t kTile = 300, kBegin = 1234;
  ASSERT_GT(space.view().size, kBegin + 3 * kTile);
  for (const std::uint64_t length :
       {std::uint64_t{0}, std::uint64_t{1}, kTile - 1, kTile, kTile + 1, 2 * kTile + 7})
    check_against_brute_force(space.view(),
                              {.begin = kBegin, .end = kBegin + length, .k = 5, .tile = kTile});
}

TEST(ExhaustiveTopK, EveryObjectiveOfEveryLayer) {
  for (const LayerSpace& space : {convolution(), matrix_product(), single_mac()})
    for (const Objective objective : {Objective::cycles, Objective::energy, Objective::edp}) {
      const std::uint64_t length = std::min<std::uint64_t>(space.view().size, 2500);
      const ExhaustiveResult result = check_against_brute_force(
          space.view(), {.begin = 0, .end = length, .objective = objective, .k = 20, .tile = 1000});
      EXPECT_GT(result.feasible, 0u);
    }
}

TEST(ExhaustiveTopK, KFromOneToTheLimit) {
  const LayerSpace space = matrix_product();
  for (const int k : {1, 2, 127, 128, 129, 256, 257, 1024}) {
    const ExhaustiveResult result = check_against_brute_force(
        space.view(),
        {.begin = 0, .end = 2000, .objective = Objective::energy, .k = k, .tile = 900});
    EXPECT_EQ(result.best.size(), static_cast<std::size_t>(k));
  }
}

TEST(ExhaustiveTopK, KLargerThanTheRange) {
  const ExhaustiveResult result =
      check_against_brute_force(convolution().view(), {.begin = 500, .end = 540, .k = 1024});
  EXPECT_LE(result.best.size(), 40u);
}

TEST(ExhaustiveTopK, TiesGoToTheSmallerIndex) {
  // Loop orders that change nothing give many points of equal cycles.
  const ExhaustiveResult result = check_against_brute_force(
      matrix_product().view(),
      {.begin = 100, .end = 2100, .objective = Objective::cycles, .k = 64, .tile = 500});
  EXPECT_EQ(result.best.front().score, result.best[1].score);
  // A tie at the k-th place: some points of that score are taken, some are not.
  const ExhaustiveResult more =
      brute_force(matrix_product().view(),
                  {.begin = 100, .end = 2100, .objective = Objective::cycles, .k = 65});
  EXPECT_EQ(more.best[63].score, more.best[64].score);
}

TEST(ExhaustiveTopK, NothingFeasible) {
  // A scratchpad of one row cannot hold a weight and an input.
  const LayerSpace space(make_layer({1, 1, 4, 1, 4, 4, 1}), make_grid({{4}, {256}, {4}, {8}}));
  const ExhaustiveResult result = check_against_brute_force(
      space.view(), {.begin = 0, .end = std::min<std::uint64_t>(space.view().size, 1000), .k = 3});
  EXPECT_TRUE(result.best.empty());
}

TEST(ExhaustiveTopK, EndOfASpaceBeyond32Bits) {
  std::vector<std::int64_t> bus, memory;
  for (std::int64_t i = 1; i <= kMaxChoices; ++i) {
    bus.push_back(4 * i);
    memory.push_back(65536 * i);
  }
  const LayerSpace space(make_layer({3, 3, 224, 224, 192, 192, 16}),
                         make_grid({{4, 8, 16, 32, 64}, memory, memory, bus}));
  ASSERT_GT(space.view().size, std::uint64_t{1} << 48);
  check_against_brute_force(
      space.view(),
      {.begin = space.view().size - 700, .end = space.view().size, .k = 9, .tile = 256});
}

TEST(ExhaustiveTopK, RejectsParametersOutOfRange) {
  const LayerSpace space = single_mac();
  const LayerSpaceView& view = space.view();
  EXPECT_THROW(exhaustive_top_k(view, {.begin = 0, .end = view.size + 1}), std::invalid_argument);
  EXPECT_THROW(exhaustive_top_k(view, {.begin = 2, .end = 1}), std::invalid_argument);
  EXPECT_THROW(exhaustive_top_k(view, {.end = 1, .k = 0}), std::invalid_argument);
  EXPECT_THROW(exhaustive_top_k(view, {.end = 1, .k = 1025}), std::invalid_argument);
  EXPECT_THROW(exhaustive_top_k(view, {.end = 1, .tile = 0}), std::invalid_argument);
  EXPECT_THROW(exhaustive_top_k(view, {.end = 1, .tile = (std::uint64_t{1} << 31) + 1}),
               std::invalid_argument);
}

}  // namespace
}  // namespace polaris
