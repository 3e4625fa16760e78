#include <gtest/gtest.h>

#include <Eigen/Cholesky>
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
  const PosteriorTensors<float> single = to_single(model);
  const std::vector<std::uint64_t> indices = feasible_indices(150);
  const auto first =
      predict_on_device(single, convolution(), {indices, ScoreDepth::whole, kSmallShared});
  for (const std::size_t kib : {22u, 36u, 42u, 100u, 160u}) {
    const auto other =
        predict_on_device(single, convolution(), {indices, ScoreDepth::whole, kib * 1024});
    for (std::size_t i = 0; i < indices.size(); ++i) {
      ASSERT_EQ(first[i].log_latency, other[i].log_latency) << kib;
      ASSERT_EQ(first[i].log_latency_sd, other[i].log_latency_sd) << kib;
      ASSERT_EQ(first[i].log_energy, other[i].log_energy) << kib;
    }
  }
}

TEST(StarlightScore, TensorCoresDoNotDependOnTheLayoutNorMeansOnThePrecision) {
  const PosteriorTensors<float> single = to_single(synthetic_model(convolution(), 90));
  const std::vector<std::uint64_t> indices = feasible_indices(70);
  std::vector<Prediction> tf32;
  for (const ScreenPrecision precision : {ScreenPrecision::tf32, ScreenPrecision::bf16}) {
    const auto narrow = predict_on_device(single, convolution(),
                                          {indices, ScoreDepth::whole, kSmallShared, precision});
    const auto wide = predict_on_device(single, convolution(),
                                        {indices, ScoreDepth::whole, kLargeShared, precision});
    for (std::size_t i = 0; i < indices.size(); ++i) {
      ASSERT_EQ(narrow[i].log_latency, wide[i].log_latency);
      ASSERT_EQ(narrow[i].log_latency_sd, wide[i].log_latency_sd);
    }
    if (precision == ScreenPrecision::tf32) {
      tf32 = wide;
      continue;
    }
    // The policies differ in the product of the whole variance alone.
    int other_deviations = 0;
    for (std::size_t i = 0; i < indices.size(); ++i) {
      ASSERT_EQ(wide[i].log_latency, tf32[i].log_latency);
      ASSERT_EQ(wide[i].log_energy, tf32[i].log_energy);
      other_deviations += wide[i].log_energy_sd != tf32[i].log_energy_sd;
    }
    EXPECT_GT(other_deviations, 0);
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
      EXPECT_LT(largest_deviation_error(
                    model, indices,
                    predict_on_device(to_single(model), convolution(),
                                      {indices, ScoreDepth::whole, kLargeShared, precision})),
                0.25 * screen_bounds(precision).sd)
          << "noise " << noise << ", precision " << static_cast<int>(precision);
  }
}

/// The posterior of the first samples alone, and the length of what they leave of that of all in
/// the kernel's feature space and the noise of the first samples, from the covariance itself.
class ReferenceSketch {
 public:
  explicit ReferenceSketch(const PosteriorTensors<double>& model)
      : model_(model), kept_(std::min(model.samples, kPrefixRows)) {
    const int n = model.samples;
    const Eigen::Map<const Eigen::MatrixXd> train(model.train.data(), kKernelInputs, n);
    covariance_ = Eigen::MatrixXd::Identity(n, n) * (model.unit_variance - 1.0);
    for (int i = 0; i < n; ++i)
      for (int j = 0; j < n; ++j)
        covariance_(i, j) += matern52((train.col(i) - train.col(j)).squaredNorm());
    first_ = covariance_.topLeftCorner(kept_, kept_).llt();
    for (int o = 0; o < model.outputs; ++o) {
      const Eigen::Map<const Eigen::VectorXd> alpha(model.alpha.data() + o * n, n);
      const Eigen::VectorXd residual = covariance_ * alpha;
      alpha_[o] = first_.solve(residual.head(kept_));
      if (kept_ == n) continue;
      Eigen::VectorXd rest = alpha;
      rest.head(kept_) -= alpha_[o];
      const double noise = model.unit_variance - 1.0;
      norm_[o] =
          std::sqrt(rest.dot(covariance_ * rest) - noise * rest.tail(n - kept_).squaredNorm());
    }
  }

  ExactPrediction predict(const LayerPoint& point, double slack) const {
    const std::vector<double> input = reference_inputs(model_, point);
    const Eigen::Map<const Eigen::VectorXd> u(input.data(), kKernelInputs);
    const Eigen::Map<const Eigen::MatrixXd> train(model_.train.data(), kKernelInputs,
                                                  model_.samples);
    Eigen::VectorXd kernel(kept_);
    for (int i = 0; i < kept_; ++i) kernel[i] = matern52((u - train.col(i)).squaredNorm());
    Remainder<double> remainder{{norm_[0], norm_[1]}, slack};
    double mean[kMaxOutputs] = {};
    for (int o = 0; o < model_.outputs; ++o) {
      const Eigen::Map<const Eigen::VectorXd> weight(model_.mean_weight.data() + o * kKernelInputs,
                                                     kKernelInputs);
      mean[o] =
          model_.mean_bias[static_cast<std::size_t>(o)] + weight.dot(u) + alpha_[o].dot(kernel);
    }
    return to_sketch(
        model_.output_scale(), remainder, mean, kernel.dot(first_.solve(kernel)),
        std::log(lower_bound_cycles(point.layer, point.hardware)),
        std::log(evaluate_analytical(point.layer, point.hardware, point.mapping).energy_pj));
  }
  double largest_norm() const { return std::max(norm_[0], norm_[1]); }

 private:
  const PosteriorTensors<double>& model_;
  int kept_;
  Eigen::MatrixXd covariance_;
  Eigen::LLT<Eigen::MatrixXd> first_;
  Eigen::VectorXd alpha_[kMaxOutputs];
  double norm_[kMaxOutputs] = {};
};

/// `tolerance`: of a kernel row that alpha and the rest's norm amplify.
template <typename T>
void expect_sketch(const PosteriorTensors<double>& model, const PosteriorTensors<T>& tensors,
                   ScreenPrecision precision, double tolerance) {
  SCOPED_TRACE(testing::Message() << model.samples << " samples, " << sizeof(T) << " bytes");
  const std::vector<std::uint64_t> indices = feasible_indices(67);
  const ReferenceSketch reference(model);
  const auto got =
      predict_on_device(tensors, convolution(), {indices, ScoreDepth::sketch, kLargeShared},
                        sketch_of(posterior_view(model)));
  tolerance *= 1.0 + reference.largest_norm();
  const double slack = screen_bounds(precision).sd * std::sqrt(model.unit_variance);
  for (std::size_t i = 0; i < indices.size(); ++i) {
    const LayerPoint point = layer_point(convolution(), indices[i]);
    const ExactPrediction expected = reference.predict(point, slack);
    ASSERT_NEAR(got[i].log_latency, expected.log_latency, tolerance);
    ASSERT_NEAR(got[i].log_latency_sd, expected.log_latency_sd, tolerance);
    ASSERT_NEAR(got[i].log_energy, expected.log_energy, tolerance);
    ASSERT_NEAR(got[i].log_energy_sd, expected.log_energy_sd, tolerance);
    // And it bounds what all samples say.
    const ExactPrediction whole = reference_prediction(model, point, model.samples);
    ASSERT_LE(got[i].log_latency, whole.log_latency + screen_bounds(precision).mean);
    ASSERT_LE(got[i].log_energy, whole.log_energy + screen_bounds(precision).mean);
    ASSERT_GE(got[i].log_latency_sd, whole.log_latency_sd - screen_bounds(precision).sd);
    ASSERT_GE(got[i].log_energy_sd, whole.log_energy_sd - screen_bounds(precision).sd);
  }
}

TEST(StarlightScore, SketchIsThePosteriorOfTheFirstSamplesAndABound) {
  for (const int samples : {1, 7, 63, 64, 65, 150})
    for (const int outputs : {1, 2}) {
      const PosteriorTensors<double> model =
          synthetic_model(convolution(), samples, {.outputs = outputs, .warp = outputs == 2});
      expect_sketch(model, model, ScreenPrecision::fp64, 1e-9);
      expect_sketch(model, to_single(model), ScreenPrecision::fp32, 1e-4);
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
  constexpr std::uint32_t kEntry = 1;
  const LayerSpaceView& view = convolution();
  for (const std::uint32_t count : {0u, 1u, 31u, 32u, 33u, 511u, 513u, 1500u})
    for (const std::uint64_t stride : {1u, 977u}) {
      const DeviceStream stream;
      const DeviceSpace space(view, stream);
      const std::uint64_t begin = view.size / 3, first = 5;
      DeviceBuffer<CandidateTile> tile(1, "test");
      tile.upload(std::vector<CandidateTile>{{first, count}}, stream);
      DeviceBuffer<std::uint32_t> items(count, "test"), size(2, "test");
      size.upload(std::vector<std::uint32_t>{0, kEntry}, stream);
      feasible_candidates({.source = {space.view(), nullptr, nullptr, begin, stride},
                           .tile = tile.data(),
                           .lists = {{}, {items.data(), size.data()}},
                           .entry = size.data() + 1,
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
