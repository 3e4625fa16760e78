// The closed form of what the accelerator spends; tests/rtl compares it with the accelerator.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "host/io/dataset.hpp"
#include "models/starlight/pipeline.hpp"
#include "tests/starlight/fixture.hpp"

namespace polaris {
namespace {

PipelineEstimate estimate(const LayerPoint& point) {
  return estimate_pipeline(point.layer, point.hardware, point.mapping,
                           tile_footprint(point.layer, point.mapping));
}

TEST(Pipeline, BlocksTouchedIsTheMeanOverStarts) {
  for (const int align : {1, 2, 4, 8, 16})
    for (int bytes = align; bytes <= 96; bytes += align) {
      constexpr int kBlock = 16;
      double sum = 0.0;
      for (int start = 0; start < kBlock; start += align)
        sum += (start + bytes - 1) / kBlock - start / kBlock + 1;
      EXPECT_NEAR(detail::blocks_touched(bytes, kBlock, align), sum * align / kBlock, 1e-12);
    }
}

TEST(Pipeline, SharedBanks) {
  EXPECT_EQ(detail::shared_banks({0, 10}, {0, 10}, 10), 1.0);
  EXPECT_EQ(detail::shared_banks({0, 10}, {10, 20}, 10), 0.0);
  EXPECT_EQ(detail::shared_banks({0, 20}, {10, 20}, 10), 0.5);
  EXPECT_NEAR(detail::shared_banks({0, 15}, {15, 30}, 10), 5.0 * 5.0 / 225.0, 1e-15);
}

TEST(Pipeline, TilesThatFitBankByBankDoNotMeet) {
  // Two copies of both, a bank each.
  const detail::BankConflicts apart = detail::bank_conflicts(256, 256, true, true, 1024);
  EXPECT_EQ(apart.preload, 0.0);
  EXPECT_EQ(apart.input_load, 0.0);
  // Packed: input rows 0 to 299 and 400 to 699, weights 300 to 399 and 700 to 799.
  const detail::BankConflicts packed = detail::bank_conflicts(300, 100, true, true, 1024);
  EXPECT_GT(packed.preload, 0.0);
  EXPECT_LT(packed.preload, 1.0);
}

TEST(Pipeline, ATensorThatIsOneRunIsReadInFullBursts) {
  LayerPoint point{test_layer(), HardwareConfig{}, Mapping{}};  // 3 3 14 14 32 64
  for (int d = 0; d < kDims; ++d)
    point.mapping.temporal[index_of(Level::accumulator)][d] = point.layer.size[d];
  point.mapping.temporal[index_of(Level::accumulator)][index_of(Dim::C)] = 2;
  point.mapping.temporal[index_of(Level::accumulator)][index_of(Dim::K)] = 4;
  point.mapping.spatial_c = point.mapping.spatial_k = 16;
  const PipelineEstimate whole = estimate(point);
  EXPECT_EQ(whole.input.tiles, 1.0);
  EXPECT_EQ(whole.input.bursts, 16.0 * 16.0 * 32.0 / 64.0);
  EXPECT_EQ(whole.weight.bursts, 3.0 * 3.0 * 32.0 * 64.0 / 64.0);
  EXPECT_EQ(whole.input.beats, 16.0 * 16.0 * 32.0 / 8.0);
  EXPECT_EQ(whole.weight_writes, 3.0 * 3.0 * 32.0 * 64.0 / 8.0);
  EXPECT_EQ(whole.weight_rows, 9.0 * 2.0 * 4.0 * 16.0);
  EXPECT_EQ(whole.psum.tiles, 0.0);
}

TEST(Pipeline, BoundsAndSignsOnRandomPoints) {
  for (const LayerPoint& point : test_points(2000, 31)) {
    const PipelineEstimate e = estimate(point);
    const AnalyticalResult analytical =
        evaluate_analytical(point.layer, point.hardware, point.mapping);
    ASSERT_TRUE(std::isfinite(e.cycles) && std::isfinite(e.energy_ratio));
    ASSERT_GE(e.cycles, static_cast<double>(analytical.compute_cycles));
    ASSERT_GE(e.compute_cycles, static_cast<double>(analytical.compute_cycles));
    ASSERT_GE(e.memory_cycles, e.bus_cycles * (1.0 - 1e-12));
    ASSERT_GE(e.bus_cycles, e.beats * (1.0 - 1e-12));
    ASSERT_GE(e.exposed_cycles, -1e-6);
    ASSERT_GT(e.energy_ratio, 0.3);
    for (const TransferEstimate* transfer : {&e.input, &e.weight, &e.store}) {
      ASSERT_GE(transfer->bursts, 1.0);
      ASSERT_GE(transfer->beats, transfer->bursts);
      ASSERT_GE(transfer->writes, transfer->beats * (1.0 - 1e-12));
    }
  }
}

/// Simulations of layers of ResNet-50 on space default in timing-only mode, as bench_accuracy keeps
/// them.
TEST(Pipeline, AgreesWithTheAccelerator) {
  const Table table = read_table(std::string(POLARIS_TEST_DATA) + "/golden_rtl.csv");
  const auto cycles = static_cast<std::size_t>(table.require("target.cycle"));
  const auto energy = static_cast<std::size_t>(table.require("target.energy"));
  const std::vector<DatasetRow> rows = read_design_points(table, ArraySize::from_columns);
  std::vector<double> errors;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    ASSERT_EQ(rows[i].error, "");
    const LayerPoint point{rows[i].layer, rows[i].hardware, rows[i].mapping};
    const PipelineEstimate e = estimate(point);
    const double predicted_uj =
        1e-6 * e.energy_ratio *
        evaluate_analytical(point.layer, point.hardware, point.mapping).energy_pj;
    EXPECT_NEAR(std::stod(table.rows[i][energy]) / predicted_uj, 1.0, 0.02) << i;
    const double error = std::abs(std::log(std::stod(table.rows[i][cycles]) / e.cycles));
    EXPECT_LT(error, 0.3) << i;
    errors.push_back(error);
  }
  std::nth_element(errors.begin(), errors.begin() + 32, errors.end());
  EXPECT_LT(errors[32], 0.02);
}

}  // namespace
}  // namespace polaris
