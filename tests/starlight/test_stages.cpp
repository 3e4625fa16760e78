// The vectorised stages: errors of their functions, and equal bits from every instruction set.
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <functional>

#include "host/engine/engine.hpp"
#include "host/engine/screen_tile.hpp"
#include "host/engine/simd/stages_impl.hpp"
#include "tests/starlight/fixture.hpp"

namespace polaris {
namespace {

namespace sd = simd;

/// Two vectors side by side: the shape of AVX-512 on a machine without it.
struct Pair {
  static constexpr int kLanes = 2 * sd::Float8::kLanes;
  static constexpr int kRows = 12;
  sd::Float8 low, high;

  static Pair load(const float* from) {
    return {sd::Float8::load(from), sd::Float8::load(from + sd::Float8::kLanes)};
  }
  static Pair all(float x) { return {sd::Float8::all(x), sd::Float8::all(x)}; }
  void store(float* to) const {
    low.store(to);
    high.store(to + sd::Float8::kLanes);
  }

  using Lanes = const int*;
  static Lanes lanes(const int* of) { return of; }
  static Pair pick(const float* strip, Lanes lanes) {
    float picked[kLanes];
    for (int i = 0; i < kLanes; ++i) picked[i] = strip[lanes[i]];
    return load(picked);
  }
};
Pair operator+(Pair a, Pair b) { return {a.low + b.low, a.high + b.high}; }
Pair operator-(Pair a, Pair b) { return {a.low - b.low, a.high - b.high}; }
Pair operator*(Pair a, Pair b) { return {a.low * b.low, a.high * b.high}; }
Pair operator/(Pair a, Pair b) { return {a.low / b.low, a.high / b.high}; }
Pair multiply_add(Pair a, Pair b, Pair c) {
  return {multiply_add(a.low, b.low, c.low), multiply_add(a.high, b.high, c.high)};
}
Pair larger_of(Pair a, Pair b) { return {larger_of(a.low, b.low), larger_of(a.high, b.high)}; }
Pair smaller_of(Pair a, Pair b) { return {smaller_of(a.low, b.low), smaller_of(a.high, b.high)}; }
Pair square_root(Pair a) { return {square_root(a.low), square_root(a.high)}; }
Pair absolute(Pair a) { return {absolute(a.low), absolute(a.high)}; }
Pair if_negative(Pair a, Pair b, Pair c) {
  return {if_negative(a.low, b.low, c.low), if_negative(a.high, b.high, c.high)};
}
Pair low_bits_to_exponent(Pair a) {
  return {low_bits_to_exponent(a.low), low_bits_to_exponent(a.high)};
}
Pair split(Pair x, int least, Pair& exponent) {
  return {split(x.low, least, exponent.low), split(x.high, least, exponent.high)};
}

const sd::Stages& pair_stages() { return sd::StagesOf<Pair>::functions("pair of AVX2"); }

/// Largest of error(x, f(x)) over `count` points spread evenly over [low, high], both included.
double largest_error(void (*function)(const float*, float*), float low, float high, int count,
                     const std::function<double(float, float)>& error) {
  const int lanes = sd::avx2_stages().lanes;
  float x[sd::kMaxLanes], y[sd::kMaxLanes];
  double largest = 0.0;
  for (int i = 0; i < count; i += lanes) {
    for (int l = 0; l < lanes; ++l) {
      const double share = std::min(1.0, static_cast<double>(i + l) / (count - 1));
      x[l] = static_cast<float>(low + share * (static_cast<double>(high) - low));
    }
    function(x, y);
    for (int l = 0; l < lanes; ++l) largest = std::max(largest, error(x[l], y[l]));
  }
  return largest;
}

TEST(Stages, FunctionsStayWithinTheirErrors) {
  const sd::Stages& stages = sd::avx2_stages();
  constexpr int kPoints = 1 << 20;
  // Relative error beyond what the rounding of x log2 e costs.
  const auto exp_error = [](float x, float y) {
    const double exact = std::exp(-static_cast<double>(x));
    return std::abs(y / exact - 1.0) - x * 1e-7;
  };
  EXPECT_LT(largest_error(stages.exp_of_minus, 0.0f, 1.0f, kPoints, exp_error), 2.4e-7);
  EXPECT_LT(largest_error(stages.exp_of_minus, 0.0f, 87.0f, kPoints, exp_error), 2.4e-7);
  const auto matern = [](float scaled) {
    const double r = std::sqrt(5.0 * (scaled / static_cast<double>(sd::kMaternScale)));
    return (1.0 + r + r * r / 3.0) * std::exp(-r);
  };
  const auto matern_error = [&](float x, float y) { return std::abs(y - matern(x)); };
  EXPECT_LT(largest_error(stages.matern52, 0.0f, 1e-3f, kPoints, matern_error), 2.4e-7);
  EXPECT_LT(largest_error(stages.matern52, 0.0f, 400.0f, kPoints, matern_error), 2.4e-7);
  const auto log_error = [](float x, float y) {
    const double exact = std::log2(static_cast<double>(x));
    return std::abs(y - exact) / std::max(1.0, std::abs(exact));
  };
  EXPECT_LT(largest_error(stages.log2_positive, 0.5f, 2.0f, kPoints, log_error), 2e-7);
  EXPECT_LT(largest_error(stages.log2_positive, 1.0f, 1e9f, kPoints, log_error), 2e-7);
}

TEST(Stages, FunctionsAtTheirEnds) {
  const sd::Stages& stages = sd::avx2_stages();
  const auto value = [&stages](void (*function)(const float*, float*), float x) {
    float in[sd::kMaxLanes], out[sd::kMaxLanes];
    std::fill(in, in + stages.lanes, x);
    function(in, out);
    return out[stages.lanes - 1];
  };
  EXPECT_EQ(value(stages.exp_of_minus, 0.0f), 1.0f);
  EXPECT_GT(value(stages.exp_of_minus, INFINITY), 0.0f);
  EXPECT_LT(value(stages.exp_of_minus, INFINITY), 2e-38f);
  EXPECT_EQ(value(stages.matern52, 0.0f), 1.0f);
  EXPECT_EQ(value(stages.matern52, -1e-3f), 1.0f);  // rounding below a distance of 0
  EXPECT_LT(value(stages.matern52, 1e6f), 1e-30f);
  EXPECT_TRUE(std::isnan(value(stages.matern52, NAN)));
  for (int e = -31; e < 60; ++e)
    EXPECT_EQ(value(stages.log2_positive, std::ldexp(1.0f, e)), static_cast<float>(e));
}

/// Predictions of `points`, of one space, by given stages; every stage of the tile is run.
std::vector<Prediction> predictions(const StarlightModel& model, const sd::Stages& stages,
                                    std::span<const LayerPoint> points, bool folded) {
  const PosteriorTensors<double>& tensors = model.tensors_f64();
  const PackedFactor factor(tensors, tensors.samples, stages);
  const ScreenModel screen(tensors, stages,
                           folded ? varying_features(test_space()) : all_features(), points[0]);
  ScreenTile tile(stages, factor.samples());
  std::vector<Prediction> out;
  for (std::size_t begin = 0; begin < points.size(); begin += ScreenTile::kSize) {
    const int size =
        static_cast<int>(std::min<std::size_t>(ScreenTile::kSize, points.size() - begin));
    for (int slot = 0; slot < size; ++slot) {
      const LayerPoint& p = points[begin + static_cast<std::size_t>(slot)];
      tile.put(slot, p.layer, p.hardware, p.mapping);
    }
    tile.encode(screen, size);
    tile.compute_kernel(screen, size);
    tile.clear_explained(size);
    tile.explain(factor, 0, 1, size);
    tile.explain(factor, 1, factor.panels(), size);
    tile.finish(screen, size);
    for (int slot = 0; slot < size; ++slot) out.push_back(tile.prediction(slot));
  }
  return out;
}

void expect_equal_bits(const std::vector<Prediction>& a, const std::vector<Prediction>& b) {
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i)
    for (const auto field : {&Prediction::log_latency, &Prediction::log_latency_sd,
                             &Prediction::log_energy, &Prediction::log_energy_sd})
      ASSERT_EQ(std::bit_cast<std::uint32_t>(a[i].*field),
                std::bit_cast<std::uint32_t>(b[i].*field))
          << i;
}

TEST(Stages, EveryShapeGivesTheSameBits) {
  const std::vector<LayerPoint> points = test_points(300, 31);
  for (const int samples : {1, 5, 6, 7, 12, 13, 150}) {
    const StarlightModel model =
        test_model().with_samples(test_samples(static_cast<std::size_t>(samples), 3));
    for (const bool folded : {false, true})
      expect_equal_bits(predictions(model, sd::avx2_stages(), points, folded),
                        predictions(model, pair_stages(), points, folded));
  }
}

TEST(Stages, Avx512GivesTheBitsOfAvx2) {
  const sd::Stages* wide = sd::avx512_stages();
  if (wide == nullptr) GTEST_SKIP() << "this CPU or compiler has no AVX-512";
  EXPECT_EQ(&sd::best_stages(), wide);
  const std::vector<LayerPoint> points = test_points(300, 31);
  for (const bool folded : {false, true})
    expect_equal_bits(predictions(test_model(), sd::avx2_stages(), points, folded),
                      predictions(test_model(), *wide, points, folded));
}

TEST(Stages, APredictionDoesNotDependOnItsPlace) {
  std::vector<LayerPoint> points = test_points(100, 31);
  const std::vector<Prediction> forward =
      predictions(test_model(), sd::avx2_stages(), points, true);
  std::reverse(points.begin(), points.end());
  points.pop_back();
  std::vector<Prediction> backward = predictions(test_model(), sd::avx2_stages(), points, true);
  std::reverse(backward.begin(), backward.end());
  expect_equal_bits({forward.begin() + 1, forward.end()}, backward);
}

TEST(ScreenModel, TheSketchBoundsMeansAndDeviations) {
  const std::vector<LayerPoint> points = test_points(ScreenTile::kSize, 31);
  const sd::Stages& stages = sd::avx2_stages();
  for (const int samples : {1, 20, 36, 37, 150, 400}) {
    const StarlightModel model =
        test_model().with_samples(test_samples(static_cast<std::size_t>(samples), 3));
    std::vector<ExactPrediction> exact(points.size());
    make_engine("cpu")->predict_points(model, points, exact);
    const PosteriorTensors<double>& tensors = model.tensors_f64();
    const ScreenModel screen(tensors, stages, varying_features(test_space()), points[0]);
    const PackedFactor factor(tensors, tensors.samples, stages);
    ScreenTile tile(stages, factor.samples());
    for (int slot = 0; slot < ScreenTile::kSize; ++slot) {
      const LayerPoint& p = points[static_cast<std::size_t>(slot)];
      tile.put(slot, p.layer, p.hardware, p.mapping);
    }
    tile.encode(screen, ScreenTile::kSize);
    tile.compute_sketch(screen, ScreenTile::kSize);
    tile.clear_explained(ScreenTile::kSize);
    tile.explain(factor, 0, screen.sketch_panels(), ScreenTile::kSize);
    tile.finish_sketch(screen, ScreenTile::kSize);
    double gap = 0.0;
    for (int slot = 0; slot < ScreenTile::kSize; ++slot) {
      const Prediction low = tile.prediction(slot);
      const ExactPrediction& truth = exact[static_cast<std::size_t>(slot)];
      const double slack = kScreenSdError * std::sqrt(tensors.unit_variance);
      EXPECT_LE(low.log_latency, truth.log_latency + kScreenMeanError);
      EXPECT_LE(low.log_energy, truth.log_energy + kScreenMeanError);
      EXPECT_GE(low.log_latency_sd, truth.log_latency_sd - slack * tensors.sd[0]);
      EXPECT_GE(low.log_energy_sd, truth.log_energy_sd - slack * tensors.sd[1]);
      gap = std::max(gap, truth.log_latency - low.log_latency);
    }
    // With all samples in the sketch nothing is missing.
    EXPECT_EQ(gap > 0.05, samples > 36) << samples;
  }
}

/// What `varying_features` calls fixed has one value in the whole space, in spaces of many shapes.
TEST(ScreenModel, FixedFeaturesDoNotVary) {
  int fixed = 0;
  for (int shape = 0; shape < 24; ++shape) {
    Layer layer = test_layer();
    for (int d = 0; d < kDims; ++d)
      if (shape >> (d % 4) & 1 && d != index_of(Dim::K)) layer.size[d] = 1;
    HardwareGrid grid = test_grid();
    for (int a = 0; a < kHardwareAxes; ++a)
      if (shape % 5 == a || shape % 7 == a) grid.count[a] = 1;
    const LayerSpace space(layer, grid);
    const VaryingFeatures varying = varying_features(space.view());
    fixed += static_cast<int>(std::count(varying.begin(), varying.end(), false));
    double first[kFeatures], other[kFeatures];
    for (std::uint64_t i = 0; i < 300; ++i) {
      const std::uint64_t index = i == 0 ? 0 : space.view().sample(1, 1, i);
      const DesignPoint point = space.view().decode(index);
      feature_quantities(layer, point.hardware, point.mapping, i == 0 ? first : other);
      for (int f = 0; i > 0 && f < kFeatures; ++f) {
        const bool equal = first[f] == other[f];
        ASSERT_TRUE(equal || varying[static_cast<std::size_t>(f)])
            << kFeatureNames[f] << " of shape " << shape;
      }
    }
  }
  EXPECT_GT(fixed, 24 * 12);
}

}  // namespace
}  // namespace polaris
