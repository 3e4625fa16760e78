#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "host/core/error.hpp"
#include "host/io/dataset.hpp"
#include "models/analytical/analytical.hpp"
#include "models/space/feasibility.hpp"
#include "models/space/philox.hpp"

namespace polaris {
namespace {

const std::string kHeader =
    "mapping.mapping,arch.meshX,arch.mem1_entries,arch.mem2_entries,prob.C,prob.Hdilation,"
    "prob.Hstride,prob.K,prob.N,prob.P,prob.Q,prob.R,prob.S,prob.Wdilation,prob.Wstride\n";
const std::vector<std::string> kRow = {
    "L3[WIO] P28 R7 Q56 K8 - L2[WI] N1 K4X - L1[O] K2 S7 Q2 P2 C3X - L0[W] P2",
    "32",
    "128",
    "2048",
    "3",
    "1",
    "3",
    "64",
    "1",
    "112",
    "112",
    "7",
    "7",
    "1",
    "2"};

const std::string kOne = "1";

Table table_of(std::vector<std::vector<std::string>> rows) {
  Table table = parse_table(kHeader, "points.csv");
  table.rows = std::move(rows);
  return table;
}

DatasetRow read_one(const std::vector<std::string>& row,
                    ArraySize array_size = ArraySize::from_columns) {
  return read_design_points(table_of({row}), array_size).at(0);
}

/// The message for kRow with some fields replaced.
std::string error_with(std::vector<std::pair<std::string, std::string>> changes,
                       ArraySize array_size = ArraySize::from_columns) {
  std::vector<std::string> row = kRow;
  const Table table = table_of({});
  for (const auto& [column, text] : changes)
    row[static_cast<std::size_t>(table.require(column))] = text;
  return read_one(row, array_size).error;
}

TEST(Dataset, ReadsEveryField) {
  const DatasetRow row = read_one(kRow);
  EXPECT_EQ(row.error, "");
  EXPECT_EQ(row.hardware, (HardwareConfig{32, 128, 2048, 8}));
  const std::int32_t sizes[kDims] = {7, 7, 112, 112, 3, 64, 1};
  for (int d = 0; d < kDims; ++d) EXPECT_EQ(row.layer.size[d], sizes[d]);
  EXPECT_EQ(row.layer.stride_w, 2);
  EXPECT_EQ(row.layer.stride_h, 3);
  EXPECT_EQ(row.layer.dilation_w, 1);
  EXPECT_EQ(row.mapping.spatial_k, 4);
}

TEST(Dataset, ArraySizeFromTheMapping) {
  const auto dim = [](const char* mapping, const char* c, const char* k) {
    std::vector<std::string> row = kRow;
    row[0] = mapping;
    row[4] = c;
    row[7] = k;
    for (const std::size_t size : {9, 10, 11, 12}) row[size] = kOne;
    const DatasetRow point = read_one(row, ArraySize::from_mapping);
    EXPECT_EQ(point.error, "");
    return point.hardware.dim;
  };
  EXPECT_EQ(dim("L3[WIO] N1 - L2[WI] N1 - L1[O] N1 - L0[W] N1", "1", "1"), 4);
  EXPECT_EQ(dim("L3[WIO] N1 - L2[WI] N1 K4X - L1[O] C3X - L0[W] N1", "3", "4"), 4);
  EXPECT_EQ(dim("L3[WIO] N1 - L2[WI] N1 K5X - L1[O] C3X - L0[W] N1", "3", "5"), 8);
  EXPECT_EQ(dim("L3[WIO] N1 - L2[WI] N1 K4X - L1[O] C64X - L0[W] N1", "64", "4"), 64);
}

TEST(Dataset, ArraySizeFromTheMappingNeedsNoColumnForIt) {
  Table table = table_of({kRow});
  table.columns[1] = "other";
  EXPECT_EQ(read_design_points(table, ArraySize::from_mapping).at(0).error, "");
  EXPECT_THROW(read_design_points(table, ArraySize::from_columns), Error);
}

TEST(Dataset, WholeNumbersWrittenAsDecimalsAreAccepted) {
  EXPECT_EQ(error_with({{"arch.meshX", "32.0"}, {"prob.K", "64.000"}, {"prob.N", "1."}}), "");
  EXPECT_EQ(error_with({{"arch.meshX", " 3.2E1"},
                        {"prob.K", "+64"},
                        {"prob.N", "1e+00\t"},
                        {"arch.mem2_entries", "2.048e+03"},
                        {"mapping.mapping", "\t " + kRow[0] + "  "}}),
            "");
}

TEST(Dataset, NamesWhatIsWrongWithARow) {
  EXPECT_EQ(error_with({{"prob.C", "abc"}}),
            "prob.C: expected an integer from 1 to 2147483647, got 'abc'");
  EXPECT_EQ(error_with({{"prob.C", ""}}),
            "prob.C: expected an integer from 1 to 2147483647, got ''");
  EXPECT_EQ(error_with({{"prob.K", "-64"}}),
            "prob.K: expected an integer from 1 to 2147483647, got '-64'");
  EXPECT_EQ(error_with({{"prob.K", "64.5"}}),
            "prob.K: expected an integer from 1 to 2147483647, got '64.5'");
  EXPECT_EQ(error_with({{"prob.Wstride", "0"}}),
            "prob.Wstride: expected an integer from 1 to 2147483647, got '0'");
  EXPECT_EQ(error_with({{"prob.P", "99999999999999999999"}}),
            "prob.P: expected an integer from 1 to 2147483647, got '99999999999999999999'");
  EXPECT_EQ(error_with({{"arch.meshX", "100000"}}),
            "arch.meshX: expected an integer from 1 to 65536, got '100000'");
  EXPECT_EQ(error_with({{"prob.K", "65"}}),
            "mapping: expected factors of K that multiply to 65, got another product");
  EXPECT_EQ(error_with({{"prob.K", "128"}}),
            "mapping: expected factors of K that multiply to 128, got another product");
  EXPECT_EQ(error_with({{"mapping.mapping", "nonsense"}}),
            "mapping, character 1: expected 'L3[WIO]', got 'nonsense'");
  EXPECT_EQ(error_with({{"arch.meshX", "2"}}), "infeasible: spatial factor exceeds the array");
  EXPECT_EQ(error_with({{"arch.mem1_entries", "15"}}),
            "infeasible: output tile exceeds the accumulator");
  EXPECT_EQ(error_with({{"arch.mem2_entries", "356"}}),
            "infeasible: weight and input tiles exceed the scratchpad");
}

TEST(Dataset, CountsBeyond64BitsAreRefused) {
  EXPECT_EQ(error_with({{"prob.P", "2147483647"}, {"prob.Q", "2147483647"}, {"prob.K", "1024"}}),
            "prob: expected a layer with counts below 2^63, got a larger one");
  EXPECT_EQ(error_with({{"prob.Wstride", "2147483647"}, {"prob.Hstride", "2147483647"}}),
            "prob: expected a layer with counts below 2^63, got a larger one");
}

TEST(Dataset, SpatialFactorsBeyondAnyArrayAreRefused) {
  std::vector<std::string> row = kRow;
  row[0] = "L3[WIO] N1 - L2[WI] N1 K100000X - L1[O] N1 - L0[W] N1";
  for (const std::size_t size : {4, 9, 10, 11, 12}) row[size] = kOne;
  row[7] = "100000";
  EXPECT_EQ(read_one(row, ArraySize::from_mapping).error,
            "mapping: expected spatial factors up to 65536, got 100000");
}

TEST(Dataset, BadRowsStayInPlace) {
  std::vector<std::string> bad = kRow;
  bad[4] = "x";
  std::vector<std::vector<std::string>> rows;
  for (int i = 0; i < 5000; ++i) rows.push_back(i % 3 == 1 ? bad : kRow);
  const auto points = read_design_points(table_of(rows), ArraySize::from_columns, 2);
  ASSERT_EQ(points.size(), rows.size());
  for (std::size_t i = 0; i < points.size(); ++i) EXPECT_EQ(points[i].error.empty(), i % 3 != 1);
  EXPECT_TRUE(read_design_points(table_of({}), ArraySize::from_columns).empty());
}

TEST(Dataset, NamesAMissingColumn) {
  for (std::size_t i = 0; i < kRow.size(); ++i) {
    Table table = table_of({});
    const std::string name = table.columns[i];
    table.columns[i] = "other";
    try {
      read_design_points(table, ArraySize::from_columns);
      FAIL() << name;
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), testing::HasSubstr(name));
    }
  }
}

// Whatever stands in a row, it is refused or it is a point that the model evaluates to sane values.
TEST(Dataset, MutatedRowsAreRefusedOrEvaluated) {
  const std::vector<std::string> pieces = {"0",  "1",          "2",       "3",    "16",
                                           "64", "2147483647", "4611686", "-1",   "1e9",
                                           "",   "nan",        "7.0",     "1024", "128"};
  int valid = 0;
  for (std::uint64_t i = 0; i < 20000; ++i) {
    std::uint64_t counter = 0;
    const auto below = [&](std::uint64_t bound) { return uniform_below(bound, 9, i, counter++); };
    std::vector<std::string> row = kRow;
    for (std::uint64_t edits = 1 + below(3); edits > 0; --edits) {
      const std::size_t field = below(row.size());
      if (field > 0)
        row[field] = pieces[below(pieces.size())];
      else
        row[0][below(row[0].size())] = "0123456789PQRSCKNX -"[below(20)];
    }
    const DatasetRow point =
        read_one(row, below(2) == 0 ? ArraySize::from_columns : ArraySize::from_mapping);
    if (!point.error.empty()) continue;
    ++valid;
    const AnalyticalResult result = evaluate_analytical(point.layer, point.hardware, point.mapping);
    ASSERT_EQ(result.compute_cycles * point.mapping.spatial_c * point.mapping.spatial_k,
              point.layer.macs());
    ASSERT_GE(result.cycles, result.compute_cycles);
    ASSERT_TRUE(std::isfinite(result.edp) && result.edp > 0.0);
  }
  EXPECT_GT(valid, 500);
}

}  // namespace
}  // namespace polaris
