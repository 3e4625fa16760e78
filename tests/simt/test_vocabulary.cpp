// Atomics, reductions, functions, matrix products and asynchronous copies against plain loops.
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <vector>

#include "models/space/philox.hpp"
#include "tests/simt/device_copy.hpp"
#include "tests/simt/vocabulary_kernels.cuh"

namespace {

constexpr int kLanes = 32;

std::uint64_t draw(std::uint64_t bound, std::uint64_t counter) {
  return polaris::uniform_below(bound, 7, 0, counter);
}

std::vector<float> random_floats(std::size_t count, std::uint64_t first) {
  std::vector<float> out(count);
  for (std::size_t i = 0; i < count; ++i)
    out[i] = static_cast<float>(draw(4001, first + i)) / 1000.0f - 2.0f;
  return out;
}

TEST(Vocabulary, Atomics) {
  constexpr int kBlocks = 3, kCount = 64 * kBlocks;
  std::vector<int> value(kCount);
  for (std::size_t i = 0; i < kCount; ++i) value[i] = static_cast<int>(draw(1000, i)) - 300;
  AtomicResults expected{};
  expected.both = ~0u;
  auto* const device = device_copy(std::vector<AtomicResults>{expected});
  run_atomics(kBlocks, device_copy(value), device);
  const AtomicResults got = host_copy(device, 1)[0];
  for (const int v : value) {
    const auto bits = static_cast<unsigned>(v);
    expected.sum += v;
    expected.difference -= v;
    expected.least = std::min(expected.least, v);
    expected.greatest = std::max(expected.greatest, v);
    expected.both &= bits;
    expected.either |= bits;
    expected.odd ^= bits;
    expected.wide_sum += static_cast<unsigned long long>(bits) << 20;
    expected.wide_greatest =
        std::max(expected.wide_greatest, static_cast<unsigned long long>(bits) << 20);
  }
  EXPECT_EQ(got.sum, expected.sum);
  EXPECT_EQ(got.difference, expected.difference);
  EXPECT_EQ(got.least, expected.least);
  EXPECT_EQ(got.greatest, expected.greatest);
  EXPECT_NE(std::find(value.begin(), value.end(), got.last), value.end());
  EXPECT_EQ(got.swaps, kCount);
  EXPECT_EQ(got.both, expected.both);
  EXPECT_EQ(got.either, expected.either);
  EXPECT_EQ(got.odd, expected.odd);
  EXPECT_EQ(got.wrapped, kCount % 10u);
  EXPECT_EQ(got.fallen, (10u - kCount % 10u) % 10u);
  EXPECT_EQ(got.wide_sum, expected.wide_sum);
  EXPECT_EQ(got.wide_greatest, expected.wide_greatest);
  EXPECT_EQ(got.wide_swaps, std::uint64_t{kCount} << 33);
  EXPECT_EQ(got.float_sum, static_cast<float>(expected.sum));
  EXPECT_EQ(got.double_sum, expected.sum);
}

TEST(Vocabulary, LaneReductions) {
  std::vector<int> value(kLanes);
  for (std::size_t i = 0; i < kLanes; ++i) value[i] = static_cast<int>(draw(9, 50 + i)) - 4;
  const int* const device_value = device_copy(value);
  for (const unsigned mask : {~0u, 0x00FF00F1u, 1u << 31}) {
    auto* const device = device_copy(std::vector<LaneResults>(kLanes));
    run_lane_reductions(mask, device_value, device);
    const std::vector<LaneResults> result = host_copy(device, kLanes);
    LaneResults common{
        std::numeric_limits<int>::max(), std::numeric_limits<int>::min(), ~0u, 0, 0, 0};
    for (std::size_t l = 0; l < kLanes; ++l) {
      if ((mask >> l & 1u) == 0) continue;
      common.least = std::min(common.least, value[l]);
      common.greatest = std::max(common.greatest, value[l]);
      common.all_bits &= static_cast<unsigned>(value[l]);
      common.any_bits |= static_cast<unsigned>(value[l]);
      common.odd_bits ^= static_cast<unsigned>(value[l]);
    }
    for (std::size_t l = 0; l < kLanes; ++l) {
      if ((mask >> l & 1u) == 0) continue;
      unsigned same = 0;
      for (std::size_t k = 0; k < kLanes; ++k)
        if ((mask >> k & 1u) != 0 && value[k] == value[l]) same |= 1u << k;
      EXPECT_EQ(result[l].least, common.least);
      EXPECT_EQ(result[l].greatest, common.greatest);
      EXPECT_EQ(result[l].all_bits, common.all_bits);
      EXPECT_EQ(result[l].any_bits, common.any_bits);
      EXPECT_EQ(result[l].odd_bits, common.odd_bits);
      EXPECT_EQ(result[l].same, same);
    }
  }
}

/// Units in the last place between a float and the exact value.
double ulps(float got, double exact) {
  const float rounded = std::abs(static_cast<float>(exact));
  const double unit = std::nextafter(rounded, std::numeric_limits<float>::infinity()) - rounded;
  return std::abs(got - exact) / unit;
}

TEST(Vocabulary, FunctionsStayWithinTheirStatedErrors) {
  std::vector<float> x;
  for (float v = 0.01f; v < 20; v *= 1.21f) x.push_back(v);
  const std::size_t n = x.size();
  auto* const device = device_copy(std::vector<float>(kFunctions * n));
  run_functions(static_cast<int>(n), device_copy(x), device);
  const std::vector<float> got = host_copy(device, kFunctions * n);
  for (std::size_t i = 0; i < n; ++i) {
    SCOPED_TRACE(x[i]);
    const double v = x[i];
    EXPECT_LE(ulps(got[0 * n + i], std::exp(v)), 3 + 1.173 * v);
    // The logarithms' error is absolute near 1, in units there elsewhere.
    EXPECT_NEAR(got[1 * n + i], std::log(v), 4e-7 + 4e-7 * std::abs(std::log(v)));
    EXPECT_NEAR(got[2 * n + i], std::log2(v), 3e-7 + 3e-7 * std::abs(std::log2(v)));
    EXPECT_LE(ulps(got[3 * n + i], 1 / std::sqrt(v)), 2.5);
    EXPECT_EQ(got[4 * n + i], std::sqrt(x[i]));
    EXPECT_EQ(got[5 * n + i], 1.0f / x[i]);
    EXPECT_LE(ulps(got[6 * n + i], v / 3), 2.5);
    EXPECT_LE(ulps(got[7 * n + i], 0.5 * std::erfc(-v / std::sqrt(2.0))), 5.5);
    EXPECT_LE(std::abs(got[8 * n + i] - v), v / 256);
    EXPECT_EQ(std::bit_cast<std::uint32_t>(got[8 * n + i]) & 0xFFFFu, 0u);
  }
}

TEST(Vocabulary, MatrixProducts) {
  for (const Product product :
       {Product::wmma_tf32, Product::wmma_bf16, Product::mma_tf32, Product::mma_bf16}) {
    SCOPED_TRACE(static_cast<int>(product));
    const bool bf16 = product == Product::wmma_bf16 || product == Product::mma_bf16;
    const std::size_t m = 16, n = 16, k = bf16 ? 16 : 8;
    const std::vector<float> a = random_floats(m * k, 0), b = random_floats(k * n, 1000),
                             c = random_floats(m * n, 2000);
    auto* const device = device_copy(std::vector<float>(m * n));
    run_product(product, device_copy(a), device_copy(b), device_copy(c), device);
    const std::vector<float> d = host_copy(device, m * n);
    // Each factor is off by half a unit of its 11 or 8 bits, and at most 2.
    const double bound = static_cast<double>(k) * 4 * (bf16 ? 0x1p-8 : 0x1p-11);
    double largest = 0;
    for (std::size_t i = 0; i < m; ++i)
      for (std::size_t j = 0; j < n; ++j) {
        double exact = c[i * n + j];
        for (std::size_t l = 0; l < k; ++l) exact += double{a[i * k + l]} * b[l * n + j];
        EXPECT_NEAR(d[i * n + j], exact, bound);
        largest = std::max(largest, std::abs(d[i * n + j] - exact));
      }
    EXPECT_GT(largest, bound / 1000) << "as exact as float: no reduced precision";
  }
}

TEST(Vocabulary, AsynchronousCopies) {
  for (const int tiles : {1, 2, 7}) {
    const std::vector<float> value = random_floats(64 * static_cast<std::size_t>(tiles), 3000);
    auto* const device = device_copy(std::vector<float>{0.0f});
    run_async_sum(tiles, device_copy(value), device);
    double exact = 0;
    for (const float v : value) exact += v;
    EXPECT_NEAR(host_copy(device, 1)[0], exact, 1e-4 * tiles);
  }
}

TEST(Vocabulary, VectorTypes) {
  const std::vector<float> in = random_floats(8 * kLanes, 4000);
  auto* const device = device_copy(std::vector<float>(kLanes));
  run_vectors(device_copy(in), device);
  const std::vector<float> out = host_copy(device, kLanes);
  for (std::size_t i = 0; i < kLanes; ++i) {
    const float* v = &in[8 * i];
    EXPECT_EQ(out[i], v[0] + v[1] + v[2] + v[3] + v[4] + v[5] + 4.0f);
  }
}

// The same computation, in plain C++ on the host.
std::int64_t integers_on_the_host(std::int64_t x) {
  std::int64_t local[16];
  for (int j = 0; j < 16; ++j) local[j] = x / (j == 8 ? 3 : j - 8);
  std::uint64_t total = 0;
  for (int j = 0; j < 16; ++j) {
    const auto at = static_cast<unsigned>((x >> j) & 15);
    total = (total << 3) ^ static_cast<std::uint64_t>(local[at]) ^
            static_cast<std::uint64_t>(local[15 - at] % (j + 1));
    total += static_cast<std::uint64_t>(std::popcount(total) - std::countl_zero(total));
  }
  const auto low = static_cast<std::uint32_t>(total);
  std::uint32_t reversed = 0;
  for (int i = 0; i < 32; ++i) reversed = reversed << 1 | (low >> i & 1u);
  std::uint64_t product_high = (total >> 32) * 12345 + ((total & 0xFFFFFFFFu) * 12345 >> 32);
  product_high >>= 32;
  return static_cast<std::int64_t>(total + static_cast<std::uint64_t>(std::countl_zero(low)) +
                                   (low == 0 ? 0 : std::countr_zero(low) + 1u) + reversed +
                                   product_high);
}

TEST(Vocabulary, IntegersOf64BitsAndArraysOnTheStack) {
  std::vector<std::int64_t> x{0, 1, -1, 255, std::int64_t{1} << 40, -(std::int64_t{1} << 52)};
  for (std::uint64_t i = 0; x.size() < 64; ++i)
    x.push_back(static_cast<std::int64_t>(draw(std::uint64_t{1} << 57, 5000 + i)));
  auto* const device = device_copy(std::vector<std::int64_t>(64));
  run_integers(64, device_copy(x), device);
  const std::vector<std::int64_t> out = host_copy(device, 64);
  for (std::size_t i = 0; i < 64; ++i) EXPECT_EQ(out[i], integers_on_the_host(x[i])) << x[i];
}

}  // namespace
