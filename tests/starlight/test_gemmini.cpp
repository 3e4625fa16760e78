// The closed form of what Gemmini spends; bench/accuracy compares it with public measurements.
#include <gtest/gtest.h>

#include <cmath>

#include "models/starlight/gemmini.hpp"
#include "tests/starlight/fixture.hpp"

namespace polaris {
namespace {

GemminiEstimate estimate(const LayerPoint& point) {
  return estimate_gemmini(point.layer, point.hardware, point.mapping,
                          tile_footprint(point.layer, point.mapping));
}

/// 3x3 convolution of 32 channels to 64 on 14 x 14, tiled 14 x 7 x 32 x 16 on a 16 x 16 array.
LayerPoint convolution() {
  LayerPoint point{{{3, 3, 14, 14, 32, 64, 1}}, HardwareConfig{}, Mapping{}};
  point.hardware.dim = 16;
  auto& temporal = point.mapping.temporal;
  const auto set = [&temporal](Level level, Dim dim, std::int32_t bound) {
    temporal[index_of(level)][index_of(dim)] = bound;
  };
  set(Level::dram, Dim::K, 4);
  set(Level::dram, Dim::Q, 2);
  set(Level::accumulator, Dim::R, 3);
  set(Level::accumulator, Dim::S, 3);
  set(Level::accumulator, Dim::C, 2);
  set(Level::accumulator, Dim::Q, 7);
  set(Level::registers, Dim::P, 14);
  point.mapping.spatial_c = point.mapping.spatial_k = 16;
  return point;
}

TEST(Gemmini, CountsStepsRowsAndLoadsOfAConvolution) {
  const LayerPoint point = convolution();
  const GemminiEstimate e = estimate(point);
  EXPECT_EQ(e.steps, 8.0);
  EXPECT_EQ(e.array_cycles, 3 * 3 * 2 * 7 * 14.0);              // filter, channel blocks, tile
  EXPECT_EQ(e.memory_cycles, 2 * (16 * 9 * 2 + 9 * 32 * 1.0));  // rows of 16 bytes, 8 a cycle
  EXPECT_EQ(e.cycles, e.steps * e.array_cycles);
}

TEST(Gemmini, ASmallStepWaitsForItsControl) {
  LayerPoint point = convolution();
  point.mapping.temporal[index_of(Level::accumulator)][index_of(Dim::Q)] = 1;
  point.mapping.temporal[index_of(Level::dram)][index_of(Dim::Q)] = 14;
  point.mapping.temporal[index_of(Level::accumulator)][index_of(Dim::R)] = 1;
  point.mapping.temporal[index_of(Level::dram)][index_of(Dim::R)] = 3;
  point.mapping.temporal[index_of(Level::accumulator)][index_of(Dim::S)] = 1;
  point.mapping.temporal[index_of(Level::dram)][index_of(Dim::S)] = 3;
  const GemminiEstimate e = estimate(point);
  EXPECT_EQ(e.steps, 14 * 4 * 3 * 3.0);
  EXPECT_EQ(e.cycles, 250.0 * e.steps);
}

TEST(Gemmini, ShortRowsAreBoundByInstructions) {
  LayerPoint point = convolution();
  point.mapping.temporal[index_of(Level::registers)][index_of(Dim::P)] = 1;
  point.mapping.temporal[index_of(Level::dram)][index_of(Dim::P)] = 14;
  EXPECT_EQ(estimate(point).array_cycles, 4 * 3 * 3 * 2 * 7.0);
}

TEST(Gemmini, ImagesCountAsSquare) {
  LayerPoint point = convolution();
  const GemminiEstimate square = estimate(point);
  point.layer.size[index_of(Dim::Q)] = 7;  // its outer Q loop gone
  point.mapping.temporal[index_of(Level::dram)][index_of(Dim::Q)] = 1;
  const GemminiEstimate half = estimate(point);
  EXPECT_EQ(half.cycles, square.cycles);
}

TEST(Gemmini, TilesOfMatricesAreWholeBlocks) {
  LayerPoint point{{{1, 1, 128, 1, 64, 48, 1}}, HardwareConfig{}, Mapping{}};
  point.hardware.dim = 16;
  point.mapping.spatial_c = point.mapping.spatial_k = 1;
  auto& dram = point.mapping.temporal[index_of(Level::dram)];
  dram[index_of(Dim::P)] = 128;  // tiles of one element are run as 16 x 16 x 16
  dram[index_of(Dim::C)] = 64;
  dram[index_of(Dim::K)] = 48;
  const GemminiEstimate e = estimate(point);
  EXPECT_EQ(e.steps, 8 * 4 * 3.0);
  EXPECT_EQ(e.array_cycles, 16.0);
  EXPECT_EQ(e.cycles, 126.0 * e.steps);
}

TEST(Gemmini, IsPositiveAndNeverBelowTheComputeBound) {
  for (const LayerPoint& point : test_points(500, 41)) {
    const GemminiEstimate e = estimate(point);
    ASSERT_GE(e.steps, 1.0);
    ASSERT_GE(e.array_cycles, 1.0);
    ASSERT_GE(e.memory_cycles, 1.0);
    ASSERT_GE(e.cycles * (1.0 + 1e-12), lower_bound_cycles(point.layer, point.hardware));
  }
}

}  // namespace
}  // namespace polaris
