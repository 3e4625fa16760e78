// Bounds from anchors: that they are bounds, for models and neighbours of all kinds, and close.
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "host/engine/engine.hpp"
#include "host/engine/sample_order.hpp"
#include "host/engine/screen_tile.hpp"
#include "host/engine/tile_filler.hpp"
#include "tests/starlight/emulated_avx512.hpp"
#include "tests/starlight/random_model.hpp"

namespace polaris {
namespace {

/// A tile of neighbours, from `begin` on, as far as one strip of shared features reaches.
struct Neighbours {
  static constexpr int kSize = 8 * ScreenTile::kSize;

  Neighbours(const StarlightModel& model, const simd::Stages& stages, std::uint64_t begin)
      : tensors(order_samples(model.tensors_f64(), kBoundRows, 1)),
        factor(tensors, tensors.samples, stages),
        screen(tensors, stages, varying_features(test_space()), origin()),
        tile(stages, factor.samples(), kSize),
        anchors(stages, screen, factor, kSize) {
    const LoopOrders orders(test_space(), test_space().size);
    TileFiller filler(test_space(), orders, tile);
    filler.share(true);
    int count = 0;
    bool full = false;
    for (std::uint64_t i = begin; i < test_space().size && count < kSize && !full; ++i)
      if (filler.put(count, i, [&] { full = true; }) && !full) {
        indices.push_back(i);
        ++count;
      }
    slots.resize(indices.size());
    std::iota(slots.begin(), slots.end(), 0);
    tile.encode(screen, count);
  }

  static LayerPoint origin() {
    const DesignPoint point = test_space().decode(0);
    return {test_space().layer, point.hardware, point.mapping};
  }

  PosteriorTensors<double> tensors;
  PackedFactor factor;
  ScreenModel screen;
  ScreenTile tile;
  Anchors anchors;
  std::vector<std::uint64_t> indices;
  std::vector<int> slots;
};

/// Checks the bounds of some slots; adds to `gap` how far means are below the truth.
void expect_bounds(const Neighbours& n, const std::vector<ExactPrediction>& exact,
                   std::span<const int> slots, double& gap) {
  const PosteriorTensors<double>& t = n.tensors;
  const double slack = kScreenSdError * std::sqrt(t.unit_variance);
  for (const int slot : slots) {
    const Prediction low = n.tile.prediction(slot);
    const ExactPrediction& truth = exact[static_cast<std::size_t>(slot)];
    ASSERT_LE(low.log_latency, truth.log_latency + kScreenMeanError) << slot;
    ASSERT_LE(low.log_energy, truth.log_energy + kScreenMeanError) << slot;
    ASSERT_GE(low.log_latency_sd, truth.log_latency_sd - slack * t.sd[0]) << slot;
    if (t.outputs == 2) {
      ASSERT_GE(low.log_energy_sd, truth.log_energy_sd - slack * t.sd[1]) << slot;
    }
    gap += (truth.log_latency - low.log_latency) / static_cast<double>(slots.size());
  }
}

TEST(Anchors, BoundMeansAndDeviations) {
  std::mt19937_64 random(11);
  std::size_t bounded = 0;
  for (int round = 0; round < 40; ++round) {
    const StarlightModel model = random_model(random);
    Neighbours n(model, round % 2 == 0 ? simd::avx2_stages() : simd::emulated_avx512_stages(),
                 feasible_indices(1, 500 + static_cast<std::uint64_t>(round))[0]);
    std::vector<ExactPrediction> exact(n.indices.size());
    make_engine("cpu")->predict_exact(model, test_space(), n.indices, exact);
    n.tile.finish_near(n.screen, n.anchors, n.slots);
    double gap = 0.0, closer_gap = 0.0;
    expect_bounds(n, exact, n.slots, gap);
    bounded += n.slots.size();
    // As many anchors for few candidates are closer to them.
    std::vector<int> some;
    for (std::size_t i = 0; i < n.slots.size(); i += 7) some.push_back(n.slots[i]);
    n.tile.finish_near(n.screen, n.anchors, some);
    expect_bounds(n, exact, some, closer_gap);
    EXPECT_GE(gap, closer_gap - kScreenMeanError);
  }
  EXPECT_GT(bounded, 4000u);
}

TEST(Anchors, OfAFittedModelAreClose) {
  Neighbours n(test_model(), simd::best_stages(), feasible_indices(1, 700)[0]);
  std::vector<ExactPrediction> exact(n.indices.size());
  make_engine("cpu")->predict_exact(test_model(), test_space(), n.indices, exact);
  n.tile.finish_near(n.screen, n.anchors, n.slots);
  double gap = 0.0;
  expect_bounds(n, exact, n.slots, gap);
  EXPECT_LT(gap, 0.1);
  // An anchor of one candidate is that candidate: its mean is known.
  const int one[] = {n.slots[n.slots.size() / 2]};
  n.tile.finish_near(n.screen, n.anchors, one);
  EXPECT_NEAR(n.tile.prediction(one[0]).log_latency,
              exact[static_cast<std::size_t>(one[0])].log_latency, kScreenMeanError);
}

}  // namespace
}  // namespace polaris
