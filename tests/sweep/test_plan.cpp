// How a sweep is cut up, its specification as text, and the ranking of hardware.
#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <set>

#include "host/sweep/network.hpp"
#include "tests/sweep/fixture.hpp"

namespace polaris {
namespace {

TEST(SweepPlan, OrdersAreTheCanonicalOnes) {
  for (const Layer& layer : {small_layers()[0], layer_of(2, 2, 2, 2, 2, 2, 2)}) {
    const LayerSpace space(layer, small_grid());
    const LayerSpaceView& view = space.view();
    const OrderTable table(view);
    const std::uint64_t blocks = view.mapping_count / view.order_count;
    for (std::uint64_t b = 0; b < blocks; b += 1 + blocks / 50) {
      const std::uint64_t first = b * view.order_count;
      std::vector<std::uint32_t> wanted, got;
      for (std::uint32_t rank = 0; rank < view.order_count; ++rank)
        if (view.canonical(first + rank) == first + rank) wanted.push_back(rank);
      for (const LoopOrder& order : table.of(view.decode(first).mapping)) {
        got.push_back(order.rank);
        EXPECT_TRUE(std::equal(order.dims, order.dims + kDims,
                               view.decode(first + order.rank).mapping.order[3]));
      }
      EXPECT_EQ(got, wanted);
    }
  }
}

TEST(SweepPlan, ShardsShareOutAllTiles) {
  for (const std::uint64_t all : {0u, 1u, 6u, 7u, 8u, 100u})
    for (const std::uint64_t count : {1u, 2u, 7u, 200u}) {
      std::set<std::uint64_t> seen;
      for (std::uint64_t number = 1; number <= count; ++number) {
        const Shard shard{number, count};
        for (std::uint64_t i = 0; i < shard.tiles(all); ++i) {
          EXPECT_LT(shard.tile(i), all);
          EXPECT_TRUE(seen.insert(shard.tile(i)).second);
        }
      }
      EXPECT_EQ(seen.size(), all);
    }
}

TEST(SweepPlan, SpecificationsSurviveAsText) {
  SweepSpec spec = small_spec(small_layers());
  spec.ranges[1] = {3, 77};
  spec.whole = false;
  spec.fidelity = Fidelity::starlight;
  spec.objective = "logei";
  spec.acquisition = acquisition_of("logei", 0.037, 0.0);
  spec.limits = {1.25, 4096, 8192, 3.3e7, 12345.0};
  spec.model_hash = std::string(32, 'a');
  spec.engine = "cpu";
  spec.avoid_hash = std::string(32, 'b');
  spec.seed = std::numeric_limits<std::uint64_t>::max();
  spec.thresholds = {12.5, std::numeric_limits<double>::infinity(), -1.0};
  const std::string text = format_spec(spec);
  const SweepSpec back = parse_spec(JsonDocument::parse(text, "here").root());
  EXPECT_EQ(format_spec(back), text);
  EXPECT_EQ(back.workload.layers[2].layer, spec.workload.layers[2].layer);
  EXPECT_EQ(back.limits.cycles, 12345.0);
  EXPECT_EQ(back.thresholds, spec.thresholds);
  EXPECT_EQ(back.acquisition.kind, AcquisitionKind::log_expected_improvement);
  EXPECT_EQ(spec_difference(text, text), "");
  spec.model_hash = std::string(32, 'e');
  EXPECT_EQ(
      spec_difference(text, format_spec(spec)),
      "model_hash \"" + std::string(32, 'e') + "\" instead of \"" + std::string(32, 'a') + "\"");
  EXPECT_THROW(parse_spec(JsonDocument::parse("{}", "here").root()), Error);
}

/// All products of the layers' fronts, by the definition of network EDP.
double least_network_edp(const SweepPlan& plan, const std::vector<LayerResult>& layers,
                         std::size_t position, std::size_t l = 0, double cycles = 0.0,
                         double energy = 0.0) {
  if (l == layers.size()) return cycles * energy * 1e-12;
  double least = std::numeric_limits<double>::infinity();
  const double count = static_cast<double>(plan.spec().workload.layers[l].count);
  for (const FrontPoint& p : layers[l].hardware[position].front.points())
    least = std::min(
        least, least_network_edp(plan, layers, position, l + 1, cycles + count * p.estimate.cycles,
                                 energy + count * p.estimate.energy_pj));
  return least;
}

TEST(NetworkRanking, IsTheLeastEdpOverAllCombinations) {
  const SweepPlan plan(small_spec(small_layers()));
  const auto scorer = make_analytical_scorer(plan, 1);
  const std::vector<LayerResult> layers = sweep_all(plan, *scorer);
  const std::vector<NetworkDesign> designs = rank_hardware(plan, layers, nullptr);
  ASSERT_EQ(designs.size(), plan.hardware().size());
  for (std::size_t i = 0; i < designs.size(); ++i) {
    const NetworkDesign& d = designs[i];
    EXPECT_NEAR(d.cost.edp() / least_network_edp(plan, layers, d.position), 1.0, 1e-12);
    EXPECT_LE(designs[i > 0 ? i - 1 : 0].cost.edp(), d.cost.edp());
    EXPECT_EQ(d.edp_median, d.cost.edp());
    EXPECT_EQ(d.log_edp_sd, 0.0);
  }
}

TEST(NetworkRanking, AreaFrontEqualsItsDefinition) {
  const SweepPlan plan(small_spec(small_layers()));
  const auto scorer = make_analytical_scorer(plan, 1);
  const LayerResult layer = sweep_all(plan, *scorer)[0];
  const auto costs = [&plan](const AreaPoint& p) {
    return std::array{p.point.latency, p.point.energy, area_mm2(plan.hardware()[p.position])};
  };
  std::vector<AreaPoint> all;
  for (std::size_t p = 0; p < layer.hardware.size(); ++p)
    for (const FrontPoint& point : layer.hardware[p].front.points()) all.push_back({p, point});
  std::set<std::uint64_t> wanted, got;
  for (const AreaPoint& a : all) {
    const bool beaten = std::any_of(all.begin(), all.end(), [&](const AreaPoint& b) {
      const auto x = costs(b), y = costs(a);
      return x != y && x[0] <= y[0] && x[1] <= y[1] && x[2] <= y[2];
    });
    if (!beaten) wanted.insert(a.point.index);
  }
  for (const AreaPoint& a : area_front(plan, layer)) EXPECT_TRUE(got.insert(a.point.index).second);
  EXPECT_EQ(got, wanted);
}

}  // namespace
}  // namespace polaris
