#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "host/search/objective.hpp"
#include "models/space/philox.hpp"

namespace polaris {
namespace {

double brute_force(const std::vector<std::vector<LayerCost>>& layers, std::size_t layer,
                   NetworkCost sum) {
  if (layer == layers.size()) return sum.edp();
  double best = std::numeric_limits<double>::infinity();
  for (const LayerCost& option : layers[layer]) {
    const NetworkCost next{sum.cycles + option.cycles, sum.energy_pj + option.energy_pj};
    best = std::min(best, brute_force(layers, layer + 1, next));
  }
  return best;
}

TEST(BestCombination, EqualsBruteForce) {
  for (std::uint64_t trial = 0; trial < 400; ++trial) {
    std::uint64_t counter = 0;
    const auto unit = [&] { return uniform_unit(5, trial, counter++); };
    std::vector<std::vector<LayerCost>> layers(1 + static_cast<std::size_t>(unit() * 5));
    for (auto& options : layers) {
      options.resize(1 + static_cast<std::size_t>(unit() * 7));
      const double scale = std::exp(4 * unit());
      for (LayerCost& option : options) option = {scale * unit(), scale * unit()};
    }
    const Combination best = best_combination(layers);
    ASSERT_EQ(best.choice.size(), layers.size());
    EXPECT_NEAR(best.cost.edp(), brute_force(layers, 0, {}), 1e-12 * best.cost.edp());
  }
}

TEST(BestCombination, TiesGoToTheFirstOption) {
  const std::vector<std::vector<LayerCost>> layers = {{{2, 2}, {2, 2}, {2, 2}}, {{1, 4}, {1, 4}}};
  EXPECT_EQ(best_combination(layers).choice, (std::vector<std::size_t>{0, 0}));
}

TEST(BestCombination, EmptyOrNonFiniteGivesNoChoice) {
  EXPECT_TRUE(best_combination({}).choice.empty());
  const double nan = std::nan("");
  const std::vector<std::vector<LayerCost>> without = {{{1, 1}}, {}};
  EXPECT_TRUE(best_combination(without).choice.empty());
  const std::vector<std::vector<LayerCost>> bad = {{{nan, 1}, {INFINITY, 2}}};
  EXPECT_TRUE(best_combination(bad).choice.empty());
  const std::vector<std::vector<LayerCost>> partly = {{{nan, 1}, {3, 2}}};
  EXPECT_EQ(best_combination(partly).choice, (std::vector<std::size_t>{1}));
}

}  // namespace
}  // namespace polaris
