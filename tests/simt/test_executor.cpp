// The collectives against their definition in the CUDA C++ Programming Guide, lane by lane.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <vector>

#include "models/space/philox.hpp"
#include "tests/simt/control.hpp"
#include "tests/simt/device_copy.hpp"
#include "tests/simt/warp_kernels.cuh"

namespace {

constexpr int kLanes = 32;

/// Random bits, the same in every run.
std::uint32_t draw(std::uint64_t counter) { return polaris::philox(11, 0, counter).word[0]; }

std::vector<unsigned> random_values(std::size_t count) {
  std::vector<unsigned> out(count);
  for (std::size_t i = 0; i < count; ++i) out[i] = draw(i) % 200;
  return out;
}

/// Mask whose lanes come in whole segments of `width`, so that no shuffle leaves it.
unsigned segment_mask(int width, std::uint64_t counter) {
  unsigned mask = 0;
  for (int l = 0; l < kLanes; ++l)
    if (l / width == 0 || draw(counter + static_cast<std::uint64_t>(l / width)) % 2 == 0)
      mask |= 1u << l;
  return mask;
}

TEST(Executor, WarpOperationsAgreeWithTheirDefinition) {
  const std::vector<unsigned> value = random_values(kLanes);
  const unsigned* const device_value = device_copy(value);
  auto* const device_result = device_copy(std::vector<WarpResults>(kLanes));
  std::uint64_t counter = 0;
  for (const int width : {1, 2, 8, 32})
    for (int argument = 0; argument < width; argument += 3) {
      const unsigned mask = segment_mask(width, counter += 100);
      run_warp_operations(mask, argument, width, device_value, device_result);
      const std::vector<WarpResults> result = host_copy(device_result, kLanes);
      WarpResults common{};
      common.all = 1;
      common.least = ~0u;
      for (int l = 0; l < kLanes; ++l) {
        if ((mask >> l & 1u) == 0) continue;
        const unsigned v = value[static_cast<std::size_t>(l)];
        common.ballot |= static_cast<unsigned>(v % 3 == 0) << l;
        common.any |= v % 31 == 0;
        common.all &= v % 31 != 0;
        common.sum += v;
        common.least = std::min(common.least, v);
        common.greatest = std::max(common.greatest, v);
      }
      for (int l = 0; l < kLanes; ++l) {
        if ((mask >> l & 1u) == 0) continue;
        SCOPED_TRACE(testing::Message() << "width " << width << " argument " << argument << " mask "
                                        << mask << " lane " << l);
        const int segment = l / width * width;
        const auto at = [&](int lane) {
          const bool inside = lane >= segment && lane < segment + width;
          return value[static_cast<std::size_t>(inside ? lane : l)];
        };
        const WarpResults& r = result[static_cast<std::size_t>(l)];
        EXPECT_EQ(r.shuffle, at(segment + argument));
        EXPECT_EQ(r.up, at(l - argument));
        EXPECT_EQ(r.down, at(l + argument));
        EXPECT_EQ(r.exchange, at(l ^ argument));
        EXPECT_EQ(r.ballot, common.ballot);
        EXPECT_EQ(r.any, common.any);
        EXPECT_EQ(r.all, common.all);
        EXPECT_EQ(r.sum, common.sum);
        EXPECT_EQ(r.least, common.least);
        EXPECT_EQ(r.greatest, common.greatest);
      }
    }
}

TEST(Executor, BlockCountsUnderEverySchedule) {
  constexpr int kBlocks = 5;
  for (const int threads : {1, 31, 32, 33, 100, 1024}) {
    const std::vector<unsigned> value = random_values(static_cast<std::size_t>(kBlocks * threads));
    std::vector<unsigned> expected(kBlocks);
    for (std::size_t i = 0; i < value.size(); ++i)
      expected[i / static_cast<std::size_t>(threads)] += value[i] < 100;
    const unsigned* const device_value = device_copy(value);
    for (std::uint64_t seed = 0; seed < 10; ++seed) {
      simt::set_seed(seed);
      auto* const result = device_copy(std::vector<unsigned>(kBlocks));
      auto* const total = device_copy(std::vector<unsigned>(1));
      run_block_count(kBlocks, threads, device_value, result, total);
      EXPECT_EQ(host_copy(result, kBlocks), expected);
      EXPECT_EQ(host_copy(total, 1)[0],
                static_cast<unsigned>(
                    std::count_if(value.begin(), value.end(), [](unsigned v) { return v < 100; })));
    }
  }
}

}  // namespace
