#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <nvtx3/nvtx3.hpp>
#include <optional>
#include <vector>

#include "tests/simt/control.hpp"
#include "tests/simt/device_copy.hpp"
#include "tests/simt/planted_bugs.cuh"

namespace {

float* device_floats(const std::vector<float>& values) { return device_copy(values); }

std::optional<simt::Fault> expected_report(const Plant& plant) {
  return simt::interpreting() ? plant.seen.ptx
         : simt::checking()   ? plant.seen.checked
                              : plant.seen.plain;
}

/// Sound plants, and those that this way of running is sure to report.
std::vector<Plant> decidable_plants() {
  std::vector<Plant> out;
  for (const Plant& plant : plants())
    if (plant.seen.sound || expected_report(plant)) out.push_back(plant);
  return out;
}

class PlantedBug : public testing::TestWithParam<Plant> {};

TEST_P(PlantedBug, IsReported) {
  const Plant& plant = GetParam();
  float* const in = device_floats(std::vector<float>(kPlantThreads, 1.0f));
  float* const out = device_floats(std::vector<float>(kPlantThreads, 0.0f));
  plant.run(in, out);
  const cudaError_t error = cudaStreamSynchronize(nullptr);
  const std::vector<simt::Report> reports = simt::reports();
  simt::clear_reports();
  if (plant.seen.sound) {
    EXPECT_TRUE(reports.empty()) << reports[0].text;
    EXPECT_EQ(error, cudaSuccess);
    return;
  }
  EXPECT_EQ(error, cudaErrorLaunchFailure);
  EXPECT_TRUE(std::any_of(reports.begin(), reports.end(), [&](const simt::Report& report) {
    return report.fault == *expected_report(plant);
  })) << (reports.empty() ? "silent" : reports[0].text);
}

INSTANTIATE_TEST_SUITE_P(All, PlantedBug, testing::ValuesIn(decidable_plants()),
                         [](const auto& plant) { return plant.param.name; });

TEST(PlantedHostBug, HostReadsDeviceMemory) {
  const float* const in = device_floats({1.0f});
  EXPECT_DEATH(std::exit(static_cast<int>(*const_cast<const volatile float*>(in))),
               "host code touched device memory");
}

TEST(PlantedHostBug, CopyPastTheEnd) {
  float* const in = device_floats({1.0f, 2.0f});
  std::vector<float> host(3);
  EXPECT_EQ(cudaMemcpy(host.data(), in, 3 * sizeof(float), cudaMemcpyDeviceToHost),
            cudaErrorInvalidValue);
  ASSERT_EQ(simt::reports().size(), 1u);
  EXPECT_EQ(simt::reports()[0].fault, simt::Fault::api);
  simt::clear_reports();
}

TEST(PlantedHostBug, FreedTwice) {
  float* const in = device_floats({1.0f});
  EXPECT_EQ(cudaFree(in), cudaSuccess);
  EXPECT_EQ(cudaFree(in), cudaErrorInvalidValue);
  ASSERT_EQ(simt::reports().size(), 1u);
  EXPECT_EQ(simt::reports()[0].fault, simt::Fault::api);
  simt::clear_reports();
}

TEST(PlantedHostBug, WriteBehindTheEndShowsAtFree) {
  // The slack is too short for a guard page: the checker stops the kernel, other builds look later.
  float* const in = device_floats(std::vector<float>(kPlantThreads, 1.0f));
  float* const out = device_floats(std::vector<float>(kPlantThreads - 1, 0.0f));
  launch_copy(in, out, nullptr, kPlantThreads, 0);
  EXPECT_EQ(cudaFree(out), simt::checking() ? cudaErrorLaunchFailure : cudaSuccess);
  ASSERT_EQ(simt::reports().size(), 1u);
  EXPECT_EQ(simt::reports()[0].fault, simt::Fault::out_of_bounds);
  simt::clear_reports();
}

// The copy on the default stream does not wait for the kernel on the other stream.
TEST(PlantedHostBug, MissingSynchronisationIsWrongUnderSomeSchedule) {
  int wrong = 0;
  for (std::uint64_t seed = 0; seed < 16; ++seed) {
    simt::set_seed(seed);
    float* const in = device_floats(std::vector<float>(kPlantThreads, 1.0f));
    float* const out = device_floats(std::vector<float>(kPlantThreads, 0.0f));
    cudaStream_t stream = nullptr;
    POLARIS_CUDA(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
    launch_copy(in, out, stream, kPlantThreads, 0);
    float first = 0.0f;
    POLARIS_CUDA(cudaMemcpy(&first, out, sizeof first, cudaMemcpyDeviceToHost));
    wrong += first != 1.0f;
    POLARIS_CUDA(cudaStreamDestroy(stream));
  }
  EXPECT_GT(wrong, 0);
  EXPECT_LT(wrong, 16);
}

TEST(PlantedHostBug, AssumedFragmentLayoutIsWrongUnderEverySeed) {
  std::vector<float> matrix(256);
  for (std::size_t i = 0; i < matrix.size(); ++i) matrix[i] = static_cast<float>(i);
  float *const in = device_floats(matrix), *const out = device_floats(matrix);
  for (std::uint64_t seed = 0; seed < 4; ++seed) {
    simt::set_seed(seed);
    launch_fragment_copy(in, out);
    std::vector<float> got = host_copy(out, matrix.size());
    EXPECT_NE(got, matrix);
    std::sort(got.begin(), got.end());
    EXPECT_EQ(got, matrix) << "every element has its place";
  }
}

TEST(PlantedHostBug, NvtxRangesClosedOutOfOrder) {
  auto outer = std::make_unique<nvtx3::scoped_range>("outer");
  const auto inner = std::make_unique<nvtx3::scoped_range>("inner");
  outer.reset();
  ASSERT_EQ(simt::reports().size(), 1u);
  simt::clear_reports();
}

TEST(PlantedHostBug, ImpossibleLaunches) {
  float* const in = device_floats({1.0f});
  EXPECT_THROW(launch_copy(in, in, nullptr, 1025, 0), polaris::DeviceError);
  EXPECT_THROW(launch_copy(in, in, nullptr, 0, 0), polaris::DeviceError);
  EXPECT_THROW(launch_copy(in, in, nullptr, 1, 164 * 1024), polaris::DeviceError);
}

}  // namespace
