// 250 mappings run through Timeloop itself that go beyond the public data: batches, dilation, four
// strides, loops at the scratchpad level, loop orders of every kind.
#include <gtest/gtest.h>

#include <cstdint>
#include <string>

#include "host/io/mapping_text.hpp"
#include "host/io/table.hpp"
#include "models/analytical/analytical.hpp"

namespace polaris {
namespace {

TEST(Golden, EveryCountAndCycleEqualsTimeloop) {
  const Table table = read_table(POLARIS_TEST_DATA "/golden_timeloop.csv");
  ASSERT_EQ(table.rows.size(), 250u);
  for (const auto& row : table.rows) {
    const auto text = [&](const char* name) {
      return row[static_cast<std::size_t>(table.require(name))];
    };
    const auto value = [&](const char* name) { return std::int64_t{std::stoll(text(name))}; };
    const auto value32 = [&](const char* name) { return static_cast<std::int32_t>(value(name)); };
    Layer layer;
    for (int d = 0; d < kDims; ++d) layer.size[d] = value32(std::string(1, kDimLetters[d]).c_str());
    layer.stride_w = value32("Wstride");
    layer.stride_h = value32("Hstride");
    layer.dilation_w = value32("Wdilation");
    layer.dilation_h = value32("Hdilation");
    HardwareConfig hardware;
    hardware.dim = value32("meshX");
    hardware.accumulator_words = value("mem1_entries");
    hardware.scratchpad_bytes = value("mem2_entries");
    const Mapping mapping = parse_mapping(text("mapping"));
    SCOPED_TRACE(text("mapping"));

    const TileFootprint tile = tile_footprint(layer, mapping);
    EXPECT_EQ(check_words(hardware, tile, mapping), Feasibility::feasible);
    EXPECT_EQ(tile.output_words, value("t1O"));
    EXPECT_EQ(tile.weight_words, value("t2W"));
    EXPECT_EQ(tile.input_words, value("t2I"));

    const AnalyticalResult result = evaluate_analytical(layer, hardware, mapping);
    const AccessCounts& n = result.counts;
    EXPECT_EQ(n.register_reads, value("r0W"));
    EXPECT_EQ(n.register_fills, value("f0W"));
    EXPECT_EQ(n.accumulator_reads, value("r1O"));
    EXPECT_EQ(n.accumulator_updates, value("u1O"));
    EXPECT_EQ(n.accumulator_fills, value("f1O"));
    EXPECT_EQ(n.scratchpad_weight_reads, value("r2W"));
    EXPECT_EQ(n.scratchpad_weight_fills, value("f2W"));
    EXPECT_EQ(n.scratchpad_input_reads, value("r2I"));
    EXPECT_EQ(n.scratchpad_input_fills, value("f2I"));
    EXPECT_EQ(n.dram_weight_reads, value("r3W"));
    EXPECT_EQ(n.dram_input_reads, value("r3I"));
    EXPECT_EQ(n.dram_output_reads, value("r3O"));
    EXPECT_EQ(n.dram_output_updates, value("u3O"));
    EXPECT_EQ(result.accumulator_cycles, value("cy1"));
    EXPECT_EQ(result.scratchpad_cycles, value("cy2"));
    EXPECT_EQ(result.dram_cycles, value("cy3"));
    EXPECT_EQ(result.cycles, value("cycle"));
    // Timeloop prints every level to 0.01 pJ.
    EXPECT_NEAR(result.energy_pj, std::stod(text("energy_pJ")), 0.05 + 1e-9 * result.energy_pj);
  }
}

}  // namespace
}  // namespace polaris
