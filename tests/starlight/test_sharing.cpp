// What candidates of one tiling share: that the class of a loop order decides it, and that scoring
// with shared features gives the bits of scoring one by one.
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <map>
#include <numeric>
#include <set>
#include <tuple>

#include "host/engine/engine.hpp"
#include "models/starlight/features.hpp"
#include "models/starlight/order_class.hpp"
#include "tests/starlight/fixture.hpp"

namespace polaris {
namespace {

/// Layers of many shapes: strides, dilations, batches, dimensions of size 1, and filters as large
/// as the tiles they meet, where loops over filter and output move the input by equal steps.
Layer shape(int number) {
  Layer layer;
  const std::int32_t size[kDims] = {number % 2 ? 3 : 4, number % 3 ? 2 : 1,  4,
                                    number % 5 ? 6 : 1, number % 7 ? 4 : 16, 8,
                                    number % 4 ? 1 : 2};
  std::copy_n(size, kDims, layer.size);
  layer.stride_w = 1 + number % 2;
  layer.stride_h = 1 + number / 2 % 2;
  layer.dilation_w = 1 + number / 3 % 2;
  layer.dilation_h = 1 + number / 5 % 2;
  return layer;
}

TEST(OrderClass, DecidesEveryFeatureThatIsNotACandidatesOwn) {
  int orders = 0, classes = 0, different_ratios = 0;
  for (int number = 0; number < 40; ++number) {
    const LayerSpace owner(shape(number), test_grid());
    const LayerSpaceView& space = owner.view();
    for (std::uint64_t draw = 0; draw < 12; ++draw) {
      const std::uint64_t block = space.sample(3, 7, draw) / space.order_count;
      std::map<OrderClass, std::array<double, kFeatures>> by_class;
      std::map<std::pair<OrderClass, std::int64_t>, std::pair<double, double>> by_fills;
      for (std::uint64_t rank = 0; rank < space.order_count; ++rank, ++orders) {
        const DesignPoint point = space.decode(block * space.order_count + rank);
        std::array<double, kFeatures> q;
        const double pj = feature_quantities(space.layer, point.hardware, point.mapping, q.data());
        const OrderClass order = order_class(point.mapping);
        const auto& first = by_class.try_emplace(order, q).first->second;
        for (int f = 0; f < kFeatures; ++f)
          ASSERT_TRUE(is_own_feature(f) ||
                      std::bit_cast<std::uint64_t>(q[f]) == std::bit_cast<std::uint64_t>(first[f]))
              << kFeatureNames[f] << " of shape " << number << ", block " << block << ", " << rank;
        const std::int64_t fills = scratchpad_input_fills(
            space.layer, point.mapping, tile_footprint(space.layer, point.mapping));
        const std::pair own{q[kEnergyRatio], pj};
        ASSERT_EQ(by_fills.try_emplace({order, fills}, own).first->second, own);
        double ranks[kFeatures];
        rank_quantities(point.mapping, kFirstRank, ranks);
        for (int f = kFirstRank; f < kFirstRank + kDims; ++f) ASSERT_EQ(q[f], ranks[f]);
      }
      ASSERT_LE(by_class.size(), 15u);
      classes += static_cast<int>(by_class.size());
      different_ratios += static_cast<int>(by_fills.size() - by_class.size());
    }
  }
  EXPECT_GT(orders, 20 * classes);
  EXPECT_GT(different_ratios, 100);  // so the input words are needed
}

void expect_equal_bits(const Prediction& a, const Prediction& b) {
  for (const auto field : {&Prediction::log_latency, &Prediction::log_latency_sd,
                           &Prediction::log_energy, &Prediction::log_energy_sd})
    ASSERT_EQ(std::bit_cast<std::uint32_t>(a.*field), std::bit_cast<std::uint32_t>(b.*field));
}

/// Indices of several ranges: whole blocks, parts of blocks, and over their borders.
std::vector<std::uint64_t> several_ranges() {
  std::vector<std::uint64_t> out;
  for (std::uint64_t draw = 0; draw < 6; ++draw) {
    const std::uint64_t begin = feasible_indices(6, 77)[draw];
    for (std::uint64_t i = 0; i < 1500 && begin + i < test_space().size; ++i)
      out.push_back(begin + i);
  }
  return out;
}

TEST(Sharing, RangesGetTheBitsOfSingleCandidates) {
  std::vector<std::uint64_t> indices = several_ranges();
  const auto engine = make_engine("cpu");
  std::vector<Prediction> together(indices.size()), apart(indices.size());
  engine->predict(test_model(), test_space(), indices, together);
  // Far apart, no two neighbours are of one tiling.
  std::vector<std::size_t> place(indices.size());
  std::iota(place.begin(), place.end(), std::size_t{0});
  std::sort(place.begin(), place.end(), [](std::size_t a, std::size_t b) {
    return std::tuple(a % 1500, a) < std::tuple(b % 1500, b);
  });
  std::vector<std::uint64_t> scattered;
  for (const std::size_t p : place) scattered.push_back(indices[p]);
  engine->predict(test_model(), test_space(), scattered, apart);
  int feasible = 0;
  for (std::size_t i = 0; i < place.size(); ++i) {
    feasible += !std::isnan(apart[i].log_latency);
    ASSERT_EQ(std::isnan(apart[i].log_latency), std::isnan(together[place[i]].log_latency));
    if (!std::isnan(apart[i].log_latency)) expect_equal_bits(apart[i], together[place[i]]);
  }
  EXPECT_GT(feasible, 3000);
}

/// Bounds that are cheaper than predictions: equal bits of the means where they are meant to be,
/// and bounds where they are.
TEST(Sharing, BoundsOfPredictionsAreBounds) {
  const std::vector<std::uint64_t> indices = several_ranges();
  const auto engine = make_engine("cpu");
  std::vector<Prediction> all(indices.size()), bounds(indices.size()), sketch(indices.size());
  std::vector<ExactPrediction> exact(indices.size());
  const StarlightModel model = test_model().with_samples(test_samples(400, 3));
  engine->predict(model, test_space(), indices, all);
  engine->predict_bounds(model, test_space(), indices, bounds);
  engine->predict_sketch(model, test_space(), indices, sketch);
  engine->predict_exact(model, test_space(), indices, exact);
  const PosteriorTensors<double>& t = model.tensors_f64();
  const double slack = kScreenSdError * std::sqrt(t.unit_variance);
  int looser = 0;
  for (std::size_t i = 0; i < indices.size(); ++i) {
    if (std::isnan(all[i].log_latency)) continue;
    ASSERT_EQ(bounds[i].log_latency, all[i].log_latency);
    ASSERT_EQ(bounds[i].log_energy, all[i].log_energy);
    ASSERT_GE(bounds[i].log_latency_sd, all[i].log_latency_sd);
    ASSERT_GE(bounds[i].log_energy_sd, all[i].log_energy_sd);
    looser += bounds[i].log_latency_sd > all[i].log_latency_sd;
    ASSERT_LE(sketch[i].log_latency, exact[i].log_latency + kScreenMeanError);
    ASSERT_LE(sketch[i].log_energy, exact[i].log_energy + kScreenMeanError);
    ASSERT_GE(sketch[i].log_latency_sd, exact[i].log_latency_sd - slack * t.sd[0]);
    ASSERT_GE(sketch[i].log_energy_sd, exact[i].log_energy_sd - slack * t.sd[1]);
  }
  EXPECT_GT(looser, 1000);
}

TEST(Sharing, TheKBestOfARangeAreThoseOfBruteForce) {
  for (const std::uint64_t start : feasible_indices(3, 78)) {
    const std::uint64_t begin = start - std::min<std::uint64_t>(start, 500);
    const std::uint64_t end = std::min(begin + 9000, test_space().size);
    std::vector<std::uint64_t> indices(end - begin);
    std::iota(indices.begin(), indices.end(), begin);
    std::vector<ExactPrediction> exact(indices.size());
    const auto engine = make_engine("cpu");
    engine->predict_exact(test_model(), test_space(), indices, exact);
    double best = std::numeric_limits<double>::infinity();
    for (const ExactPrediction& p : exact)
      if (!std::isnan(p.log_latency)) best = std::min(best, edp_prediction(p).mean);
    for (const double incumbent : {best - 0.5, best, best + 1.0}) {
      const Acquisition acquisition{AcquisitionKind::log_expected_improvement, incumbent, 2.0};
      std::vector<Scored> expected;
      for (std::size_t i = 0; i < exact.size(); ++i) {
        if (std::isnan(exact[i].log_latency)) continue;
        const EdpPrediction edp = edp_prediction(exact[i]);
        expected.push_back({acquisition(edp.mean, edp.sd), indices[i]});
      }
      std::sort(expected.begin(), expected.end(), [](const Scored& a, const Scored& b) {
        return a.score > b.score || (a.score == b.score && a.index < b.index);
      });
      const std::vector<Scored> found =
          engine->top_k(test_model(), {test_space(), {}, begin, end}, acquisition, 50);
      ASSERT_EQ(found.size(), 50u);
      for (std::size_t i = 0; i < found.size(); ++i) {
        EXPECT_EQ(found[i].index, expected[i].index);
        EXPECT_EQ(found[i].score, expected[i].score);
      }
    }
  }
}

}  // namespace
}  // namespace polaris
