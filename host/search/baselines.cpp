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

/// A whole design in the order in which rivals measure them.
struct Draft {
  double edp = 0.0;  ///< analytical
  std::vector<PointId> points;
};

class DesignRunner {
 public:
  DesignRunner(const SearchProblem& problem, Evaluator& evaluator, const SearchOptions& options,
               const SearchProgress& progress, std::string strategy)
      : problem_(problem), evaluator_(evaluator), options_(options), progress_(progress) {
    result_.strategy = std::move(strategy);
  }

  /// Runs drafts in order until the budget, the time or the drafts end.
  SearchResult run(const std::vector<Draft>& drafts) {
    result_.stop_reason = "all designs measured";
    for (const Draft& draft : drafts) {
      if (interrupted()) {
        result_.stop_reason = "interrupted";
        break;
      }
      if (options_.time_limit_s > 0 && elapsed() > options_.time_limit_s) {
        result_.stop_reason = "time limit";
        break;
      }
      if (result_.runs + static_cast<int>(draft.points.size()) > options_.rtl_budget) {
        result_.stop_reason = "RTL budget";
        break;
      }
      measure(draft);
    }
    return std::move(result_);
  }

 private:
  double elapsed() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  }

  double incumbent() const {
    return result_.best ? result_.best->cost.edp() : std::numeric_limits<double>::infinity();
  }

  /// Bounds of all layers but one leave that layer so many cycles before the design's EDP passes
  /// the best measured one.
  std::vector<RunRequest> requests(const Draft& draft, const NetworkCost& bound) const {
    std::vector<RunRequest> out;
    for (const PointId id : draft.points) {
      const double slack = incumbent() / (bound.energy_pj * 1e-12) - bound.cycles;
      const double allowed = (problem_.lower_bound(id).cycles + slack) / problem_.count(id.layer);
      const double limit = static_cast<double>(options_.max_cycles);
      out.push_back({id, static_cast<std::int64_t>(std::min(allowed, limit))});
    }
    return out;
  }

  void measure(const Draft& draft) {
    NetworkCost bound;
    for (const PointId id : draft.points) {
      const LayerCost cost = problem_.lower_bound(id);
      bound.cycles += cost.cycles;
      bound.energy_pj += cost.energy_pj;
    }
    if (bound.edp() >= incumbent()) return;
    evaluator_.submit(requests(draft, bound));
    MeasuredDesign design;
    design.hardware = problem_.hardware_of(draft.points.front());
    for (const Observation& run : evaluator_.wait()) {
      ++result_.runs;
      result_.stopped += run.outcome == RunOutcome::stopped;
      result_.failed += run.outcome == RunOutcome::failed;
      if (run.outcome != RunOutcome::measured) continue;
      const double count = problem_.count(run.id.layer);
      design.points.push_back(run.id);
      design.costs.push_back({count * run.cycles, count * run.energy_pj});
      design.cost.cycles += design.costs.back().cycles;
      design.cost.energy_pj += design.costs.back().energy_pj;
    }
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
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

Draft make_draft(const SearchProblem& problem, std::vector<PointId> points) {
  NetworkCost sum;
  for (const PointId id : points) {
    const LayerCost cost = problem.analytical_cost(id);
    sum.cycles += cost.cycles;
    sum.energy_pj += cost.energy_pj;
  }
  return {sum.edp(), std::move(points)};
}

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
    drafts.push_back({combination.cost.edp(), std::move(points)});
  }
  std::stable_sort(drafts.begin(), drafts.end(),
                   [](const Draft& a, const Draft& b) { return a.edp < b.edp; });
  return DesignRunner(problem, evaluator, options, progress, "analytical").run(drafts);
}

SearchResult random_search(const SearchProblem& problem, Evaluator& evaluator,
                           const SearchOptions& options, const SearchProgress& progress) {
  const int layers = problem.layer_count();
  std::vector<Draft> drafts;
  for (int n = 0; n < options.rtl_budget / layers; ++n) {
    const auto draw = static_cast<std::uint64_t>(n);
    const std::uint64_t hardware = problem.hardware()[uniform_below(
        problem.hardware().size(), options.seed, kRandomStream, draw)];
    std::vector<PointId> points;
    for (int l = 0; l < layers; ++l)
      points.push_back(problem.random_feasible(l, hardware, options.seed,
                                               kRandomStream + 1 +
                                                   draw * static_cast<std::uint64_t>(layers) +
                                                   static_cast<std::uint64_t>(l),
                                               kRandomTries));
    drafts.push_back(make_draft(problem, std::move(points)));
  }
  // The least of the drawn designs does not depend on their order; starting with the analytically
  // best makes the bound bite early.
  std::stable_sort(drafts.begin(), drafts.end(),
                   [](const Draft& a, const Draft& b) { return a.edp < b.edp; });
  return DesignRunner(problem, evaluator, options, progress, "random").run(drafts);
}

}  // namespace polaris
