#include <gtest/gtest.h>

#include <set>

#include "host/search/initial_design.hpp"
#include "tests/search/synthetic.hpp"

namespace polaris {
namespace {

using testing::small_space;
using testing::small_workload;

TEST(InitialDesign, BeginsWithTheBestDesignAndRepeatsNothing) {
  const SearchProblem problem(small_workload(), small_space());
  const auto start = analytical_search(problem, {});
  const std::vector<PointId> best = best_analytical_design(problem, start).points;
  for (const int count : {0, 1, 8, 48, 300}) {
    const std::vector<PointId> design = initial_design(problem, start, count, 4);
    EXPECT_EQ(design, initial_design(problem, start, count, 4));
    ASSERT_GE(design.size(), best.size());
    EXPECT_TRUE(std::equal(best.begin(), best.end(), design.begin()));
    EXPECT_EQ(design.size(), best.size() + static_cast<std::size_t>(count));
    EXPECT_EQ(std::set<PointId>(design.begin(), design.end()).size(), design.size());
    for (const PointId id : design) {
      EXPECT_TRUE(problem.feasible(id));
      EXPECT_EQ(problem.representative(id), id);
    }
  }
}

// No first run takes many times the cycles of a good mapping of its layer and machine.
TEST(InitialDesign, LeavesHopelessMappingsOut) {
  const SearchProblem problem(small_workload(), small_space());
  const auto start = analytical_search(problem, {});
  for (const PointId id : initial_design(problem, start, 200, 7)) {
    const int position = problem.hardware_position(problem.hardware_of(id));
    const MappingList& list =
        start[static_cast<std::size_t>(position)][static_cast<std::size_t>(id.layer)];
    const bool listed = std::find(list.points.begin(), list.points.end(), id) != list.points.end();
    EXPECT_TRUE(listed ||
                problem.expected_cycles(id) <= 4.0 * problem.expected_cycles(list.points.front()));
  }
}

}  // namespace
}  // namespace polaris
