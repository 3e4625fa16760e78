#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <vector>

#include "host/core/error.hpp"
#include "host/space/layer_space.hpp"
#include "models/analytical/analytical.hpp"

namespace polaris {
namespace {

HardwareGrid small_grid() {
  HardwareGrid grid{};
  const std::vector<std::vector<std::int64_t>> axes = {
      {4, 8, 16}, {16384, 65536}, {32768, 131072, 262144}, {8, 16}};
  for (int a = 0; a < kHardwareAxes; ++a) {
    grid.count[a] = static_cast<std::int32_t>(axes[static_cast<std::size_t>(a)].size());
    std::copy(axes[static_cast<std::size_t>(a)].begin(), axes[static_cast<std::size_t>(a)].end(),
              grid.value[a]);
  }
  return grid;
}

Layer make_layer(std::initializer_list<std::int32_t> sizes) {
  Layer layer;
  std::copy(sizes.begin(), sizes.end(), layer.size);
  return layer;
}

const Layer kLayers[] = {
    make_layer({1, 1, 1, 1, 1, 1, 1}),
    make_layer({3, 3, 56, 56, 64, 64, 1}),
    make_layer({1, 1, 7, 7, 2048, 512, 4}),
    make_layer({7, 5, 112, 110, 3, 64, 2}),
};

TEST(LayerSpace, DecodeThenEncodeIsIdentity) {
  for (const Layer& layer : kLayers) {
    const LayerSpace space(layer, small_grid());
    const LayerSpaceView& view = space.view();
    for (std::uint64_t i = 0; i < 20000; ++i) {
      const std::uint64_t index = i == 0 ? 0 : i == 1 ? view.size - 1 : view.sample(7, 0, i);
      const DesignPoint point = view.decode(index);
      ASSERT_EQ(view.encode(point), index);
      for (int d = 0; d < kDims; ++d) {
        const Dim dim = static_cast<Dim>(d);
        ASSERT_EQ(point.mapping.tile(dim) * point.mapping.factor(Level::dram, dim), layer[dim]);
      }
    }
  }
}

TEST(LayerSpace, EveryIndexOfASmallSpaceIsAnotherPoint) {
  const LayerSpace space(make_layer({2, 1, 4, 1, 3, 2, 1}), small_grid());
  const LayerSpaceView& view = space.view();
  std::vector<DesignPoint> points;
  for (std::uint64_t i = 0; i < view.mapping_count; ++i) points.push_back(view.decode(i));
  for (std::size_t i = 0; i < points.size(); ++i)
    for (std::size_t j = i + 1; j < points.size(); ++j) ASSERT_FALSE(points[i] == points[j]);
}

TEST(LayerSpace, MappingsOfOneHardwareAreContiguous) {
  const LayerSpace space(kLayers[1], small_grid());
  const LayerSpaceView& view = space.view();
  EXPECT_EQ(view.size, view.mapping_count * 36);
  EXPECT_EQ(view.decode(0).hardware, view.decode(view.mapping_count - 1).hardware);
  EXPECT_FALSE(view.decode(0).hardware == view.decode(view.mapping_count).hardware);
}

TEST(LayerSpace, NeighboursAreInTheSpaceAndMutual) {
  const LayerSpace space(kLayers[3], small_grid());
  const LayerSpaceView& view = space.view();
  for (std::uint64_t i = 0; i < 200; ++i) {
    const std::uint64_t index = view.sample(3, 1, i);
    std::set<std::uint64_t> seen;
    for (int move = 0; move < view.neighbour_count(); ++move) {
      const std::uint64_t other = view.neighbour(index, move);
      if (other == kNoIndex) continue;
      ASSERT_LT(other, view.size);
      ASSERT_NE(other, index);
      ASSERT_TRUE(seen.insert(other).second) << "move " << move << " repeats a neighbour";
      bool back = false;
      for (int m = 0; m < view.neighbour_count() && !back; ++m)
        back = view.neighbour(other, m) == index;
      ASSERT_TRUE(back);
    }
    EXPECT_GT(seen.size(), 10u);
  }
}

TEST(LayerSpace, CanonicalIndexKeepsTheScheduleAndIsUnique) {
  const LayerSpace space(make_layer({2, 1, 2, 1, 2, 2, 1}), small_grid());
  const LayerSpaceView& view = space.view();
  std::vector<std::uint64_t> representatives;
  for (std::uint64_t i = 0; i < view.mapping_count; ++i) {
    const std::uint64_t canonical = view.canonical(i);
    ASSERT_TRUE(same_schedule(view.decode(i).mapping, view.decode(canonical).mapping));
    ASSERT_EQ(view.canonical(canonical), canonical);
    if (canonical == i) representatives.push_back(i);
  }
  EXPECT_LT(representatives.size(), view.mapping_count);
  for (std::size_t i = 0; i < representatives.size(); ++i)
    for (std::size_t j = i + 1; j < representatives.size(); ++j)
      ASSERT_FALSE(same_schedule(view.decode(representatives[i]).mapping,
                                 view.decode(representatives[j]).mapping));
}

// A representative needs the same memories, moves the same data and loads the same weights.
TEST(LayerSpace, RepresentativeCostsTheSame) {
  for (const Layer& layer : kLayers) {
    const LayerSpace space(layer, small_grid());
    const LayerSpaceView& view = space.view();
    int moved = 0;
    for (std::uint64_t i = 0; i < 3000; ++i) {
      const std::uint64_t index = view.sample(11, 2, i);
      const std::uint64_t representative = view.representative(index);
      ASSERT_EQ(view.representative(representative), representative);
      ASSERT_EQ(view.canonical(representative), representative);
      const DesignPoint a = view.decode(index), b = view.decode(representative);
      moved += view.canonical(index) != representative;
      ASSERT_EQ(b.hardware, a.hardware);
      for (const Dim dim : {Dim::P, Dim::Q}) {
        ASSERT_EQ(b.mapping.factor(Level::accumulator, dim), 1);
        ASSERT_EQ(b.mapping.tile(dim), a.mapping.tile(dim));
      }
      ASSERT_EQ(check(layer, b), check(layer, a));
      if (check(layer, a) != Feasibility::feasible) continue;
      const AnalyticalResult x = evaluate_analytical(layer, a.hardware, a.mapping);
      const AnalyticalResult y = evaluate_analytical(layer, b.hardware, b.mapping);
      ASSERT_EQ(y.cycles, x.cycles);
      ASSERT_DOUBLE_EQ(y.energy_pj, x.energy_pj);
    }
    EXPECT_EQ(moved > 0, layer[Dim::P] > 1);
  }
}

TEST(LayerSpace, EncodeRefusesPointsOutsideTheSpace) {
  const LayerSpace space(kLayers[1], small_grid());
  const LayerSpaceView& view = space.view();
  const DesignPoint inside = view.decode(12345);
  DesignPoint point = inside;
  point.hardware.dim = 5;
  EXPECT_EQ(view.encode(point), kNoIndex);
  point = inside;
  point.mapping.temporal[index_of(Level::scratchpad)][0] = 2;
  EXPECT_EQ(view.encode(point), kNoIndex);
  point = inside;
  point.mapping.temporal[index_of(Level::dram)][0] *= 2;
  EXPECT_EQ(view.encode(point), kNoIndex);
  point = inside;
  std::swap(point.mapping.order[1][0], point.mapping.order[1][1]);
  EXPECT_EQ(view.encode(point), kNoIndex);
  point = inside;
  point.mapping.order[3][0] = point.mapping.order[3][1];
  EXPECT_EQ(view.encode(point), kNoIndex);
}

TEST(LayerSpace, RefusesBadInput) {
  EXPECT_THROW(LayerSpace(make_layer({0, 1, 1, 1, 1, 1, 1}), small_grid()), Error);
  EXPECT_THROW(LayerSpace(kLayers[0], HardwareGrid{}), Error);
  const std::int32_t huge = 735134400;  // 1,344 divisors
  EXPECT_THROW(LayerSpace(make_layer({huge, huge, huge, huge, huge, huge, huge}), small_grid()),
               Error);
}

TEST(LayerSpace, SamplesAreUniformAndCounterBased) {
  const LayerSpace space(make_layer({1, 1, 2, 1, 2, 1, 1}), small_grid());
  const LayerSpaceView& view = space.view();
  std::vector<int> histogram(view.size);
  const int per_bin = 200;
  const auto draws = view.size * per_bin;
  for (std::uint64_t i = 0; i < draws; ++i) ++histogram[view.sample(11, 0, i)];
  double chi2 = 0;
  for (const int count : histogram) chi2 += (count - per_bin) * (count - per_bin) / double(per_bin);
  const double dof = static_cast<double>(view.size - 1);
  EXPECT_LT(chi2, dof + 5 * std::sqrt(2 * dof));
  EXPECT_EQ(view.sample(11, 0, 5), view.sample(11, 0, 5));
  EXPECT_NE(philox(1, 0, 0).word[0], philox(2, 0, 0).word[0]);
}

// Known answer of the reference implementation (Random123, kat_vectors: philox4x32 10 rounds).
TEST(Philox, KnownAnswer) {
  const Philox4 zero = philox(0, 0, 0);
  EXPECT_EQ(zero.word[0], 0x6627e8d5u);
  EXPECT_EQ(zero.word[1], 0xe169c58du);
  EXPECT_EQ(zero.word[2], 0xbc57ac4cu);
  EXPECT_EQ(zero.word[3], 0x9b00dbd8u);
  const Philox4 ones = philox(~0ull, ~0ull, ~0ull);
  EXPECT_EQ(ones.word[0], 0x408f276du);
  EXPECT_EQ(ones.word[1], 0x41c83b0eu);
  EXPECT_EQ(ones.word[2], 0xa20bc7c6u);
  EXPECT_EQ(ones.word[3], 0x6d5451fdu);
}

TEST(Mapping, SameScheduleIgnoresLoopsOfBoundOne) {
  Mapping a, b;
  a.temporal[3][0] = b.temporal[3][0] = 2;
  a.temporal[3][4] = b.temporal[3][4] = 3;
  std::swap(b.order[3][0], b.order[3][1]);  // N and K, both of bound 1
  EXPECT_TRUE(same_schedule(a, b));
  EXPECT_FALSE(a == b);
  std::swap(b.order[3][3], b.order[3][4]);  // R and C, both above 1
  EXPECT_FALSE(same_schedule(a, b));
}

}  // namespace
}  // namespace polaris
