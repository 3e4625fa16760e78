#include <gtest/gtest.h>

#include "host/core/error.hpp"
#include "host/engine/engine.hpp"
#include "host/fit/pretrain.hpp"
#include "host/search/search.hpp"
#include "tests/search/synthetic.hpp"

namespace polaris {
namespace {

using testing::small_space;
using testing::small_workload;
using testing::SyntheticEvaluator;

const auto kSilent = [](const SearchStep&) {};

class Search : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    problem = new SearchProblem(small_workload(), small_space());
    std::vector<LayerPoint> points;
    for (std::uint64_t i = 0; i < 4000; ++i) {
      const int l = static_cast<int>(i % 3);
      const std::uint64_t h = problem->hardware()[i / 3 % problem->hardware().size()];
      const PointId id = problem->random_feasible(l, h, 17, i, 500);
      const DesignPoint point = problem->point(id);
      points.push_back({problem->layer(l), point.hardware, point.mapping});
    }
    PretrainOptions options;
    options.epochs = 4;
    pretrained = new Pretrained(pretrain(points, options));
    start = new std::vector<std::vector<MappingList>>(analytical_search(*problem, {}));
  }
  static void TearDownTestSuite() {
    delete problem;
    delete pretrained;
    delete start;
  }

  static SearchOptions options(std::uint64_t seed) {
    SearchOptions out;
    out.rtl_budget = 90;
    out.initial = 24;
    out.batch = 12;
    out.seed = out.proposer.seed = out.fit.seed = seed;
    out.proposer.candidates = 5000;
    out.fit.steps = 40;
    return out;
  }

  static SearchResult polaris(Evaluator& evaluator, const SearchOptions& options) {
    const auto engine = make_engine("cpu");
    return polaris_search(*problem, *start, *pretrained, *engine, evaluator, options, kSilent);
  }

  /// EDP (J*cycle) of the design by the law on a machine that is slower by a factor.
  static double edp_by_law(const std::vector<PointId>& points, double slowdown) {
    NetworkCost sum;
    for (const PointId id : points) {
      sum.cycles += slowdown * problem->count(id.layer) * testing::law_cycles(*problem, id);
      sum.energy_pj += 1.05 * problem->analytical_cost(id).energy_pj;
    }
    return sum.edp();
  }

  static SearchProblem* problem;
  static Pretrained* pretrained;
  static std::vector<std::vector<MappingList>>* start;
};

SearchProblem* Search::problem = nullptr;
Pretrained* Search::pretrained = nullptr;
std::vector<std::vector<MappingList>>* Search::start = nullptr;

TEST_F(Search, LearnsALawTheAnalyticalModelDoesNotKnow) {
  SyntheticEvaluator mine(*problem), analytical(*problem), random(*problem);
  const SearchOptions opts = options(1);
  const SearchResult a = polaris(mine, opts);
  const SearchResult b = analytical_only_search(*problem, *start, analytical, opts, kSilent);
  const SearchResult c = random_search(*problem, random, opts, kSilent);
  ASSERT_TRUE(a.best && b.best && c.best);
  EXPECT_LT(a.best->cost.edp(), b.best->cost.edp());
  EXPECT_LT(a.best->cost.edp(), c.best->cost.edp());
  EXPECT_LE(a.runs, opts.rtl_budget);
  EXPECT_EQ(a.runs, mine.runs);
  EXPECT_TRUE(mine.feasible);
  EXPECT_FALSE(mine.repeated);
  // The steps never get worse, and the result is what was measured.
  for (std::size_t i = 1; i < a.steps.size(); ++i)
    EXPECT_LE(a.steps[i].best_edp, a.steps[i - 1].best_edp);
  EXPECT_NEAR(edp_by_law(a.best->points, 1.0), a.best->cost.edp(), 1e-9 * a.best->cost.edp());
}

TEST_F(Search, SameSeedSameResultWhateverTheThreads) {
  SyntheticEvaluator one(*problem), two(*problem);
  SearchOptions opts = options(2);
  opts.proposer.threads = opts.fit.threads = 1;
  const SearchResult a = polaris(one, opts);
  opts.proposer.threads = opts.fit.threads = 2;
  const SearchResult b = polaris(two, opts);
  ASSERT_TRUE(a.best && b.best);
  EXPECT_EQ(one.seen, two.seen);
  EXPECT_EQ(a.best->points, b.best->points);
  EXPECT_EQ(a.best->cost.edp(), b.best->cost.edp());
}

TEST_F(Search, FailedRunsAreCountedAndDoNotEndIt) {
  SyntheticEvaluator flaky(*problem, 5);
  const SearchResult result = polaris(flaky, options(3));
  ASSERT_TRUE(result.best);
  EXPECT_EQ(result.failed, flaky.runs / 5);
  EXPECT_FALSE(flaky.repeated);
}

TEST_F(Search, AllRunsFailing) {
  SyntheticEvaluator broken(*problem, 1);
  const SearchResult result = polaris(broken, options(4));
  EXPECT_FALSE(result.best);
  EXPECT_EQ(result.failed, result.runs);
  SyntheticEvaluator broken_too(*problem, 1);
  EXPECT_FALSE(random_search(*problem, broken_too, options(4), kSilent).best);
}

// A machine that loses everything costs one batch, not the budget.
TEST_F(Search, AMachineThatLosesEveryRunEndsIt) {
  for (int strategy = 0; strategy < 3; ++strategy) {
    SyntheticEvaluator gone(*problem, 1, RunOutcome::unavailable);
    const SearchOptions opts = options(4);
    const SearchResult result = strategy == 0 ? polaris(gone, opts)
                                : strategy == 1
                                    ? random_search(*problem, gone, opts, kSilent)
                                    : analytical_only_search(*problem, *start, gone, opts, kSilent);
    EXPECT_FALSE(result.best);
    EXPECT_EQ(result.stop_reason, kMachineFailed);
    EXPECT_EQ(result.unavailable, result.runs);
    EXPECT_EQ(result.failed, 0);
    EXPECT_LT(result.runs, opts.rtl_budget / 2) << strategy;
  }
}

TEST_F(Search, LostRunsAreCountedAndDoNotEndIt) {
  SyntheticEvaluator flaky(*problem, 5, RunOutcome::unavailable);
  const SearchResult result = polaris(flaky, options(3));
  ASSERT_TRUE(result.best);
  EXPECT_EQ(result.unavailable, flaky.runs / 5);
  EXPECT_EQ(result.failed, 0);
  EXPECT_FALSE(flaky.repeated);
}

// Fewer measurements than a model needs at first: the analytical model chooses until there are.
TEST_F(Search, GoesOnWhereTheFirstRunsAreTooFew) {
  for (const int budget : {4, 8, 9, 40}) {
    SyntheticEvaluator evaluator(*problem, 3);
    SearchOptions opts = options(9);
    opts.initial = 1;
    opts.batch = 2;
    opts.rtl_budget = budget;
    const SearchResult result = polaris(evaluator, opts);
    EXPECT_EQ(result.runs, budget);
    EXPECT_FALSE(evaluator.repeated);
    EXPECT_EQ(result.stop_reason, "RTL budget");
  }
}

// The machine takes fifty times the cycles that anyone expects: the first limits stop every run,
// and the same design wins that wins with room for all.
TEST_F(Search, LimitsDoNotDecideTheWinner) {
  for (const EvaluatorKind kind : {EvaluatorKind::built_in, EvaluatorKind::foreign}) {
    SyntheticEvaluator slow(*problem);
    slow.slowdown = kind == EvaluatorKind::built_in ? 3000.0 : 100'000.0;
    SearchOptions opts = options(10);
    opts.evaluator = kind;
    opts.rtl_budget = 400;
    const SearchResult result = polaris(slow, opts);
    ASSERT_TRUE(result.best);
    EXPECT_GT(result.stopped, 0);
    EXPECT_FALSE(slow.repeated);
    // The analytically best design is measured to its end too, by the search and by its rival.
    const double analytical =
        edp_by_law(best_analytical_design(*problem, *start).points, slow.slowdown);
    EXPECT_LE(result.best->cost.edp(), analytical * (1 + 1e-9));
    SyntheticEvaluator slow_too(*problem);
    slow_too.slowdown = slow.slowdown;
    const SearchResult rival = analytical_only_search(*problem, *start, slow_too, opts, kSilent);
    ASSERT_TRUE(rival.best);
    EXPECT_LE(rival.best->cost.edp(), analytical * (1 + 1e-9));
  }
}

TEST_F(Search, StopsWithoutGain) {
  SyntheticEvaluator evaluator(*problem);
  SearchOptions opts = options(5);
  opts.rtl_budget = 100000;
  opts.patience = 2;
  const SearchResult result = polaris(evaluator, opts);
  EXPECT_EQ(result.stop_reason, "no gain");
}

TEST_F(Search, BudgetSmallerThanOneDesign) {
  SyntheticEvaluator evaluator(*problem), other(*problem);
  SearchOptions opts = options(6);
  opts.rtl_budget = 2;
  const SearchResult result = polaris(evaluator, opts);
  EXPECT_EQ(result.runs, 2);
  EXPECT_FALSE(result.best);
  EXPECT_EQ(random_search(*problem, other, opts, kSilent).runs, 0);
}

/// A mapper's job: one layer on one machine.
class SmallSearch : public ::testing::TestWithParam<int> {
 protected:
  static SearchProblem one_layer(std::initializer_list<std::int32_t> sizes) {
    DesignSpace space = small_space();
    for (int a = 0; a < kHardwareAxes; ++a) space.hardware.count[a] = 1;
    Workload workload;
    workload.name = "one";
    workload.layers = {{"only", testing::make_layer(sizes), 1}};
    return {workload, space};
  }
  static SearchResult search(const SearchProblem& problem, SyntheticEvaluator& evaluator,
                             int initial, int budget) {
    std::vector<LayerPoint> points;
    for (std::uint64_t i = 0; i < 500; ++i) {
      const DesignPoint point = problem.point(problem.random_feasible(0, 0, 17, i, 500));
      points.push_back({problem.layer(0), point.hardware, point.mapping});
    }
    PretrainOptions pretrain_options;
    pretrain_options.epochs = 1;
    const Pretrained pretrained = pretrain(points, pretrain_options);
    SearchOptions opts;
    opts.rtl_budget = budget;
    opts.initial = initial;
    opts.batch = 40;
    opts.proposer.candidates = 2000;
    opts.fit.steps = 20;
    const auto engine = make_engine("cpu");
    return polaris_search(problem, analytical_search(problem, {}), pretrained, *engine, evaluator,
                          opts, kSilent);
  }
  /// Representatives of the feasible mappings, counted one by one.
  static std::set<PointId> all_points(const SearchProblem& problem) {
    std::set<PointId> out;
    for (std::uint64_t i = 0; i < problem.view(0).size; ++i)
      if (problem.feasible({0, i})) out.insert(problem.representative({0, i}));
    return out;
  }
};

// A budget larger than the space measures all of it and says so; the winner is the least of all.
TEST_P(SmallSearch, MeasuresEveryMappingOfATinySpace) {
  for (const auto sizes : {std::initializer_list<std::int32_t>{1, 1, 1, 1, 1, 1, 1},
                           {1, 1, 2, 1, 2, 1, 1},
                           {1, 1, 4, 1, 3, 2, 1},
                           {2, 1, 2, 1, 2, 3, 1}}) {
    const SearchProblem problem = one_layer(sizes);
    const std::set<PointId> all = all_points(problem);
    SyntheticEvaluator evaluator(problem);
    const SearchResult result =
        search(problem, evaluator, GetParam(), static_cast<int>(all.size()) + 50);
    EXPECT_EQ(evaluator.seen, all);
    EXPECT_EQ(result.runs, static_cast<int>(all.size()));
    EXPECT_EQ(result.stop_reason, "every candidate measured");
    EXPECT_FALSE(evaluator.repeated);
    ASSERT_TRUE(result.best);
    double least = std::numeric_limits<double>::infinity();
    for (const PointId id : all)
      least = std::min(least, testing::law_cycles(problem, id) * 1.05e-12 *
                                  problem.analytical_cost(id).energy_pj);
    EXPECT_NEAR(result.best->cost.edp(), least, 1e-9 * least);
  }
}

// While candidates are left the whole budget is used, also where none promises a gain.
TEST_P(SmallSearch, UsesItsBudgetWhileCandidatesAreLeft) {
  const SearchProblem problem = one_layer({3, 3, 8, 8, 16, 16, 1});
  SyntheticEvaluator evaluator(problem);
  const SearchResult result = search(problem, evaluator, GetParam(), 60);
  EXPECT_EQ(result.runs, 60);
  EXPECT_EQ(result.stop_reason, "RTL budget");
  EXPECT_FALSE(evaluator.repeated);
}

INSTANTIATE_TEST_SUITE_P(Initial, SmallSearch, ::testing::Values(0, 8));

// Bounds from the best measured design stop hopeless runs early, and change no result.
TEST_F(Search, BoundsSaveCyclesAndChangeNoResult) {
  for (const bool random : {false, true}) {
    SyntheticEvaluator with(*problem), without(*problem);
    SearchOptions opts = options(8);
    const auto search = [&](Evaluator& evaluator) {
      return random ? random_search(*problem, evaluator, opts, kSilent)
                    : analytical_only_search(*problem, *start, evaluator, opts, kSilent);
    };
    const SearchResult a = search(with);
    opts.evaluator = EvaluatorKind::foreign;
    const SearchResult b = search(without);
    ASSERT_TRUE(a.best && b.best);
    EXPECT_EQ(a.best->points, b.best->points);
    EXPECT_EQ(a.best->cost.edp(), b.best->cost.edp());
    EXPECT_LE(with.simulated_cycles, without.simulated_cycles);
    // Designs in the order of their analytical EDP: most of the later ones are hopeless.
    if (!random) {
      EXPECT_LT(with.simulated_cycles, 0.5 * without.simulated_cycles);
    }
  }
}

// What random search proves of its draws holds when all of them are run to their end.
TEST_F(Search, RandomSearchBoundsTheLeastOfItsDraws) {
  SyntheticEvaluator bounded(*problem);
  const SearchOptions opts = options(7);
  const SearchResult result = random_search(*problem, bounded, opts, kSilent);
  ASSERT_GT(result.runs, 0);
  double least = std::numeric_limits<double>::infinity();
  for (int n = 0; n < opts.rtl_budget / problem->layer_count(); ++n)
    least = std::min(least, edp_by_law(random_design(*problem, opts.seed, n), 1.0));
  EXPECT_LE(result.least_edp, least * (1 + 1e-12));
  if (result.best) {
    EXPECT_GE(result.best->cost.edp(), least * (1 - 1e-12));
  }
}

}  // namespace
}  // namespace polaris
