// The CUDA engine on emulated devices: the same answers as the CPU engine's, and what it does where
// devices are missing, small, several, or interrupted.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <csignal>

#include "host/core/error.hpp"
#include "host/core/interrupt.hpp"
#include "host/engine/cuda_engine.hpp"
#include "kernels/device/arena.hpp"
#include "tests/simt/control.hpp"
#include "tests/starlight/fixture.hpp"

namespace polaris {
namespace {

/// Emulated devices as a test leaves them to the next.
class CudaEngine : public testing::Test {
 protected:
  void TearDown() override {
    simt::set_device_count(1);
    simt::set_memory_limit(std::size_t{1} << 30);
    install_interrupt_handler();
  }
};

Acquisition acquisition() {
  double best = INFINITY;
  for (const DesignSample& s : test_samples(150))
    best = std::min(best, std::log(s.cycles) + std::log(s.energy_pj));
  return {AcquisitionKind::log_expected_improvement, best, 2.0};
}

std::vector<std::uint64_t> sampled_indices(std::uint64_t count) {
  std::vector<std::uint64_t> out;
  for (std::uint64_t i = 0; i < count; ++i) out.push_back(test_space().sample(4, 5, i));
  return out;
}

/// Small lists: several tiles, two lanes.
constexpr EngineOptions kSmall{.threads = 1, .device_bytes = 1 << 15};

constexpr double kRounding = 1e-9;

/// Scores within rounding of each other may stand in either order.
void expect_same_top_k(Engine& cuda, const CandidateSet& candidates, int k) {
  const auto cpu = make_engine("cpu", {1});
  const std::vector<Scored> expected = cpu->top_k(test_model(), candidates, acquisition(), k);
  const std::vector<Scored> got = cuda.top_k(test_model(), candidates, acquisition(), k);
  ASSERT_EQ(got.size(), expected.size());
  for (std::size_t i = 0; i < got.size(); ++i) {
    EXPECT_NEAR(got[i].score, expected[i].score, kRounding) << "place " << i;
    const Scored own =
        cpu->top_k(test_model(), {test_space(), {&got[i].index, 1}}, acquisition(), 1)[0];
    EXPECT_NEAR(got[i].score, own.score, kRounding) << "place " << i;
    if (i > 0 && got[i].score == got[i - 1].score) {
      EXPECT_LT(got[i - 1].index, got[i].index) << "place " << i;
    }
  }
}

TEST_F(CudaEngine, PredictsPointsAsTheCpuDoes) {
  const auto cpu = make_engine("cpu", {1}), cuda = make_engine("cuda", kSmall);
  ASSERT_EQ(cuda->name(), "cuda");
  const std::vector<LayerPoint> points = test_points(100, 3);
  std::vector<ExactPrediction> exact[2];
  std::vector<Prediction> single[2];
  for (int e = 0; e < 2; ++e) {
    Engine& engine = e == 0 ? *cpu : *cuda;
    exact[e].resize(points.size());
    single[e].resize(points.size());
    engine.predict_points(test_model(), points, exact[e]);
    engine.predict_points(test_model(), points, single[e]);
  }
  for (std::size_t i = 0; i < points.size(); ++i) {
    ASSERT_NEAR(exact[0][i].log_latency_sd, exact[1][i].log_latency_sd, kRounding);
    ASSERT_NEAR(single[0][i].log_energy, single[1][i].log_energy, kScreenMeanError);
  }
}

TEST_F(CudaEngine, TopKOfListsAndRanges) {
  const std::vector<std::uint64_t> indices = sampled_indices(1200);
  const auto cuda = make_engine("cuda", kSmall);
  for (const int k : {0, 1, 25}) expect_same_top_k(*cuda, {test_space(), indices}, k);
  const std::uint64_t begin = feasible_indices(1, 2)[0];
  expect_same_top_k(*cuda, {test_space(), {}, begin, begin + 1500}, 25);
  expect_same_top_k(*cuda, {test_space(), {}, begin, begin}, 25);
}

TEST_F(CudaEngine, CountsItsWorkAsTheCpuDoes) {
  const std::vector<std::uint64_t> indices = sampled_indices(1200);
  constexpr int kBest = 5;
  const auto cpu = make_engine("cpu", {1}), cuda = make_engine("cuda", kSmall);
  for (Engine* const engine : {cpu.get(), cuda.get()})
    engine->top_k(test_model(), {test_space(), indices}, acquisition(), kBest);
  const TopKStats &expected = cpu->top_k_stats(), &got = cuda->top_k_stats();
  EXPECT_EQ(got.candidates, expected.candidates);
  EXPECT_EQ(got.feasible, expected.feasible);
  EXPECT_EQ(got.blocks.back().rows, test_model().tensors_f64().samples);
  EXPECT_LE(got.blocks.front().candidates, got.feasible);
  for (std::size_t b = 1; b < got.blocks.size(); ++b) {
    EXPECT_GT(got.blocks[b].rows, got.blocks[b - 1].rows);
    EXPECT_LE(got.blocks[b].candidates, got.blocks[b - 1].candidates);
  }
  EXPECT_LE(got.rescored, got.blocks.back().candidates);
  EXPECT_GE(got.rescored, static_cast<std::uint64_t>(kBest));
  EXPECT_GT(got.variance_share(), 0.0);
  EXPECT_LT(got.variance_share(), 1.0);
}

TEST_F(CudaEngine, SeveralDevicesGiveTheAnswerOfOne) {
  simt::set_device_count(3);
  const std::vector<std::uint64_t> indices = sampled_indices(1500);
  const auto cuda = make_engine("cuda", kSmall);
  expect_same_top_k(*cuda, {test_space(), indices}, 20);
}

TEST_F(CudaEngine, WithoutDevicesAutoMeansCpu) {
  simt::set_device_count(0);
  EXPECT_EQ(make_engine("auto")->name(), "cpu");
  try {
    make_engine("cuda");
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("no CUDA-capable device"));
  }
}

TEST_F(CudaEngine, AFullDeviceGetsSmallerTiles) {
  // Room for the model and 8 MiB, where 2 GiB are asked for.
  simt::set_memory_limit(std::size_t{12} << 20);
  const auto cuda = make_engine("cuda", {.threads = 1, .device_bytes = std::size_t{2} << 30});
  expect_same_top_k(*cuda, {test_space(), sampled_indices(300)}, 10);
  simt::set_memory_limit(1 << 10);
  EXPECT_THROW(make_engine("cuda", kSmall), Failure);
}

TEST_F(CudaEngine, AnArenaTakesWhatThereIs) {
  simt::set_memory_limit(300 << 10);
  DeviceArena arena(1 << 20, 1 << 10, "test");
  EXPECT_EQ(arena.size(), std::size_t{256} << 10);
  const double* const first = arena.take<double>(1000);
  EXPECT_EQ(arena.take<double>(1), first + 1024);
  EXPECT_THROW(arena.take<std::byte>(256 << 10), std::length_error);
  EXPECT_THROW(DeviceArena(1 << 20, 1 << 19, "test"), DeviceOutOfMemory);
}

TEST_F(CudaEngine, MemoryDoesNotDependOnTheNumberOfCandidates) {
  const auto cuda = make_engine("cuda", kSmall);
  const std::uint64_t begin = feasible_indices(1, 2)[0];
  const auto peak = [&](std::uint64_t length) {
    simt::take_peak_memory();
    cuda->top_k(test_model(), {test_space(), {}, begin, begin + length}, acquisition(), 25);
    return simt::take_peak_memory();
  };
  const std::size_t least = peak(2000);
  EXPECT_GT(least, kSmall.device_bytes);
  for (const std::uint64_t length : {2001u, 20000u}) EXPECT_EQ(peak(length), least);
}

TEST_F(CudaEngine, StopsWhenInterrupted) {
  install_interrupt_handler();
  const auto cuda = make_engine("cuda", kSmall);
  std::raise(SIGINT);
  EXPECT_THROW(cuda->top_k(test_model(), {test_space(), sampled_indices(10)}, acquisition(), 3),
               Failure);
}

}  // namespace
}  // namespace polaris
