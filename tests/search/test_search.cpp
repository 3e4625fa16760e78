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
  NetworkCost sum;
  for (int l = 0; l < problem->layer_count(); ++l) {
    const PointId id = a.best->points[static_cast<std::size_t>(l)];
    sum.cycles += problem->count(l) * testing::law_cycles(*problem, id);
    sum.energy_pj += 1.05 * problem->analytical_cost(id).energy_pj;
  }
  EXPECT_NEAR(sum.edp(), a.best->cost.edp(), 1e-9 * sum.edp());
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
  EXPECT_THROW(polaris(broken, options(4)), Failure);
  SyntheticEvaluator broken_too(*problem, 1);
  EXPECT_FALSE(random_search(*problem, broken_too, options(4), kSilent).best);
}

TEST_F(Search, StopsWithoutGain) {
  SyntheticEvaluator evaluator(*problem);
  SearchOptions opts = options(5);
  opts.rtl_budget = 100000;
  opts.patience = 2;
  const SearchResult result = polaris(evaluator, opts);
  EXPECT_TRUE(result.stop_reason == "no gain" || result.stop_reason == "no candidate left")
      << result.stop_reason;
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
    opts.bounded = false;
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
  for (int n = 0; n < opts.rtl_budget / problem->layer_count(); ++n) {
    NetworkCost sum;
    for (const PointId id : random_design(*problem, opts.seed, n)) {
      sum.cycles += problem->count(id.layer) * testing::law_cycles(*problem, id);
      sum.energy_pj += 1.05 * problem->analytical_cost(id).energy_pj;
    }
    least = std::min(least, sum.edp());
  }
  EXPECT_LE(result.least_edp, least * (1 + 1e-12));
  if (result.best) {
    EXPECT_GE(result.best->cost.edp(), least * (1 - 1e-12));
  }
}

}  // namespace
}  // namespace polaris
