#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "host/search/run_limits.hpp"
#include "tests/search/synthetic.hpp"

namespace polaris {
namespace {

using testing::small_space;
using testing::small_workload;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// Three input channels use three of 64 rows: such a layer needs 21 times what a full array would.
TEST(RunLimits, LeaveRoomForLayersThatUseLittleOfTheArray) {
  DesignSpace space = small_space();
  space.hardware.count[0] = 1;
  space.hardware.value[0][0] = 64;
  Workload workload;
  workload.name = "first layer";
  workload.layers = {{"conv1", testing::make_layer({7, 7, 112, 112, 3, 64, 1}, 2), 1},
                     {"depth", testing::make_layer({1, 1, 56, 56, 1, 1, 1}), 1}};
  const SearchProblem problem(workload, space);
  for (int l = 0; l < 2; ++l)
    for (std::uint64_t i = 0; i < 50; ++i) {
      const PointId id = problem.random_feasible(l, problem.hardware()[0], 1, i, 500);
      EXPECT_GE(first_cycle_limit(problem, id, EvaluatorKind::built_in),
                3.9 * problem.analytical_cost(id).cycles);
    }
}

TEST(RunLimits, GrowWithTheMemoryAndAfterAStop) {
  DesignSpace space = small_space();
  const SearchProblem usual(small_workload(), space);
  space.memory.latency = 1000;
  space.memory.max_outstanding = 1;
  const SearchProblem slow(small_workload(), space);
  const PointId id = usual.fallback(0, usual.hardware()[0]);
  const std::int64_t limit = first_cycle_limit(usual, id, EvaluatorKind::built_in);
  EXPECT_GT(first_cycle_limit(slow, id, EvaluatorKind::built_in), 100 * limit);
  EXPECT_GT(first_cycle_limit(usual, id, EvaluatorKind::foreign), limit);
  EXPECT_GE(next_cycle_limit(static_cast<double>(limit)), 2 * limit);
  EXPECT_EQ(next_cycle_limit(1e300), next_cycle_limit(1e200));
}

// At its losing cycles a point cannot win even where all else is as good as bounds allow; well
// below them it can.
TEST(RunLimits, LosingCyclesAreProof) {
  const SearchProblem problem(small_workload(), small_space());
  const std::uint64_t hardware = problem.hardware()[3];
  for (int l = 0; l < problem.layer_count(); ++l) {
    const PointId id = problem.fallback(l, hardware);
    NetworkCost others;
    for (int o = 0; o < problem.layer_count(); ++o) {
      const LayerCost bound = o == l ? problem.lower_bound(id) : problem.lower_bound(o, hardware);
      others.energy_pj += bound.energy_pj;
      if (o != l) others.cycles += bound.cycles;
    }
    const double incumbent =
        NetworkCost{others.cycles + 1e6 * problem.count(l), others.energy_pj}.edp();
    const double cycles = static_cast<double>(losing_cycles(problem, id, incumbent));
    EXPECT_GE((NetworkCost{others.cycles + cycles * problem.count(l), others.energy_pj}.edp()),
              incumbent);
    EXPECT_NEAR(cycles, 1e6, 3.0);
    EXPECT_GT(losing_cycles(problem, id, kInfinity), 1'000'000'000'000);
    EXPECT_GE(losing_cycles(problem, id, 0.0), 1);
  }
}

class Undecided : public ::testing::Test {
 protected:
  PointId add(int layer, std::size_t position, RunOutcome outcome, double cycles) {
    const PointId id =
        problem.random_feasible(layer, problem.hardware()[position], 1, observations.size(), 500);
    observations.add({id, outcome, cycles, outcome == RunOutcome::measured ? 1e6 : 0.0});
    return id;
  }
  double best() const { return observations.best() ? observations.best()->cost.edp() : kInfinity; }

  SearchProblem problem{small_workload(), small_space()};
  Observations observations{problem};
};

TEST_F(Undecided, StoppedRunsMatterUntilTheyCannotWin) {
  const PointId stopped = add(0, 2, RunOutcome::stopped, 1000);
  EXPECT_EQ(undecided_runs(problem, observations, best(), EvaluatorKind::built_in),
            std::vector<PointId>{stopped});
  // Another machine is measured in every layer, far worse than what the stopped run proves of its
  // own.
  for (int l = 0; l < 3; ++l) add(l, 5, RunOutcome::measured, 1e9);
  EXPECT_EQ(undecided_runs(problem, observations, best(), EvaluatorKind::built_in),
            std::vector<PointId>{stopped});
  // The other layers of its machine turn out slow: it cannot win any more.
  add(1, 2, RunOutcome::measured, 1e14);
  add(2, 2, RunOutcome::measured, 1e14);
  EXPECT_TRUE(undecided_runs(problem, observations, best(), EvaluatorKind::built_in).empty());
}

TEST_F(Undecided, AMeasurementSettlesIt) {
  const PointId stopped = add(0, 2, RunOutcome::stopped, 1000);
  observations.add({stopped, RunOutcome::measured, 5000.0, 1e6});
  EXPECT_TRUE(observations.stopped().empty());
  EXPECT_TRUE(undecided_runs(problem, observations, best(), EvaluatorKind::built_in).empty());
}

// The energy of a foreign flow has no lower bound, so only cycles speak.
TEST_F(Undecided, ForeignEvaluatorsProveLess) {
  add(0, 5, RunOutcome::stopped, 1e6);
  for (int l = 0; l < 3; ++l) add(l, 5, RunOutcome::measured, 1e5);
  const double incumbent = best();
  const auto built_in = undecided_runs(problem, observations, incumbent, EvaluatorKind::built_in);
  const auto foreign = undecided_runs(problem, observations, incumbent, EvaluatorKind::foreign);
  EXPECT_LE(built_in.size(), foreign.size());
}

}  // namespace
}  // namespace polaris
