// The whole variance by the tail, and the order of samples it needs.
#include <gtest/gtest.h>

#include <cmath>

#include "host/engine/engine.hpp"
#include "host/engine/exact_tile.hpp"
#include "host/engine/sample_order.hpp"
#include "host/engine/screen_tile.hpp"
#include "tests/starlight/random_model.hpp"

namespace polaris {
namespace {

std::vector<ExactPrediction> predict(const PosteriorTensors<double>& tensors,
                                     std::span<const LayerPoint> points) {
  ExactTile tile;
  tile.use(tensors);
  std::vector<ExactPrediction> out(points.size());
  tile.compute_features(points);
  tile.encode_features();
  tile.compute_kernel();
  tile.compute_posterior();
  tile.to_predictions(points, out);
  return out;
}

TEST(SampleOrder, ChangesNoPrediction) {
  std::mt19937_64 random(3);
  const std::vector<LayerPoint> points = test_points(ExactTile::kSize, 41);
  for (int round = 0; round < 12; ++round) {
    const StarlightModel model = random_model(random);
    const std::vector<ExactPrediction> before = predict(model.tensors_f64(), points);
    for (const int chosen : {0, 1, 64, 1000}) {
      const std::vector<ExactPrediction> after =
          predict(order_samples(model.tensors_f64(), chosen, 1), points);
      for (std::size_t i = 0; i < points.size(); ++i) {
        ASSERT_NEAR(after[i].log_latency, before[i].log_latency, 1e-8);
        ASSERT_NEAR(after[i].log_latency_sd, before[i].log_latency_sd, 1e-8);
        ASSERT_NEAR(after[i].log_energy, before[i].log_energy, 1e-8);
        ASSERT_NEAR(after[i].log_energy_sd, before[i].log_energy_sd, 1e-8);
      }
    }
  }
}

/// Deviations of the first output over its signal, and how many the triangle decided.
struct Deviations {
  std::vector<double> of;
  int by_triangle;
};

Deviations deviations(const PosteriorTensors<double>& tensors, const TailFactor* tail,
                      std::span<const LayerPoint> points, const simd::Stages& stages,
                      double error = ScreenTile::kTailError) {
  const PackedFactor factor(tensors, tensors.samples, stages);
  const ScreenModel screen(tensors, stages, all_features(), points[0]);
  ScreenTile tile(stages, factor.samples());
  const int size = static_cast<int>(points.size());
  for (int slot = 0; slot < size; ++slot) {
    const LayerPoint& p = points[static_cast<std::size_t>(slot)];
    tile.put(slot, p.layer, p.hardware, p.mapping);
  }
  tile.encode(screen, size);
  tile.compute_kernel(screen, size);
  Deviations out{{}, tile.explain_all(screen, factor, tail, size, error)};
  tile.finish(screen, size);
  for (int slot = 0; slot < size; ++slot)
    out.of.push_back(tile.prediction(slot).log_latency_sd / tensors.sd[0]);
  return out;
}

TEST(TailFactor, GivesTheVarianceOfTheTriangle) {
  const simd::Stages& stages = simd::best_stages();
  std::vector<LayerPoint> points = test_points(40, 43);
  // Deviations are least at samples, where an error of the variance counts most.
  for (const DesignSample& s : test_samples(ScreenTile::kSize - points.size(), 3))
    points.push_back({s.layer, s.hardware, s.mapping});
  int tails = 0;
  for (const std::size_t samples : {20u, 64u, 128u, 129u, 150u, 300u, 611u})
    for (const double log_noise : {-7.0, -5.0, -3.0, -1.0}) {
      const StarlightModel model = smooth_model(samples, log_noise);
      const PosteriorTensors<double> tensors = order_samples(model.tensors_f64(), kBoundRows, 1);
      const std::optional<TailFactor> tail = TailFactor::of(tensors, stages);
      if (samples <= 2 * kBoundRows) {
        EXPECT_FALSE(tail.has_value());
      }
      if (!tail) continue;
      ++tails;
      const Deviations found = deviations(tensors, &*tail, points, stages);
      const Deviations triangle = deviations(tensors, nullptr, points, stages);
      EXPECT_EQ(triangle.by_triangle, static_cast<int>(points.size()));
      EXPECT_LT(found.by_triangle, 8);
      const std::vector<ExactPrediction> exact = predict(tensors, points);
      for (std::size_t i = 0; i < points.size(); ++i) {
        const double truth = exact[i].log_latency_sd / tensors.sd[0];
        ASSERT_NEAR(found.of[i], truth, kScreenSdError * std::sqrt(tensors.unit_variance))
            << samples << " samples, noise " << log_noise << ", " << i;
        ASSERT_NEAR(found.of[i], triangle.of[i],
                    2.0 * ScreenTile::kTailError * std::sqrt(tensors.unit_variance));
      }
    }
  EXPECT_GE(tails, 6);
}

/// What the tail can not tell well enough, the triangle decides: of each candidate by itself.
TEST(TailFactor, LeavesToTheTriangleWhatItCanNotTell) {
  const simd::Stages& stages = simd::best_stages();
  const std::vector<LayerPoint> points = test_points(ScreenTile::kSize, 43);
  const PosteriorTensors<double> tensors =
      order_samples(smooth_model(400, -2.0).tensors_f64(), kBoundRows, 1);
  const std::optional<TailFactor> tail = TailFactor::of(tensors, stages);
  ASSERT_TRUE(tail.has_value());
  const Deviations by_tail = deviations(tensors, &*tail, points, stages, 1.0);
  const Deviations by_triangle = deviations(tensors, nullptr, points, stages);
  EXPECT_EQ(by_tail.by_triangle, 0);
  int mixed = 0;
  for (double error = 1e-9; error < 1e-3; error *= 1.5) {
    const Deviations found = deviations(tensors, &*tail, points, stages, error);
    int same = 0;
    for (std::size_t i = 0; i < points.size(); ++i) {
      EXPECT_TRUE(found.of[i] == by_tail.of[i] || found.of[i] == by_triangle.of[i]);
      same += found.of[i] == by_triangle.of[i];
    }
    EXPECT_GE(same, found.by_triangle);
    mixed += found.by_triangle > 0 && found.by_triangle < ScreenTile::kSize;
  }
  EXPECT_GT(mixed, 2);
}

}  // namespace
}  // namespace polaris
