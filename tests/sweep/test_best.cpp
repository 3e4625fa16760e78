// The lists of a sweep against their definitions.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "host/sweep/best.hpp"
#include "models/space/philox.hpp"

namespace polaris {
namespace {

std::vector<std::uint64_t> indices(const BestList& list) {
  std::vector<std::uint64_t> out;
  for (const RankedPoint& p : list.points()) out.push_back(p.key.index);
  return out;
}

TEST(BestList, KeepsTheFirstByScoreThenIndex) {
  BestList list(3);
  EXPECT_EQ(list.threshold(), std::numeric_limits<double>::infinity());
  for (const auto& [score, index] : std::vector<std::pair<double, std::uint64_t>>{
           {2.0, 9}, {1.0, 7}, {2.0, 4}, {2.0, 3}, {5.0, 1}})
    list.offer({{score, index}, {}});
  EXPECT_THAT(indices(list), testing::ElementsAre(7, 3, 4));
  EXPECT_EQ(list.threshold(), 2.0);
}

TEST(BestList, OfferedTwiceStandsOnce) {
  BestList list(3);
  for (int i = 0; i < 2; ++i) {
    list.offer({{1.0, 5}, {}});
    list.offer({{1.0, 6}, {}});
  }
  EXPECT_THAT(indices(list), testing::ElementsAre(5, 6));
  BestList other = list;
  other.merge(list);
  EXPECT_THAT(indices(other), testing::ElementsAre(5, 6));
}

/// Few distinct values, so that ties are frequent.
std::vector<FrontPoint> random_points(std::uint64_t seed, int count) {
  std::vector<FrontPoint> out;
  for (int i = 0; i < count; ++i) {
    const auto n = static_cast<std::uint64_t>(i);
    out.push_back({static_cast<double>(uniform_below(12, seed, 0, n)),
                   static_cast<double>(uniform_below(12, seed, 1, n)),
                   n,
                   {}});
  }
  return out;
}

TEST(ParetoFront, EqualsItsDefinitionInAnyOrder) {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    std::vector<FrontPoint> points = random_points(seed, 1 + static_cast<int>(seed % 40));
    std::vector<std::uint64_t> wanted;
    for (const FrontPoint& a : points)
      if (std::none_of(points.begin(), points.end(), [&a](const FrontPoint& b) {
            if (b.latency > a.latency || b.energy > a.energy) return false;
            return b.latency < a.latency || b.energy < a.energy || b.index < a.index;
          }))
        wanted.push_back(a.index);
    for (int order = 0; order < 3; ++order) {
      ParetoFront front, half;
      for (std::size_t i = 0; i < points.size(); ++i) (i % 2 == 0 ? front : half).offer(points[i]);
      front.merge(half);
      front.merge(half);
      std::vector<std::uint64_t> got;
      for (const FrontPoint& p : front.points()) got.push_back(p.index);
      for (std::size_t i = 1; i < front.points().size(); ++i) {
        EXPECT_LT(front.points()[i - 1].latency, front.points()[i].latency);
        EXPECT_GT(front.points()[i - 1].energy, front.points()[i].energy);
      }
      EXPECT_THAT(got, testing::UnorderedElementsAreArray(wanted)) << "seed " << seed;
      if (order == 0) std::reverse(points.begin(), points.end());
      if (order == 1) std::rotate(points.begin(), points.begin() + 1, points.end());
    }
  }
}

}  // namespace
}  // namespace polaris
