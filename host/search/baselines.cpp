// The rivals: analytical-only and random search.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <numeric>

#include "host/core/interrupt.hpp"
#include "host/search/search.hpp"

namespace polaris {
namespace {

constexpr std::uint64_t kRandomStream = std::uint64_t{1} << 61;
constexpr int kRandomTries = 20'000;

struct Draft {
  std::vector<PointId> points;  ///< per layer
  double analytical_edp = 0.0;
  NetworkCost bound;  ///< no RTL measurement can be below
};

LayerCost bound_of(const SearchProblem& problem, const SearchOptions& options, PointId id) {
  return options.bounded ? problem.lower_bound(id) : LayerCost{};
}

Draft make_draft(const SearchProblem& problem, const SearchOptions& options,
                 std::vector<PointId> points) {
  NetworkCost sum, bound;
  for (const PointId id : points) {
    const LayerCost cost = problem.analytical_cost(id);
    const LayerCost least = bound_of(problem, options, id);
    sum.cycles += cost.cycles;
    sum.energy_pj += cost.energy_pj;
    bound.cycles += least.cycles;
    bound.energy_pj += least.energy_pj;
  }
  return {std::move(points), sum.edp(), bound};
}

/// Measures whole designs one after the other.
class DesignRunner {
 public:
  DesignRunner(const SearchProblem& problem, Evaluator& evaluator, const SearchOptions& options,
               const SearchProgress& progress, std::string strategy)
      : problem_(problem), evaluator_(evaluator), options_(options), progress_(progress) {
    result_.strategy = std::move(strategy);
  }

  /// Runs drafts in order until the budget, the time or the drafts end. Those that cannot be below
  /// the best measured design are passed over; with `bound_suffices` also those that cannot be
  /// below what a stopped run has proved of its design.
  SearchResult run(const std::vector<Draft>& drafts, bool bound_suffices) {
    result_.stop_reason = "all designs measured or excluded";
    for (const Draft& draft : drafts) {
      const double least = bound_suffices ? std::min(incumbent(), result_.least_edp) : incumbent();
      if (stopped(draft) || draft.bound.edp() >= least) {
        unrun_bound_ = std::min(unrun_bound_, draft.bound.edp());
        continue;
      }
      measure(draft);
    }
    result_.least_edp = std::min(result_.least_edp, unrun_bound_);
    return std::move(result_);
  }

 private:
  double elapsed() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  }

  double incumbent() const {
    return result_.best ? result_.best->cost.edp() : std::numeric_limits<double>::infinity();
  }

  bool stopped(const Draft& draft) {
    if (stopped_) return true;
    stopped_ = true;
    if (interrupted())
      result_.stop_reason = "interrupted";
    else if (options_.time_limit_s > 0 && elapsed() > options_.time_limit_s)
      result_.stop_reason = "time limit";
    else if (result_.runs + static_cast<int>(draft.points.size()) > options_.rtl_budget)
      result_.stop_reason = "RTL budget";
    else
      stopped_ = false;
    return stopped_;
  }

  /// Bounds of all layers but one leave that layer so many cycles before the design's EDP passes
  /// the best measured one.
  std::vector<RunRequest> requests(const Draft& draft) const {
    std::vector<RunRequest> out;
    for (const PointId id : draft.points) {
      const double slack = incumbent() / (draft.bound.energy_pj * 1e-12) - draft.bound.cycles;
      const double least = bound_of(problem_, options_, id).cycles;
      const double allowed = (least + slack) / problem_.count(id.layer);
      const double limit = static_cast<double>(cycle_limit(problem_, id));
      out.push_back({id, static_cast<std::int64_t>(std::min(allowed, limit))});
    }
    return out;
  }

  void measure(const Draft& draft) {
    const std::vector<RunRequest> batch = requests(draft);
    evaluator_.submit(batch);
    MeasuredDesign design;
    design.hardware = problem_.hardware_of(draft.points.front());
    const std::vector<Observation> runs = evaluator_.wait();
    NetworkCost proved = draft.bound;
    for (std::size_t i = 0; i < runs.size(); ++i) {
      const Observation& run = runs[i];
      const double count = problem_.count(run.id.layer);
      const LayerCost bound = bound_of(problem_, options_, run.id);
      ++result_.runs;
      result_.stopped += run.outcome == RunOutcome::stopped;
      result_.failed += run.outcome == RunOutcome::failed;
      if (run.outcome == RunOutcome::stopped && run.id == batch[i].id)
        proved.cycles +=
            std::max(0.0, count * static_cast<double>(batch[i].max_cycles) - bound.cycles);
      if (run.outcome != RunOutcome::measured) continue;
      design.points.push_back(run.id);
      design.costs.push_back({count * run.cycles, count * run.energy_pj});
      design.cost.cycles += design.costs.back().cycles;
      design.cost.energy_pj += design.costs.back().energy_pj;
      proved.cycles += design.costs.back().cycles - bound.cycles;
      proved.energy_pj += design.costs.back().energy_pj - bound.energy_pj;
    }
    result_.least_edp = std::min(result_.least_edp, proved.edp());
    if (design.points.size() == draft.points.size() && design.cost.edp() < incumbent())
      result_.best = std::move(design);
    SearchStep step;
    step.iteration = static_cast<int>(result_.steps.size()) + 1;
    step.runs = result_.runs;
    step.best_edp = incumbent();
    step.elapsed_seconds = elapsed();
    result_.steps.push_back(step);
    progress_(step);
  }

  const SearchProblem& problem_;
  Evaluator& evaluator_;
  const SearchOptions& options_;
  const SearchProgress& progress_;
  SearchResult result_;
  double unrun_bound_ = std::numeric_limits<double>::infinity();
  bool stopped_ = false;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

}  // namespace

SearchResult analytical_only_search(const SearchProblem& problem,
                                    const std::vector<std::vector<MappingList>>& start,
                                    Evaluator& evaluator, const SearchOptions& options,
                                    const SearchProgress& progress) {
  std::vector<Draft> drafts;
  for (const std::vector<MappingList>& layers : start) {
    std::vector<std::vector<LayerCost>> costs;
    for (const MappingList& list : layers) costs.push_back(list.costs);
    const Combination combination = best_combination(costs);
    std::vector<PointId> points;
    for (std::size_t l = 0; l < layers.size(); ++l)
      points.push_back(layers[l].points[combination.choice[l]]);
    drafts.push_back(make_draft(problem, options, std::move(points)));
  }
  std::stable_sort(drafts.begin(), drafts.end(), [](const Draft& a, const Draft& b) {
    return a.analytical_edp < b.analytical_edp;
  });
  return DesignRunner(problem, evaluator, options, progress, "analytical").run(drafts, false);
}

std::vector<PointId> random_design(const SearchProblem& problem, std::uint64_t seed, int number) {
  const auto draw = static_cast<std::uint64_t>(number);
  const auto layers = static_cast<std::uint64_t>(problem.layer_count());
  const std::uint64_t hardware =
      problem.hardware()[uniform_below(problem.hardware().size(), seed, kRandomStream, draw)];
  std::vector<PointId> points;
  for (std::uint64_t l = 0; l < layers; ++l)
    points.push_back(problem.random_feasible(static_cast<int>(l), hardware, seed,
                                             kRandomStream + 1 + draw * layers + l, kRandomTries));
  return points;
}

SearchResult random_search(const SearchProblem& problem, Evaluator& evaluator,
                           const SearchOptions& options, const SearchProgress& progress) {
  std::vector<Draft> drafts;
  for (int n = 0; n < options.rtl_budget / problem.layer_count(); ++n)
    drafts.push_back(make_draft(problem, options, random_design(problem, options.seed, n)));
  // Least bound first: what is run first can exclude most of the rest.
  std::stable_sort(drafts.begin(), drafts.end(),
                   [](const Draft& a, const Draft& b) { return a.bound.edp() < b.bound.edp(); });
  return DesignRunner(problem, evaluator, options, progress, "random").run(drafts, options.bounded);
}

}  // namespace polaris
