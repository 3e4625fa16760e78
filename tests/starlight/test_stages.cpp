// The vectorised stages: errors of their functions, and equal bits from every instruction set.
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <functional>
#include <optional>
#include <random>
#include <utility>

#include "host/engine/engine.hpp"
#include "host/engine/screen_tile.hpp"
#include "host/engine/shared_strip.hpp"
#include "host/engine/tile_filler.hpp"
#include "models/starlight/network.hpp"
#include "tests/starlight/emulated_avx512.hpp"
#include "tests/starlight/random_model.hpp"

namespace polaris {
namespace {

namespace sd = simd;

/// Of every instruction set; AVX-512 itself only where the CPU has it.
class Stages : public testing::TestWithParam<const sd::Stages*> {
 protected:
  const sd::Stages& stages = *GetParam();
};
std::vector<const sd::Stages*> all_stages() {
  std::vector<const sd::Stages*> all = {&sd::avx2_stages(), &sd::emulated_avx512_stages()};
  if (sd::avx512_stages() != nullptr) all.push_back(sd::avx512_stages());
  return all;
}
INSTANTIATE_TEST_SUITE_P(, Stages, testing::ValuesIn(all_stages()), [](const auto& of) {
  std::string name = of.param->name;
  std::erase_if(name, [](char c) { return c == ' ' || c == '-'; });
  return name;
});

/// Largest of error(x, f(x)) over `count` points spread evenly over [low, high], both included.
double largest_error(int lanes, void (*function)(const float*, float*), float low, float high,
                     int count, const std::function<double(float, float)>& error) {
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

TEST_P(Stages, FunctionsStayWithinTheirErrors) {
  constexpr int kPoints = 1 << 20;
  // Relative error beyond what the rounding of x log2 e costs.
  const auto exp_error = [](float x, float y) {
    const double exact = std::exp(-static_cast<double>(x));
    return std::abs(y / exact - 1.0) - x * 1e-7;
  };
  EXPECT_LT(largest_error(stages.lanes, stages.exp_of_minus, 0.0f, 1.0f, kPoints, exp_error),
            2.4e-7);
  EXPECT_LT(largest_error(stages.lanes, stages.exp_of_minus, 0.0f, 87.0f, kPoints, exp_error),
            2.4e-7);
  const auto matern = [](float scaled) {
    const double r = std::sqrt(5.0 * (scaled / static_cast<double>(sd::kMaternScale)));
    return (1.0 + r + r * r / 3.0) * std::exp(-r);
  };
  const auto matern_error = [&](float x, float y) { return std::abs(y - matern(x)); };
  EXPECT_LT(largest_error(stages.lanes, stages.matern52, 0.0f, 1e-3f, kPoints, matern_error),
            2.4e-7);
  EXPECT_LT(largest_error(stages.lanes, stages.matern52, 0.0f, 400.0f, kPoints, matern_error),
            2.4e-7);
  const auto log_error = [](float x, float y) {
    const double exact = std::log2(static_cast<double>(x));
    return std::abs(y - exact) / std::max(1.0, std::abs(exact));
  };
  EXPECT_LT(largest_error(stages.lanes, stages.log2_positive, 0.5f, 2.0f, kPoints, log_error),
            2e-7);
  EXPECT_LT(largest_error(stages.lanes, stages.log2_positive, 1.0f, 1e9f, kPoints, log_error),
            2e-7);
  const auto gelu_error = [](float x, float y) {
    return std::abs(y - gelu(static_cast<double>(x))) / std::max(1.0, std::abs(double{x}));
  };
  EXPECT_LT(largest_error(stages.lanes, stages.gelu, -12.0f, 12.0f, kPoints, gelu_error), 5e-7);
}

TEST_P(Stages, FunctionsAtTheirEnds) {
  const auto value = [this](void (*function)(const float*, float*), float x) {
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
  EXPECT_EQ(value(stages.gelu, 0.0f), 0.0f);
  EXPECT_EQ(value(stages.gelu, 1e6f), 1e6f);
  EXPECT_NEAR(value(stages.gelu, -1e6f), 0.0f, 1e-30f);
  EXPECT_TRUE(std::isnan(value(stages.gelu, NAN)));
  for (int e = -31; e < 60; ++e)
    EXPECT_EQ(value(stages.log2_positive, std::ldexp(1.0f, e)), static_cast<float>(e));
}

/// Predictions by given stages; every stage of a tile is run.
class Predictor {
 public:
  /// `folded`: features that do not vary in the test's space are constants of the encoder.
  Predictor(const StarlightModel& model, const sd::Stages& stages, bool folded)
      : factor_(model.tensors_f64(), model.tensors_f64().samples, stages),
        tail_(TailFactor::of(model.tensors_f64(), stages)),
        screen_(model.tensors_f64(), stages,
                folded ? varying_features(test_space()) : all_features(), test_points(1, 31)[0]),
        tile_(stages, factor_.samples()) {}

  std::vector<Prediction> operator()(std::span<const LayerPoint> points) {
    for (const LayerPoint& p : points) {
      tile_.put(size_, p.layer, p.hardware, p.mapping);
      if (++size_ == ScreenTile::kSize) run();
    }
    run();
    return std::exchange(out_, {});
  }

  /// Of the feasible ones of neighbouring candidates, which share features.
  std::vector<Prediction> operator()(std::uint64_t begin, std::int64_t count) {
    const LoopOrders orders(test_space(), static_cast<std::uint64_t>(count));
    TileFiller filler(test_space(), orders, tile_);
    const auto index_of = [begin](std::int64_t n) { return begin + static_cast<std::uint64_t>(n); };
    filler.expect(index_of, 0, count);
    EXPECT_TRUE(filler.sharing());
    for (std::int64_t n = 0; n < count; ++n)
      if (filler.put(size_, index_of(n), [this] { run(); }) && ++size_ == ScreenTile::kSize) run();
    run();
    return std::exchange(out_, {});
  }

 private:
  void run() {
    tile_.encode(screen_, size_);
    tile_.compute_kernel(screen_, size_);
    tile_.clear_explained(size_);
    tile_.explain(factor_, 0, 1, size_);
    tile_.explain(factor_, 1, factor_.panels(), size_);
    tile_.finish(screen_, size_);
    for (int slot = 0; slot < size_; ++slot) out_.push_back(tile_.prediction(slot));
    if (tail_) {
      tile_.compute_kernel(screen_, size_);
      tile_.explain_all(screen_, factor_, &*tail_, size_);
      tile_.finish(screen_, size_);
      for (int slot = 0; slot < size_; ++slot) out_.push_back(tile_.prediction(slot));
    }
    size_ = 0;
  }

  PackedFactor factor_;
  std::optional<TailFactor> tail_;
  ScreenModel screen_;
  ScreenTile tile_;
  int size_ = 0;
  std::vector<Prediction> out_;
};

void expect_equal_bits(const std::vector<Prediction>& a, const std::vector<Prediction>& b) {
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i)
    for (const auto field : {&Prediction::log_latency, &Prediction::log_latency_sd,
                             &Prediction::log_energy, &Prediction::log_energy_sd})
      ASSERT_EQ(std::bit_cast<std::uint32_t>(a[i].*field),
                std::bit_cast<std::uint32_t>(b[i].*field))
          << i;
}

TEST_P(Stages, GiveTheBitsOfAvx2) {
  const std::vector<LayerPoint> points = test_points(300, 31);
  for (const int samples : {1, 5, 6, 7, 12, 13, 150}) {
    const StarlightModel model =
        test_model().with_samples(test_samples(static_cast<std::size_t>(samples), 3));
    for (const bool folded : {false, true})
      expect_equal_bits(Predictor(model, sd::avx2_stages(), folded)(points),
                        Predictor(model, stages, folded)(points));
  }
}

TEST_P(Stages, GiveTheBitsOfAvx2WhereCandidatesShare) {
  const std::uint64_t begin = feasible_indices(1, 77)[0];
  const std::vector<Prediction> expected =
      Predictor(test_model(), sd::avx2_stages(), true)(begin, 3000);
  EXPECT_GT(expected.size(), 500u);
  expect_equal_bits(expected, Predictor(test_model(), stages, true)(begin, 3000));
}

TEST_P(Stages, GiveTheBitsOfAvx2ByTheTail) {
  const std::vector<LayerPoint> points = test_points(100, 31);
  const StarlightModel model = smooth_model(400, -2.0);
  const std::vector<Prediction> expected = Predictor(model, sd::avx2_stages(), true)(points);
  EXPECT_EQ(expected.size(), 2 * points.size());
  expect_equal_bits(expected, Predictor(model, stages, true)(points));
}

TEST_P(Stages, APredictionDoesNotDependOnItsPlace) {
  std::vector<LayerPoint> points = test_points(100, 31);
  Predictor predictions(test_model(), stages, true);
  const std::vector<Prediction> forward = predictions(points);
  std::reverse(points.begin(), points.end());
  points.pop_back();
  std::vector<Prediction> backward = predictions(points);
  std::reverse(backward.begin(), backward.end());
  expect_equal_bits({forward.begin() + 1, forward.end()}, backward);
}

TEST_P(Stages, CountTheirMultiplyAdds) {
  EXPECT_EQ(stages.multiply_adds(1000), 2.0 * stages.rows * stages.lanes * 1000);
}

TEST(BestStages, AreTheWidest) {
  const sd::Stages* wide = sd::avx512_stages();
  EXPECT_EQ(&sd::best_stages(), wide != nullptr ? wide : &sd::avx2_stages());
}

TEST_P(Stages, SketchesBoundMeansAndDeviations) {
  const std::vector<LayerPoint> points = test_points(ScreenTile::kSize, 31);
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
    tile.finish_sketch(screen, factor, ScreenTile::kSize);
    tile.compute_lowest(3.0, ScreenTile::kSize);
    double gap = 0.0;
    for (int slot = 0; slot < ScreenTile::kSize; ++slot) {
      const Prediction low = tile.prediction(slot);
      const ExactPrediction& truth = exact[static_cast<std::size_t>(slot)];
      const double slack = kScreenSdError * std::sqrt(tensors.unit_variance);
      EXPECT_LE(low.log_latency, truth.log_latency + kScreenMeanError);
      EXPECT_LE(low.log_energy, truth.log_energy + kScreenMeanError);
      EXPECT_GE(low.log_latency_sd, truth.log_latency_sd - slack * tensors.sd[0]);
      EXPECT_GE(low.log_energy_sd, truth.log_energy_sd - slack * tensors.sd[1]);
      const EdpPrediction edp = edp_prediction(low);
      EXPECT_NEAR(tile.lowest(slot), edp.mean - 3.0 * edp.sd, 1e-6 * (100.0 + 3.0 * edp.sd));
      gap = std::max(gap, truth.log_latency - low.log_latency);
    }
    // With all samples in the sketch nothing is missing.
    EXPECT_EQ(gap > 0.05, samples > 36) << samples;
  }
}

/// Against central differences of the means, by every own input.
TEST_P(Stages, AnchorsHaveTheGradientsOfTheMeans) {
  const LayerPoint point = test_points(1, 31)[0];
  const ScreenModel screen(smooth_model(150, -2.0).tensors_f64(), stages,
                           varying_features(test_space()), point);
  const sd::KernelStages& kernel = screen.kernel();
  const int first = screen.shared_features().count, own = screen.inputs() - first;
  const auto floats = [this](int rows) {
    return AlignedFloats(static_cast<std::size_t>(rows * stages.lanes));
  };
  SharedStrip shared(stages, kernel.samples);
  shared.add(point.layer, point.hardware, point.mapping);
  shared.compute(screen);
  shared.compute_rows(screen, kernel.samples);
  const int lane[sd::kMaxLanes] = {};
  const sd::SharedSums sums = shared.sums(lane);
  AlignedFloats inputs = floats(screen.inputs()), row = floats(kernel.samples),
                slopes = floats(2 * kernel.samples), mean = floats(2), gradient = floats(2 * own),
                unexplained = floats(1);
  std::mt19937_64 random(5);
  std::uniform_real_distribution<float> uniform(-1.0f, 1.0f);
  for (std::size_t i = 0; i < inputs.size(); ++i) inputs[i] = uniform(random);
  stages.anchor(kernel, screen.own_samples(), sums, inputs.data(), row.data(), slopes.data(),
                {mean.data(), gradient.data(), unexplained.data(), nullptr});
  double steepest = 0.0;
  for (int c = 0; c < own; ++c) {
    constexpr float kStep = 0.02f;
    AlignedFloats means[2] = {floats(2), floats(2)};
    for (const int side : {0, 1}) {
      float* x = inputs.data() + (first + c) * stages.lanes;
      const float step = side == 0 ? -kStep : kStep;
      for (int l = 0; l < stages.lanes; ++l) x[l] += step;
      stages.kernel(kernel, &sums, inputs.data(), 0, 1, row.data(), means[side].data());
      for (int l = 0; l < stages.lanes; ++l) x[l] -= step;
    }
    for (int o : {0, 1})
      for (int l = 0; l < stages.lanes; ++l) {
        const auto at = static_cast<std::size_t>(o * stages.lanes + l);
        const double slope = (double{means[1][at]} - double{means[0][at]}) / (2.0 * kStep);
        const double found = gradient[static_cast<std::size_t>((o * own + c) * stages.lanes + l)];
        EXPECT_NEAR(found, slope, 1e-3 + 0.005 * std::abs(slope)) << c << ' ' << o << ' ' << l;
        steepest = std::max(steepest, std::abs(slope));
      }
  }
  EXPECT_GT(steepest, 0.05);
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
