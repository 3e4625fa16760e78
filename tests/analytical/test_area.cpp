#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>

#include "models/analytical/area.hpp"

namespace polaris {
namespace {

TEST(Area, TableEntriesAreExact) {
  EXPECT_DOUBLE_EQ(accumulator_area_mm2(256 / 4), 0.00321856);
  EXPECT_DOUBLE_EQ(accumulator_area_mm2(2048 / 4), 0.0177636);
  EXPECT_DOUBLE_EQ(accumulator_area_mm2(1048576 / 4), 4.9876);
  EXPECT_DOUBLE_EQ(scratchpad_area_mm2(2, 1024), 0.00266782);
  EXPECT_DOUBLE_EQ(scratchpad_area_mm2(16, 262144), 0.701275);
  EXPECT_DOUBLE_EQ(scratchpad_area_mm2(128, 2097152), 6.9227);
}

TEST(Area, SmallMemoriesAreClamped) {
  EXPECT_DOUBLE_EQ(accumulator_area_mm2(1), 1e-6);
  EXPECT_DOUBLE_EQ(accumulator_area_mm2(15), 1e-6);
  EXPECT_DOUBLE_EQ(accumulator_area_mm2(16), 0.00321856);
  EXPECT_DOUBLE_EQ(accumulator_area_mm2(63), 0.00321856);
  EXPECT_DOUBLE_EQ(scratchpad_area_mm2(128, 1), scratchpad_area_mm2(128, 8192));
  EXPECT_DOUBLE_EQ(scratchpad_area_mm2(2, 1), scratchpad_area_mm2(2, 256));
  EXPECT_LT(scratchpad_area_mm2(2, 256), scratchpad_area_mm2(2, 1024));
}

TEST(Area, SizesBetweenTheEntriesLieBetweenThem) {
  for (std::int64_t words = 65; words < 1 << 19; words += words / 7)
    EXPECT_LE(accumulator_area_mm2(words), accumulator_area_mm2(words + words / 7));
  // Geometric mean half way in octaves.
  EXPECT_NEAR(accumulator_area_mm2(std::llround(256 * std::sqrt(2.0))),
              std::sqrt(accumulator_area_mm2(256) * accumulator_area_mm2(512)), 1e-5);
  const double low = scratchpad_area_mm2(16, 65536), high = scratchpad_area_mm2(32, 65536);
  const double between = scratchpad_area_mm2(24, 65536);
  EXPECT_GT(between, std::fmin(low, high));
  EXPECT_LT(between, std::fmax(low, high));
}

// CACTI runs at sizes that are not tabulated: the stated errors of the interpolation.
TEST(Area, InterpolationErrorIsWithinTheStatedBounds) {
  const double accumulator[][2] = {{784, 0.0266982},  {1376, 0.0384356}, {1792, 0.0467501},
                                   {1968, 0.0505751}, {2752, 0.0662444}, {3136, 0.0802066},
                                   {3584, 0.0882789}};
  for (const auto& [words, area] : accumulator)
    EXPECT_NEAR(accumulator_area_mm2(static_cast<std::int64_t>(words)), area, 0.388 * area);
  const double scratchpad[][2] = {{110592, 0.280467}, {130048, 0.373019}, {147456, 0.414654},
                                  {231424, 0.633964}, {267264, 0.714478}, {329728, 0.846505},
                                  {398336, 1.1499},   {485376, 1.33719}};
  for (const auto& [bytes, area] : scratchpad)
    EXPECT_NEAR(scratchpad_area_mm2(16, static_cast<std::int64_t>(bytes)), area, 0.25 * area);
}

TEST(Area, GrowsContinuouslyBeyondTheTables) {
  const std::int64_t words = 1048576 / 4;
  EXPECT_NEAR(accumulator_area_mm2(words + 1), accumulator_area_mm2(words), 1e-4);
  EXPECT_GT(accumulator_area_mm2(2 * words), 1.9 * accumulator_area_mm2(words));
  EXPECT_NEAR(scratchpad_area_mm2(16, 2097153), scratchpad_area_mm2(16, 2097152), 1e-5);
  EXPECT_GT(scratchpad_area_mm2(16, 4194304), 1.9 * scratchpad_area_mm2(16, 2097152));
  EXPECT_GT(scratchpad_area_mm2(256, 262144), scratchpad_area_mm2(128, 262144));
  EXPECT_LT(scratchpad_area_mm2(1, 262144), scratchpad_area_mm2(2, 262144));
}

TEST(Area, AddsPesAccumulatorsAndScratchpad) {
  EXPECT_DOUBLE_EQ(area_mm2({16, 1024, 262144, 8}), 256 * 380.09e-6 + 16 * 0.0313961 + 0.701275);
  EXPECT_DOUBLE_EQ(area_mm2({16, 1024, 262144, 8}), area_mm2({16, 1024, 262144, 32}));
}

}  // namespace
}  // namespace polaris
