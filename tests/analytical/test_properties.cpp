#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "host/io/mapping_text.hpp"
#include "host/space/layer_space.hpp"
#include "models/analytical/analytical.hpp"
#include "models/space/philox.hpp"
#include "tests/analytical/reference.hpp"

namespace polaris {
namespace {

constexpr std::uint64_t kSeed = 20241;

/// Draws from one counter-based stream.
class Random {
 public:
  explicit Random(std::uint64_t stream) : stream_(stream) {}
  std::int32_t below(std::int32_t bound) {
    return static_cast<std::int32_t>(
        uniform_below(static_cast<std::uint64_t>(bound), kSeed, stream_, counter_++));
  }

 private:
  std::uint64_t stream_;
  std::uint64_t counter_ = 0;
};

struct TinyCase {
  Layer layer;
  Mapping mapping;
};

/// Every kind of loop at every level, in any order, with a nest short enough to walk.
TinyCase tiny_case(std::uint64_t stream) {
  Random random(stream);
  TinyCase out;
  constexpr std::int32_t kMostSteps = 4096;
  std::int32_t steps = 1;
  const auto draw = [&] {
    const std::int32_t bound = random.below(3) == 0 ? 2 + random.below(2) : 1;
    if (steps * bound > kMostSteps) return 1;
    steps *= bound;
    return bound;
  };
  for (int l = 0; l < kLevels; ++l)
    for (int d = 0; d < kDims; ++d) {
      const bool weight_in_register = l == 0 && weight_relevant(static_cast<Dim>(d));
      if (!weight_in_register) out.mapping.temporal[l][d] = draw();
      std::swap(out.mapping.order[l][d], out.mapping.order[l][random.below(d + 1)]);
    }
  out.mapping.spatial_c = 1 + random.below(3);
  out.mapping.spatial_k = 1 + random.below(3);
  for (int d = 0; d < kDims; ++d) {
    const Dim dim = static_cast<Dim>(d);
    out.layer.size[d] =
        static_cast<std::int32_t>(out.mapping.tile(dim) * out.mapping.factor(Level::dram, dim));
  }
  out.layer.stride_w = 1 + random.below(3);
  out.layer.stride_h = 1 + random.below(3);
  out.layer.dilation_w = 1 + random.below(2);
  out.layer.dilation_h = 1 + random.below(2);
  return out;
}

TEST(AccessCounts, EqualAWalkThroughEveryStep) {
  for (std::uint64_t i = 0; i < 400; ++i) {
    const TinyCase tiny = tiny_case(i);
    SCOPED_TRACE(format_mapping(tiny.mapping));
    const AccessCounts n =
        access_counts(tiny.layer, tiny.mapping, tile_footprint(tiny.layer, tiny.mapping));
    const reference::Counts walked = reference::count(tiny.mapping);
    ASSERT_EQ(n.compute_cycles, walked.steps);
    ASSERT_EQ(n.register_fills, walked.register_fills);
    ASSERT_EQ(n.accumulator_reads, walked.accumulator_reads);
    ASSERT_EQ(n.accumulator_fills, walked.accumulator_fills);
    ASSERT_EQ(n.scratchpad_weight_fills, walked.weight_fills);
    ASSERT_EQ(n.dram_output_reads, walked.dram_output_reads);
    ASSERT_EQ(n.dram_output_updates, walked.dram_output_updates);
    ASSERT_EQ(n.compute_cycles * tiny.mapping.spatial_c * tiny.mapping.spatial_k,
              tiny.layer.macs());
  }
}

TEST(AccessCounts, InputFillsEqualSetsOfWords) {
  int compared = 0;
  for (std::uint64_t i = 0; i < 400; ++i) {
    const TinyCase tiny = tiny_case(1000 + i);
    const TileFootprint tile = tile_footprint(tiny.layer, tiny.mapping);
    constexpr std::int64_t kLargestBox = 4000;
    if (tile.input_words > kLargestBox) continue;
    SCOPED_TRACE(format_mapping(tiny.mapping));
    ASSERT_EQ(scratchpad_input_fills(tiny.layer, tiny.mapping, tile),
              reference::input_fills(tiny.layer, tiny.mapping));
    ++compared;
  }
  EXPECT_GT(compared, 100);
}

TEST(Analytical, LoopsOfBoundOneMayStandAnywhere) {
  for (std::uint64_t i = 0; i < 200; ++i) {
    const TinyCase tiny = tiny_case(2000 + i);
    Mapping moved = tiny.mapping;
    for (int l = 0; l < kLevels; ++l)
      std::stable_partition(moved.order[l], moved.order[l] + kDims,
                            [&](Dim dim) { return moved.factor(static_cast<Level>(l), dim) > 1; });
    ASSERT_TRUE(same_schedule(moved, tiny.mapping));
    const HardwareConfig hardware;
    const AnalyticalResult a = evaluate_analytical(tiny.layer, hardware, tiny.mapping);
    const AnalyticalResult b = evaluate_analytical(tiny.layer, hardware, moved);
    ASSERT_EQ(a.cycles, b.cycles);
    ASSERT_EQ(a.energy_pj, b.energy_pj);
  }
}

/// Exact ceil(words / bandwidth), at least the compute cycles.
std::int64_t exact_cycles(std::int64_t compute, std::int64_t words, std::int64_t bandwidth) {
  return std::max(compute, (words + bandwidth - 1) / bandwidth);
}

TEST(Analytical, CyclesAreTheExactRooflineOrOneMore) {
  Layer layer;
  const std::int32_t sizes[kDims] = {3, 3, 56, 56, 64, 128, 2};
  std::copy(sizes, sizes + kDims, layer.size);
  HardwareGrid grid{};
  const std::int64_t axes[kHardwareAxes][2] = {{8, 32}, {65536, 262144}, {65536, 1048576}, {8, 16}};
  for (int a = 0; a < kHardwareAxes; ++a) {
    grid.count[a] = 2;
    std::copy(axes[a], axes[a] + 2, grid.value[a]);
  }
  const LayerSpace space(layer, grid);
  int evaluated = 0, one_more = 0;
  for (std::uint64_t i = 0; i < 50000; ++i) {
    const DesignPoint point = space.view().decode(space.view().sample(kSeed, 1, i));
    if (check(layer, point) != Feasibility::feasible) continue;
    ++evaluated;
    const AnalyticalResult result = evaluate_analytical(layer, point.hardware, point.mapping);
    const AccessCounts& n = result.counts;
    const std::int64_t exact[3] = {
        exact_cycles(n.compute_cycles,
                     n.accumulator_reads + n.accumulator_updates + n.accumulator_fills, 2),
        exact_cycles(n.compute_cycles,
                     n.scratchpad_weight_reads + n.scratchpad_weight_fills +
                         n.scratchpad_input_reads + n.scratchpad_input_fills,
                     2 * point.hardware.dim),
        exact_cycles(
            n.compute_cycles,
            n.dram_weight_reads + n.dram_input_reads + n.dram_output_reads + n.dram_output_updates,
            point.hardware.bus_bytes)};
    const std::int64_t got[3] = {result.accumulator_cycles, result.scratchpad_cycles,
                                 result.dram_cycles};
    for (int l = 0; l < 3; ++l) {
      ASSERT_GE(got[l], exact[l]);
      ASSERT_LE(got[l], exact[l] + 1);
      one_more += got[l] != exact[l];
    }
    ASSERT_EQ(result.cycles, std::max({result.compute_cycles, got[0], got[1], got[2]}));
  }
  EXPECT_GT(evaluated, 1000);
  EXPECT_GT(one_more, 0);
}

TEST(Analytical, CountsBeyond32Bits) {
  Layer layer;
  const std::int32_t sizes[kDims] = {3, 3, 2048, 2048, 4096, 4096, 1};
  std::copy(sizes, sizes + kDims, layer.size);
  const Mapping mapping =
      parse_mapping("L3[WIO] P2048 Q2048 R3 S3 K4096 C4096 - L2[WI] N1 - L1[O] N1 - L0[W] N1");
  const AnalyticalResult result = evaluate_analytical(layer, {16, 16, 65536, 8}, mapping);
  const std::int64_t macs = 9 * (std::int64_t{1} << 46);
  EXPECT_EQ(layer.macs(), macs);
  EXPECT_EQ(result.compute_cycles, macs);
  EXPECT_EQ(result.counts.register_fills, macs);
  EXPECT_EQ(result.counts.accumulator_fills, macs / 4096);  // C innermost keeps the output
  EXPECT_EQ(result.counts.accumulator_reads, macs - (std::int64_t{1} << 34));
  EXPECT_EQ(result.counts.dram_weight_reads, macs);
  EXPECT_EQ(result.counts.dram_input_reads, macs);
  EXPECT_GE(result.cycles, macs);
  EXPECT_GT(result.energy_pj, 200.0 * static_cast<double>(macs));
  EXPECT_TRUE(std::isfinite(result.edp));
}

TEST(Analytical, OneMac) {
  const AnalyticalResult result = evaluate_analytical({}, {4, 1, 2, 8}, {});
  EXPECT_EQ(result.cycles, 1);
  EXPECT_EQ(result.counts.accumulator_reads, 0);
  EXPECT_EQ(result.counts.dram_output_reads, 0);
  EXPECT_EQ(result.counts.dram_output_updates, 1);
  EXPECT_DOUBLE_EQ(result.energy_dram, 3 * 6400.0);
}

TEST(Analytical, EdpRoundsCyclesToFloat) {
  Layer layer;
  layer.size[index_of(Dim::P)] = 16777217;  // 2^24 + 1: no float
  const AnalyticalResult result =
      evaluate_analytical(layer, {4, 16, 4096, 8},
                          parse_mapping("L3[WIO] P16777217 - L2[WI] N1 - L1[O] N1 - L0[W] N1"));
  ASSERT_EQ(result.cycles, 16777217);
  EXPECT_DOUBLE_EQ(result.edp, 16777216.0 * result.energy_pj * 1e-12);
}

TEST(CheckWords, CapacitiesMayBeFullButNotExceeded) {
  Layer layer;
  const std::int32_t sizes[kDims] = {3, 1, 14, 1, 32, 64, 1};
  std::copy(sizes, sizes + kDims, layer.size);
  const Mapping mapping =
      parse_mapping("L3[WIO] K4 - L2[WI] N1 K8X - L1[O] K2 R3 C8 P2 C4X - L0[W] P7");
  const TileFootprint tile = tile_footprint(layer, mapping);
  ASSERT_EQ(tile.output_words, 28);
  ASSERT_EQ(tile.weight_words, 3 * 32 * 16);
  ASSERT_EQ(tile.input_words, 32 * 16);
  const HardwareConfig full{8, 28, 3 * 32 * 16 + 32 * 16, 8};
  EXPECT_EQ(check_words(full, tile, mapping), Feasibility::feasible);
  HardwareConfig hardware = full;
  --hardware.accumulator_words;
  EXPECT_EQ(check_words(hardware, tile, mapping), Feasibility::accumulator_overflow);
  hardware = full;
  --hardware.scratchpad_bytes;
  EXPECT_EQ(check_words(hardware, tile, mapping), Feasibility::scratchpad_overflow);
  hardware = full;
  hardware.dim = 7;
  EXPECT_EQ(check_words(hardware, tile, mapping), Feasibility::spatial_exceeds_array);
  Mapping weight_in_register = mapping;
  weight_in_register.temporal[0][index_of(Dim::R)] = 3;
  EXPECT_EQ(check_words(full, tile, weight_in_register), Feasibility::weight_loop_in_register);
}

}  // namespace
}  // namespace polaris
