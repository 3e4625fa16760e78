// The analytical sweep against brute force: classes, checksum, best points and fronts, bit for bit.
#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "host/io/table.hpp"
#include "tests/sweep/fixture.hpp"

namespace polaris {
namespace {

/// Sweeps in tiles of all sizes, by one thread and by several.
void expect_exact(SweepSpec spec, const AvoidList& avoid = {}) {
  std::vector<LayerResult> wanted;
  for (const std::uint64_t tile : {std::uint64_t{1} << 24, std::uint64_t{1000}, std::uint64_t{1}}) {
    SCOPED_TRACE("tile " + std::to_string(tile));
    spec.tile_points = tile;
    SweepPlan plan(spec);
    plan.avoid(avoid);
    const auto scorer = make_analytical_scorer(plan, tile == 1 ? 1 : 3);
    const std::vector<LayerResult> swept = sweep_all(plan, *scorer);
    expect_covered(plan, swept);
    for (const SweepLayer& layer : plan.layers()) {
      SCOPED_TRACE(plan.spec().workload.layers[layer.number].name);
      if (wanted.size() == layer.number) wanted.push_back(brute_force(plan, layer, avoid));
      expect_equal(swept[layer.number], wanted[layer.number]);
    }
  }
}

TEST(SweepExactness, WholeLayers) { expect_exact(small_spec(small_layers())); }

TEST(SweepExactness, AnyRange) {
  const LayerSpace space(small_layers()[0], small_grid());
  const std::uint64_t size = space.view().size, round = space.view().mapping_count;
  const std::uint64_t orders = space.view().order_count;
  const std::vector<IndexRange> ranges = {{0, 0},
                                          {0, 1},
                                          {size, size},
                                          {size - 1, size},
                                          {orders + 1, 2 * orders - 1},
                                          {3, 3 * orders + 5},
                                          {round - 7, round + 9},
                                          {round + 1, 2 * round},
                                          {2 * round - 100, 3 * round - 100},
                                          {2 * round - 100, 3 * round - 101},
                                          {round / 2, 2 * round + 11},
                                          {1, size - 1}};
  for (const IndexRange& range : ranges) {
    SCOPED_TRACE(std::to_string(range.begin) + ":" + std::to_string(range.end));
    SweepSpec spec = small_spec({small_layers()[0]});
    spec.ranges = {range};
    expect_exact(spec);
  }
}

TEST(SweepExactness, EndsOfASpaceOfMoreThanATrillionPoints) {
  const Layer layer = layer_of(3, 3, 144, 144, 512, 512, 2);
  SweepSpec spec = small_spec({layer});
  const LayerSpace space(layer, small_grid());
  const std::uint64_t size = space.view().size, round = space.view().mapping_count;
  ASSERT_GT(size, 1'000'000'000'000u);
  for (const IndexRange& range : {IndexRange{0, 3000}, IndexRange{size - 3000, size},
                                  IndexRange{5 * round - 1500, 5 * round + 1500}}) {
    spec.ranges = {range};
    expect_exact(spec);
  }
}

TEST(SweepExactness, EveryLimit) {
  SweepSpec free = small_spec(small_layers());
  const SweepPlan plan(free);
  double least = 1e300, most = 0.0;
  for (const HardwareConfig& hardware : plan.hardware()) {
    least = std::min(least, area_mm2(hardware));
    most = std::max(most, area_mm2(hardware));
  }
  SweepSpec spec = free;
  spec.limits.area_mm2 = 0.5 * (least + most);
  expect_exact(spec);
  spec = free;
  spec.space.max_area_mm2 = 0.5 * (least + most);
  expect_exact(spec);
  spec = free;
  spec.limits.accumulator_bytes = 256;
  spec.limits.scratchpad_bytes = 128;
  expect_exact(spec);
  spec = free;
  spec.limits.cycles = 60.0;  // some points take exactly as many
  expect_exact(spec);
  spec = free;
  spec.limits.energy_pj = 60'000.0;
  expect_exact(spec);
  spec = free;
  spec.limits.area_mm2 = 0.5 * least;
  EXPECT_THROW(SweepPlan{spec}, Error);
}

TEST(SweepExactness, PointsToAvoid) {
  SweepSpec spec = small_spec(small_layers());
  const SweepPlan plan(spec);
  const auto scorer = make_analytical_scorer(plan, 2);
  AvoidList avoid;
  for (const SweepLayer& layer : plan.layers()) {
    LayerResult result(plan.hardware().size(), spec.top);
    scorer->score(layer, {0, 1, layer.tile_count}, result);
    for (const HardwareResult& kept : result.hardware)
      for (const RankedPoint& point : kept.best.points()) {
        avoid.emplace_back(layer.number, point.key.index);
        avoid.emplace_back(layer.number, point.key.index);  // twice is once
      }
    avoid.emplace_back(layer.number, 0);  // feasible or not, canonical or not
    avoid.emplace_back(layer.number, 1);
    avoid.emplace_back(layer.number, layer.view().size - 1);
  }
  expect_exact(spec, avoid);
  spec.limits.cycles = 60.0;  // some of the points to avoid are over the limit too
  expect_exact(spec, avoid);
  SweepPlan other(spec);
  const AvoidList outside = {{0, other.layers()[0].view().size}};
  EXPECT_THROW(other.avoid(outside), Error);
}

TEST(SweepExactness, MorePointsWantedThanThereAre) {
  SweepSpec spec = small_spec({layer_of(1, 1, 2, 1, 2, 1, 1)});
  spec.top = 1000;
  expect_exact(spec);
}

TEST(SweepExactness, ALayerOfOnePointPerHardware) { expect_exact(small_spec({Layer()})); }

TEST(SweepExactness, NoHardwareCanRunTheLayer) {
  SweepSpec spec = small_spec(small_layers());
  spec.space.hardware.value[2][0] = 2;  // scratchpad of half a row
  spec.space.hardware.value[2][1] = 3;
  expect_exact(spec);
  const SweepPlan plan(spec);
  const auto scorer = make_analytical_scorer(plan, 1);
  const std::vector<LayerResult> swept = sweep_all(plan, *scorer);
  EXPECT_EQ(swept[0].coverage.infeasible, swept[0].coverage.total());
  const TemporaryFolder folder;
  write_results(plan, swept, rank_hardware(plan, swept, nullptr), folder / "out");
  EXPECT_EQ(read_table(folder / "out/network.csv").rows.size(), 0u);
}

}  // namespace
}  // namespace polaris
