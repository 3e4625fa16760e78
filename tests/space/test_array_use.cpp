#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "host/space/array_use.hpp"

namespace polaris {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

DesignSpace arrays(const std::vector<std::int64_t>& dims) {
  DesignSpace space;
  for (std::int32_t& count : space.hardware.count) count = 1;
  space.hardware.count[0] = static_cast<std::int32_t>(dims.size());
  std::copy(dims.begin(), dims.end(), space.hardware.value[0]);
  return space;
}

Workload gemm(std::int32_t c, std::int32_t k, std::int64_t groups = 1) {
  WorkloadLayer layer;
  layer.name = "product";
  layer.layer.size[index_of(Dim::P)] = 197;
  layer.layer.size[index_of(Dim::C)] = c;
  layer.layer.size[index_of(Dim::K)] = k;
  layer.groups = groups;
  return {"network", {layer}};
}

// 197 is a prime: 197 passes instead of the 13 of 208.
TEST(ArrayUse, NamesThePaddedSizeOfAPrime) {
  EXPECT_THAT(array_use_warnings(gemm(64, 197), arrays({16})),
              ElementsAre("layer product: K = 197 uses 1 of 16 rows or columns of the array, 15.2 "
                          "times the passes of K = 208: write the padded size into the workload, "
                          "the values added are zeros"));
  EXPECT_THAT(array_use_warnings(gemm(197, 64), arrays({16})),
              ElementsAre(HasSubstr("C = 197 uses 1 of 16")));
  EXPECT_THAT(array_use_warnings(gemm(67, 67), arrays({8, 16})),
              ElementsAre(HasSubstr("passes of C = 80, K = 80")));
}

// Few channels cannot fill an array whatever one writes, and good divisors need no advice.
TEST(ArrayUse, IsSilentWherePaddingGainsLittle) {
  for (const auto& [c, k] : {std::pair{3, 64}, {64, 64}, {1, 1}, {40, 64}, {96, 80}, {13, 16}})
    EXPECT_THAT(array_use_warnings(gemm(c, k), arrays({16})), IsEmpty()) << c << " " << k;
  // One array of the space that suits is enough.
  EXPECT_THAT(array_use_warnings(gemm(14, 7), arrays({7, 16})), IsEmpty());
}

TEST(ArrayUse, NamesGroupsThatRunOneAfterTheOther) {
  EXPECT_THAT(array_use_warnings(gemm(1, 1, 32), arrays({8, 16})),
              ElementsAre("layer product: its 32 groups run one after the other, on 1 x 1 of the "
                          "array at most"));
}

}  // namespace
}  // namespace polaris
