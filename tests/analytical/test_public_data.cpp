// The published Timeloop results of DOSA (Hong et al., MICRO 2023), where they are at hand.
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <string>

#include "host/io/dataset.hpp"
#include "host/io/mapping_text.hpp"
#include "host/io/table.hpp"
#include "models/analytical/analytical.hpp"
#include "models/analytical/area.hpp"

namespace polaris {
namespace {

const std::filesystem::path kTimeloop =
    POLARIS_SHARED_DATA "/data/timeloop/timeloop_dataset.csv.gz";
const std::filesystem::path kRtl = POLARIS_SHARED_DATA "/data/gemmini_rtl/gemmini_rtl_train.csv";

/// Energy is printed with 6 digits or 6 decimals (uJ).
double energy_tolerance(double energy) { return std::fmax(5e-6 * energy, 5.01e-7); }

double number(const Table& table, std::size_t row, const char* column) {
  return std::stod(table.rows[row][static_cast<std::size_t>(table.require(column))]);
}

TEST(PublicData, EveryTimeloopRowIsReproduced) {
  if (!std::filesystem::exists(kTimeloop)) GTEST_SKIP() << kTimeloop << " is absent";
  const Table table = read_table(kTimeloop);
  const auto points = read_design_points(table, ArraySize::from_columns);
  ASSERT_GT(points.size(), 60000u);
  ASSERT_EQ(points.size(), table.rows.size());
  std::size_t wrong_cycles = 0, wrong_energy = 0, wrong_edp = 0, wrong_area = 0, wrong_text = 0;
  for (std::size_t i = 0; i < points.size(); ++i) {
    const DatasetRow& point = points[i];
    ASSERT_EQ(point.error, "") << "row " << i;
    const AnalyticalResult result = evaluate_analytical(point.layer, point.hardware, point.mapping);
    const double energy = number(table, i, "target.energy");
    const double edp = number(table, i, "target.edp");
    wrong_cycles += static_cast<double>(result.cycles) != number(table, i, "target.cycle");
    wrong_energy += std::fabs(result.energy_pj * 1e-6 - energy) > energy_tolerance(energy);
    // EDP is printed with 7 digits, area with 6 decimals.
    wrong_edp += std::fabs(result.edp - edp) > 5e-6 * edp;
    wrong_area += std::fabs(area_mm2(point.hardware) - number(table, i, "target.area")) > 5.01e-7;
    wrong_text += format_mapping(point.mapping) !=
                  table.rows[i][static_cast<std::size_t>(table.require("mapping.mapping"))];
  }
  EXPECT_EQ(wrong_cycles, 0u);
  EXPECT_EQ(wrong_energy, 0u);
  EXPECT_EQ(wrong_edp, 0u);
  EXPECT_EQ(wrong_area, 0u);
  EXPECT_EQ(wrong_text, 0u);
}

// Energy and area there are Timeloop's for the dummy array in the columns, the cycles the RTL's.
TEST(PublicData, EveryRtlRowIsRead) {
  if (!std::filesystem::exists(kRtl)) GTEST_SKIP() << kRtl << " is absent";
  const Table table = read_table(kRtl);
  const auto dummy = read_design_points(table, ArraySize::from_columns);
  const auto real = read_design_points(table, ArraySize::from_mapping);
  ASSERT_EQ(dummy.size(), 1567u);
  for (std::size_t i = 0; i < dummy.size(); ++i) {
    ASSERT_EQ(dummy[i].error, "") << "row " << i;
    ASSERT_EQ(real[i].error, "") << "row " << i;
    EXPECT_EQ(dummy[i].hardware.dim, 128);
    EXPECT_GE(real[i].hardware.dim, real[i].mapping.spatial_c);
    EXPECT_GE(real[i].hardware.dim, real[i].mapping.spatial_k);
    EXPECT_LE(real[i].hardware.dim, 64);
    const AnalyticalResult result =
        evaluate_analytical(dummy[i].layer, dummy[i].hardware, dummy[i].mapping);
    const double energy = number(table, i, "target.energy");
    EXPECT_NEAR(result.energy_pj * 1e-6, energy, energy_tolerance(energy)) << "row " << i;
    EXPECT_NEAR(area_mm2(dummy[i].hardware), number(table, i, "target.area"), 5.01e-7);
  }
}

}  // namespace
}  // namespace polaris
