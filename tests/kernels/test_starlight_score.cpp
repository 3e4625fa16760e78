#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "kernels/feasible_candidates.cuh"
#include "tests/kernels/device_predictions.hpp"
#include "tests/kernels/starlight_fixture.hpp"

namespace polaris {
namespace {

const LayerSpaceView& convolution() {
  static const LayerSpace space = score_space({3, 3, 12, 8, 16, 12, 1});
  return space.view();
}

std::vector<std::uint64_t> feasible_indices(std::size_t count) {
  std::vector<std::uint64_t> out;
  for (std::uint64_t i = 0; out.size() < count; ++i)
    if (const std::uint64_t index = convolution().sample(2, 8, i);
        is_feasible(convolution(), index))
      out.push_back(index);
  return out;
}

TEST(StarlightScore, LayoutsDependOnSharedMemoryResultsDoNot) {
  const PosteriorTensors<double> model = synthetic_model(convolution(), 200);
  const PosteriorTensors<float> single = to_float(model);
  const std::vector<std::uint64_t> indices = feasible_indices(150);
  const auto first = predict_on_device(single, convolution(), {indices, false, kSmallShared});
  for (const std::size_t kib : {22u, 36u, 42u, 100u, 160u}) {
    const auto other = predict_on_device(single, convolution(), {indices, false, kib * 1024});
    for (std::size_t i = 0; i < indices.size(); ++i) {
      ASSERT_EQ(first[i].log_latency, other[i].log_latency) << kib;
      ASSERT_EQ(first[i].log_latency_sd, other[i].log_latency_sd) << kib;
      ASSERT_EQ(first[i].log_energy, other[i].log_energy) << kib;
    }
  }
}

TEST(StarlightScore, TensorCoresDoNotDependOnTheLayout) {
  const PosteriorTensors<float> single = to_float(synthetic_model(convolution(), 90));
  const std::vector<std::uint64_t> indices = feasible_indices(70);
  for (const ScreenPrecision precision : {ScreenPrecision::tf32, ScreenPrecision::bf16}) {
    const auto narrow =
        predict_on_device(single, convolution(), {indices, false, kSmallShared, precision});
    const auto wide =
        predict_on_device(single, convolution(), {indices, false, kLargeShared, precision});
    for (std::size_t i = 0; i < indices.size(); ++i) {
      ASSERT_EQ(narrow[i].log_latency, wide[i].log_latency);
      ASSERT_EQ(narrow[i].log_latency_sd, wide[i].log_latency_sd);
    }
  }
}

/// Largest error of a deviation, relative to that far from all samples.
double largest_deviation_error(const PosteriorTensors<double>& exact,
                               const std::vector<std::uint64_t>& indices,
                               const std::vector<Prediction>& got) {
  double largest = 0.0;
  for (std::size_t i = 0; i < got.size(); ++i) {
    const ExactPrediction expected =
        reference_prediction(exact, layer_point(convolution(), indices[i]), exact.samples);
    const double error = std::abs(double{got[i].log_energy_sd} - expected.log_energy_sd) /
                         (exact.sd[1] * std::sqrt(exact.unit_variance));
    if (!(error <= largest)) largest = error;  // NaN must not pass
  }
  return largest;
}

TEST(StarlightScore, BoundsHoldForManySamplesAndLittleNoise) {
  // Next to samples the variance is a small difference of large numbers.
  std::vector<std::uint64_t> indices = feasible_indices(60);
  for (std::uint64_t i = 0; indices.size() < 120; ++i)
    if (const std::uint64_t index = convolution().sample(1, 3, i);
        is_feasible(convolution(), index))
      indices.push_back(index);  // synthetic_model's samples
  for (const double noise : {1e-2, 1e-4}) {
    const PosteriorTensors<double> model = synthetic_model(convolution(), 611, {.noise = noise});
    for (const ScreenPrecision precision :
         {ScreenPrecision::fp32, ScreenPrecision::tf32, ScreenPrecision::bf16})
      EXPECT_LT(
          largest_deviation_error(model, indices,
                                  predict_on_device(to_float(model), convolution(),
                                                    {indices, false, kLargeShared, precision})),
          0.25 * screen_bounds(precision).sd)
          << "noise " << noise << ", precision " << static_cast<int>(precision);
  }
}

TEST(StarlightScore, LayoutsOfRealDevices) {
  constexpr std::size_t kA100 = 163 * 1024, kH100 = 227 * 1024;
  for (const int samples : {64, 256, 640, 1568, 4000})
    for (const std::size_t element : {sizeof(float), sizeof(double)})
      for (const std::size_t limit : {kA100, kH100}) {
        const ScoreLayout layout = choose_score_layout(samples, element, limit);
        EXPECT_LE(layout.shared_bytes, limit);
        EXPECT_EQ(layout.batch % layout.columns, 0);
        EXPECT_LE(layout.batch, static_cast<int>(kScoreThreads));
      }
  EXPECT_EQ(choose_score_layout(kPrefixRows, sizeof(float), kH100).batch, 256);
  EXPECT_EQ(choose_score_layout(kPrefixRows, sizeof(float), kH100).columns, 64);
  EXPECT_EQ(choose_score_layout(640, sizeof(float), kH100).columns, 64);
  EXPECT_EQ(choose_score_layout(640, sizeof(float), kA100).columns, 32);
  EXPECT_FALSE(choose_score_layout(20000, sizeof(float), kH100).row_in_shared);
}

TEST(FeasibleCandidates, FindsThemAll) {
  constexpr int kBlocks = 2;
  const LayerSpaceView& view = convolution();
  for (const std::uint32_t count : {0u, 1u, 31u, 32u, 33u, 511u, 513u, 1500u})
    for (const std::uint64_t stride : {1u, 977u}) {
      const DeviceStream stream;
      const DeviceSpace space(view, stream);
      const std::uint64_t begin = view.size / 3, first = 5;
      DeviceBuffer<CandidateTile> tile(1, "test");
      tile.upload(std::vector<CandidateTile>{{first, count}}, stream);
      DeviceBuffer<std::uint32_t> items(count, "test"), size(1, "test");
      size.upload(std::vector<std::uint32_t>{0}, stream);
      feasible_candidates({.source = {space.view(), nullptr, nullptr, begin, stride},
                           .tile = tile.data(),
                           .feasible = {items.data(), size.data()},
                           .blocks = kBlocks},
                          stream);
      const std::uint32_t found = size.download(stream)[0];
      std::vector<std::uint32_t> got, expected;
      for (std::uint32_t i = 0; i < count; ++i)
        if (is_feasible(view, begin + (first + i) * stride)) expected.push_back(i);
      ASSERT_EQ(found, expected.size());
      got = items.download(stream);
      got.resize(found);
      std::sort(got.begin(), got.end());
      EXPECT_EQ(got, expected);
    }
}

}  // namespace
}  // namespace polaris
