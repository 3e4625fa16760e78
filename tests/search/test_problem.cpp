#include <gtest/gtest.h>

#include "host/core/error.hpp"
#include "host/search/analytical_search.hpp"
#include "host/search/observations.hpp"
#include "host/search/problem.hpp"
#include "models/analytical/area.hpp"
#include "tests/search/synthetic.hpp"

namespace polaris {
namespace {

using testing::small_space;
using testing::small_workload;

TEST(SearchProblem, FallbackFitsEveryHardware) {
  const SearchProblem problem(small_workload(), small_space());
  for (const std::uint64_t h : problem.hardware())
    for (int l = 0; l < problem.layer_count(); ++l) {
      const PointId id = problem.fallback(l, h);
      EXPECT_TRUE(problem.feasible(id));
      EXPECT_EQ(problem.hardware_of(id), h);
      const PointId random = problem.random_feasible(l, h, 3, 0, 100);
      EXPECT_TRUE(problem.feasible(random));
      EXPECT_EQ(problem.hardware_of(random), h);
    }
}

TEST(SearchProblem, AreaLimitExcludesHardware) {
  DesignSpace space = small_space();
  const SearchProblem all(small_workload(), space);
  std::vector<double> areas;
  for (const std::uint64_t h : all.hardware()) areas.push_back(area_mm2(all.hardware_config(h)));
  std::sort(areas.begin(), areas.end());
  space.max_area_mm2 = areas[areas.size() / 2];
  const SearchProblem some(small_workload(), space);
  EXPECT_LT(some.hardware().size(), all.hardware().size());
  for (const std::uint64_t h : some.hardware()) {
    EXPECT_LE(area_mm2(some.hardware_config(h)), space.max_area_mm2);
    EXPECT_EQ(some.hardware()[static_cast<std::size_t>(some.hardware_position(h))], h);
  }
  space.max_area_mm2 = areas.front() / 2;
  EXPECT_THROW(SearchProblem(small_workload(), space), Error);
}

TEST(SearchProblem, LowerBoundIsBelowTheAnalyticalCost) {
  const SearchProblem problem(small_workload(), small_space());
  for (std::uint64_t i = 0; i < 500; ++i) {
    const int l = static_cast<int>(i % 3);
    const std::uint64_t h = problem.hardware()[i % problem.hardware().size()];
    const PointId id = problem.random_feasible(l, h, 9, i, 200);
    EXPECT_LE(problem.lower_bound(id).cycles, problem.analytical_cost(id).cycles);
    EXPECT_LE(problem.lower_bound(id).energy_pj, problem.analytical_cost(id).energy_pj);
  }
}

TEST(SearchProblem, EqualLayersAreOne) {
  Workload listed = small_workload(), counted = small_workload();
  counted.layers[0].count = 2 + 5;
  counted.layers[2].count = 3 + 1;
  listed.layers.push_back({"conv_again", listed.layers[0].layer, 5});
  listed.layers.push_back({"gemm_again", listed.layers[2].layer, 1});
  const SearchProblem a(listed, small_space()), b(counted, small_space());
  ASSERT_EQ(a.layer_count(), 3);
  for (int l = 0; l < 3; ++l) {
    EXPECT_EQ(a.count(l), b.count(l));
    EXPECT_EQ(a.workload().layers[static_cast<std::size_t>(l)].name,
              b.workload().layers[static_cast<std::size_t>(l)].name);
  }
  EXPECT_EQ(a.names(0), (std::vector<std::string>{"conv", "conv_again"}));
  EXPECT_EQ(a.names(1), (std::vector<std::string>{"strided"}));
  // Strides are part of what makes layers equal.
  listed.layers.back().layer.stride_w = 2;
  EXPECT_EQ(SearchProblem(listed, small_space()).layer_count(), 4);
}

TEST(SearchProblem, BoundOfAnyMappingIsBelowThatOfEach) {
  const SearchProblem problem(small_workload(), small_space());
  for (std::uint64_t i = 0; i < 500; ++i) {
    const int l = static_cast<int>(i % 3);
    const std::uint64_t h = problem.hardware()[i % problem.hardware().size()];
    const PointId id = problem.random_feasible(l, h, 9, i, 200);
    EXPECT_LE(problem.lower_bound(l, h).cycles, problem.lower_bound(id).cycles);
    EXPECT_LE(problem.lower_bound(l, h).energy_pj, problem.lower_bound(id).energy_pj);
    EXPECT_GE(problem.expected_cycles(id) * problem.count(l), problem.lower_bound(id).cycles);
  }
}

TEST(AnalyticalSearch, EndsInLocalOptimaAndIsReproducible) {
  const SearchProblem problem(small_workload(), small_space());
  AnalyticalSearchOptions options;
  options.seed = 5;
  options.threads = 1;
  const auto lists = analytical_search(problem, options);
  options.threads = 2;
  const auto again = analytical_search(problem, options);
  ASSERT_EQ(lists.size(), problem.hardware().size());
  for (std::size_t h = 0; h < lists.size(); ++h)
    for (int l = 0; l < problem.layer_count(); ++l) {
      const MappingList& list = lists[h][static_cast<std::size_t>(l)];
      ASSERT_FALSE(list.points.empty());
      EXPECT_EQ(list.points, again[h][static_cast<std::size_t>(l)].points);
      const PointId best = list.points.front();
      const double edp = list.costs.front().cycles * list.costs.front().energy_pj;
      const LayerSpaceView& view = problem.view(l);
      for (int move = 2 * kHardwareAxes; move < view.neighbour_count(); ++move) {
        const PointId other{l, view.neighbour(best.index, move)};
        if (other.index == kNoIndex || !problem.feasible(other)) continue;
        const LayerCost cost = problem.analytical_cost(other);
        EXPECT_GE(cost.cycles * cost.energy_pj, edp);
      }
      for (const PointId id : list.points) EXPECT_EQ(problem.representative(id), id);
      for (std::size_t i = 1; i < list.points.size(); ++i)
        EXPECT_LE(list.costs[i - 1].cycles * list.costs[i - 1].energy_pj,
                  list.costs[i].cycles * list.costs[i].energy_pj);
    }
}

// Many descents find the same optimum whatever the seed: none is left in a poor basin.
TEST(AnalyticalSearch, SeedsAgreeOnTheBest) {
  const SearchProblem problem(small_workload(), small_space());
  AnalyticalSearchOptions options;
  const auto first = best_analytical_design(problem, analytical_search(problem, options));
  for (options.seed = 1; options.seed < 6; ++options.seed) {
    const auto design = best_analytical_design(problem, analytical_search(problem, options));
    EXPECT_DOUBLE_EQ(design.cost.edp(), first.cost.edp()) << options.seed;
    EXPECT_EQ(design.hardware, first.hardware);
  }
}

TEST(Observations, BestNeedsEveryLayerOnOneHardware) {
  const SearchProblem problem(small_workload(), small_space());
  Observations observations(problem);
  EXPECT_FALSE(observations.best());
  const auto add = [&](int layer, std::size_t h, double cycles, RunOutcome outcome) {
    const PointId id =
        problem.random_feasible(layer, problem.hardware()[h], 1, observations.size(), 500);
    observations.add({id, outcome, cycles, 10.0});
    EXPECT_TRUE(observations.known(id));
  };
  add(0, 0, 100, RunOutcome::measured);
  add(1, 0, 100, RunOutcome::measured);
  add(2, 1, 100, RunOutcome::measured);
  add(2, 0, 100, RunOutcome::failed);
  add(2, 0, 1, RunOutcome::stopped);
  EXPECT_FALSE(observations.best());
  add(2, 0, 50, RunOutcome::measured);
  ASSERT_TRUE(observations.best());
  // Counts 2, 1, 3: cycles 200 + 100 + 150, energy 20 + 10 + 30 pJ.
  EXPECT_DOUBLE_EQ(observations.best()->cost.edp(), 450 * 60e-12);
  EXPECT_EQ(observations.best()->hardware, problem.hardware()[0]);
}

}  // namespace
}  // namespace polaris
