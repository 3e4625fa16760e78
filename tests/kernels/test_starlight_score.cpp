#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "host/engine/engine.hpp"
#include "host/engine/posterior_view.hpp"
#include "kernels/device/device_space.hpp"
#include "kernels/feasible_candidates.cuh"
#include "kernels/starlight_score.cuh"
#include "tests/kernels/starlight_fixture.hpp"

namespace polaris {
namespace {

const LayerSpaceView& convolution() {
  static const LayerSpace space = score_space({3, 3, 12, 8, 16, 12, 1});
  return space.view();
}

constexpr std::size_t kSmallShared = 48 * 1024, kLargeShared = 160 * 1024;
constexpr int kBlocks = 2;

/// Where candidates come from and how the kernel is asked to work.
struct Request {
  std::vector<std::uint64_t> indices;
  bool prefix = false;
  std::size_t shared_limit = kSmallShared;
  bool tensor_cores = false;
};

template <typename T>
std::vector<BasicPrediction<T>> predict_on_device(const PosteriorTensors<T>& tensors,
                                                  const Request& request) {
  const DeviceStream stream;
  const DeviceSpace space(convolution(), stream);
  const DeviceModel<T> model(posterior_view(tensors), stream);
  const auto count = static_cast<std::uint32_t>(request.indices.size());
  DeviceBuffer<std::uint64_t> indices(count, "test");
  indices.upload(request.indices, stream);
  DeviceBuffer<CandidateTile> tile(1, "test");
  tile.upload(std::vector<CandidateTile>{{0, count}}, stream);
  DeviceBuffer<BasicPrediction<T>> out(count, "test");
  const int kept = score_kept_rows(model.view(), request.prefix);
  const ScoreLayout layout = choose_score_layout(kept, sizeof(T), request.shared_limit);
  DeviceBuffer<T> rows(score_row_elements(layout, kept, kBlocks), "test");
  starlight_score<T>({.source = {space.view(), nullptr, indices.data(), 0, 1},
                      .tile = tile.data(),
                      .places = {nullptr, nullptr},
                      .model = model.view(),
                      .tensor_cores = request.tensor_cores,
                      .prefix = request.prefix,
                      .output = ScoreOutput::predictions,
                      .predictions = out.data(),
                      .acquisition = {},
                      .error = {},
                      .kth_best = nullptr,
                      .survivors = {nullptr, nullptr},
                      .passed = {nullptr, nullptr},
                      .layout = layout,
                      .rows = rows.data(),
                      .blocks = kBlocks},
                     stream);
  return out.download(stream);
}

std::vector<std::uint64_t> feasible_indices(std::size_t count) {
  std::vector<std::uint64_t> out;
  for (std::uint64_t i = 0; out.size() < count; ++i)
    if (const std::uint64_t index = convolution().sample(2, 8, i);
        is_feasible(convolution(), index))
      out.push_back(index);
  return out;
}

/// Largest difference of means, and of deviations over those far from all samples.
struct Error {
  double mean = 0.0, sd = 0.0;
};

template <typename T>
Error largest_error(const PosteriorTensors<double>& exact, const Request& request,
                    const std::vector<BasicPrediction<T>>& got) {
  Error error;
  const int rows = request.prefix ? std::min(kPrefixRows, exact.samples) : exact.samples;
  const double far = std::sqrt(exact.unit_variance);
  for (std::size_t i = 0; i < got.size(); ++i) {
    const ExactPrediction expected =
        reference_prediction(exact, layer_point(convolution(), request.indices[i]), rows);
    // NaN must not pass: max() would drop it.
    const auto take = [](double& largest, double difference) {
      if (!(difference <= largest)) largest = difference;
    };
    take(error.mean, std::abs(double{got[i].log_latency} - expected.log_latency));
    take(error.mean, std::abs(double{got[i].log_energy} - expected.log_energy));
    take(error.sd,
         std::abs(double{got[i].log_latency_sd} - expected.log_latency_sd) / (exact.sd[0] * far));
    if (exact.outputs == 2)
      take(error.sd,
           std::abs(double{got[i].log_energy_sd} - expected.log_energy_sd) / (exact.sd[1] * far));
    else
      EXPECT_EQ(got[i].log_energy_sd, T(0));
  }
  return error;
}

constexpr double kExactError = 1e-9;

TEST(StarlightScore, EqualsTheReferenceForAnyNumberOfSamples) {
  const std::vector<std::uint64_t> indices = feasible_indices(70);
  for (const int samples : {1, 8, 31, 32, 33, 64, 65, 256, 300}) {
    const PosteriorTensors<double> model = synthetic_model(convolution(), samples);
    for (const bool prefix : {false, true}) {
      SCOPED_TRACE(testing::Message() << samples << " samples, prefix " << prefix);
      const Request request{indices, prefix};
      const Error exact = largest_error(model, request, predict_on_device(model, request));
      EXPECT_LT(exact.mean, kExactError);
      EXPECT_LT(exact.sd, kExactError);
      const Error single =
          largest_error(model, request, predict_on_device(to_float(model), request));
      EXPECT_LT(single.mean, 0.25 * kScreenMeanError);
      EXPECT_LT(single.sd, 0.25 * kScreenSdError);
    }
  }
}

TEST(StarlightScore, TensorCoresStayWithinTheBoundsOfFloat) {
  const std::vector<std::uint64_t> indices = feasible_indices(70);
  for (const int samples : {1, 33, 90, 256}) {
    const PosteriorTensors<double> model = synthetic_model(convolution(), samples);
    for (const std::size_t limit : {kSmallShared, kLargeShared})
      for (const bool prefix : {false, true}) {
        SCOPED_TRACE(testing::Message() << samples << " samples, prefix " << prefix);
        const Request request{indices, prefix, limit, true};
        const Error error =
            largest_error(model, request, predict_on_device(to_float(model), request));
        EXPECT_LT(error.mean, 0.25 * kScreenMeanError);
        EXPECT_LT(error.sd, 0.25 * kScreenSdError);
      }
  }
}

TEST(StarlightScore, AnyNumberOfCandidates) {
  const PosteriorTensors<double> model = synthetic_model(convolution(), 40);
  for (const std::size_t count : {1u, 7u, 8u, 9u, 63u, 64u, 65u, 127u, 129u, 257u}) {
    const Request request{feasible_indices(count)};
    const Error single = largest_error(model, request, predict_on_device(to_float(model), request));
    EXPECT_LT(single.mean, 0.25 * kScreenMeanError) << count << " candidates";
    EXPECT_LT(single.sd, 0.25 * kScreenSdError) << count << " candidates";
  }
}

TEST(StarlightScore, OneOutputAndAnUnwarpedTarget) {
  const PosteriorTensors<double> model =
      synthetic_model(convolution(), 40, {.outputs = 1, .warp = false});
  const Request request{feasible_indices(20)};
  const Error exact = largest_error(model, request, predict_on_device(model, request));
  EXPECT_LT(exact.mean, kExactError);
  EXPECT_LT(exact.sd, kExactError);
}

TEST(StarlightScore, LayoutsDependOnSharedMemoryResultsDoNot) {
  const PosteriorTensors<double> model = synthetic_model(convolution(), 200);
  const PosteriorTensors<float> single = to_float(model);
  const std::vector<std::uint64_t> indices = feasible_indices(150);
  const auto first = predict_on_device(single, {indices, false, kSmallShared});
  for (const std::size_t kib : {22u, 36u, 42u, 100u, 160u}) {
    const auto other = predict_on_device(single, {indices, false, kib * 1024});
    for (std::size_t i = 0; i < indices.size(); ++i) {
      ASSERT_EQ(first[i].log_latency, other[i].log_latency) << kib;
      ASSERT_EQ(first[i].log_latency_sd, other[i].log_latency_sd) << kib;
      ASSERT_EQ(first[i].log_energy, other[i].log_energy) << kib;
    }
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
