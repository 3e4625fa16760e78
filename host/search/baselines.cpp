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
  return options.evaluator == EvaluatorKind::built_in ? problem.lower_bound(id) : LayerCost{};
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

/// How long the runs of a design may take.
enum class Patience : std::uint8_t {
  whole,  ///< until the design is measured or proved worse than the best one
  bounds  ///< until they are hopelessly slow: what a stopped run proves of its design suffices
};

/// Random mappings may take a thousand times the cycles of good ones. This many times what the
/// layer needs at least on its hardware (every usable row and column of the array busy, every word
/// over the bus once) is hopeless.
constexpr double kHopelessFactor = 16.0;
constexpr double kHopelessCycles = 200'000.0;

double hopeless_cycles(const SearchProblem& problem, PointId id) {
  const Layer& layer = problem.layer(id.layer);
  const HardwareConfig hardware = problem.point(id).hardware;
  const double rows = static_cast<double>(std::min<std::int64_t>(hardware.dim, layer[Dim::C]));
  const double columns = static_cast<double>(std::min<std::int64_t>(hardware.dim, layer[Dim::K]));
  const double compute = static_cast<double>(layer.macs()) / (rows * columns);
  const double traffic =
      static_cast<double>(layer.weight_words() + layer.input_words() + layer.output_words()) /
      hardware.bus_bytes;
  return std::max(kHopelessCycles, kHopelessFactor * std::max(compute, traffic));
}

/// Measures whole designs one after the other.
class DesignRunner {
 public:
  DesignRunner(const SearchProblem& problem, Evaluator& evaluator, const SearchOptions& options,
               const SearchProgress& progress, std::string strategy, Patience patience)
      : problem_(problem),
        evaluator_(evaluator),
        options_(options),
        progress_(progress),
        patience_(patience) {
    result_.strategy = std::move(strategy);
  }

  /// Runs drafts in order until the budget, the time or the drafts end. Those that cannot be below
  /// the best measured design are passed over; where bounds suffice also those that cannot be below
  /// what a stopped run of the built-in evaluator has proved of its design.
  SearchResult run(const std::vector<Draft>& drafts) {
    result_.stop_reason = "all designs measured or excluded";
    const bool bound_suffices =
        patience_ == Patience::bounds && options_.evaluator == EvaluatorKind::built_in;
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

  /// Cycles that bounds of all layers but this one leave it before the design's EDP passes that of
  /// the best measured one.
  double allowed_cycles(const Draft& draft, PointId id) const {
    const double slack = draft.bound.cycles_left(incumbent());
    return (bound_of(problem_, options_, id).cycles + slack) / problem_.count(id.layer);
  }

  /// `stopped` is what an earlier run of the point was stopped at, 0 where there was none.
  RunRequest request(const Draft& draft, PointId id, double stopped) const {
    double limit =
        static_cast<double>(stopped > 0.0 ? next_cycle_limit(stopped)
                                          : first_cycle_limit(problem_, id, options_.evaluator));
    if (patience_ == Patience::bounds) limit = std::min(limit, hopeless_cycles(problem_, id));
    return {id, static_cast<std::int64_t>(std::min(limit, allowed_cycles(draft, id)))};
  }

  /// Runs `batch`; stopped runs that may still belong to the best design are run again, longer.
  /// The last observation of every point, by layer.
  std::vector<Observation> run_to_verdict(const Draft& draft, std::vector<RunRequest> batch) {
    std::vector<Observation> verdicts;
    while (!batch.empty()) {
      evaluator_.submit(batch);
      const std::vector<Observation> runs = evaluator_.wait();
      batch.clear();
      for (const Observation& run : runs) {
        result_.count(run.outcome);
        const bool again = run.outcome == RunOutcome::stopped && patience_ == Patience::whole &&
                           run.cycles + 1.0 < allowed_cycles(draft, run.id) &&
                           result_.runs + static_cast<int>(batch.size()) < options_.rtl_budget &&
                           !interrupted();
        if (again)
          batch.push_back(request(draft, run.id, run.cycles));
        else
          verdicts.push_back(run);
      }
    }
    std::sort(verdicts.begin(), verdicts.end(),
              [](const Observation& a, const Observation& b) { return a.id < b.id; });
    return verdicts;
  }

  void measure(const Draft& draft) {
    std::vector<RunRequest> batch;
    for (const PointId id : draft.points) batch.push_back(request(draft, id, 0.0));
    Design design;
    design.hardware = problem_.hardware_of(draft.points.front());
    NetworkCost proved = draft.bound;
    const std::vector<Observation> verdicts = run_to_verdict(draft, std::move(batch));
    if (all_unavailable(verdicts)) {
      stopped_ = true;
      result_.stop_reason = kMachineFailed;
    }
    for (const Observation& run : verdicts) {
      const double count = problem_.count(run.id.layer);
      const LayerCost bound = bound_of(problem_, options_, run.id);
      if (run.outcome == RunOutcome::stopped)
        proved.cycles += std::max(0.0, count * run.cycles - bound.cycles);
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
  Patience patience_;
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
  for (Design& design : analytical_designs(problem, start))
    drafts.push_back(make_draft(problem, options, std::move(design.points)));
  std::stable_sort(drafts.begin(), drafts.end(), [](const Draft& a, const Draft& b) {
    return a.analytical_edp < b.analytical_edp;
  });
  return DesignRunner(problem, evaluator, options, progress, "analytical", Patience::whole)
      .run(drafts);
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
  return DesignRunner(problem, evaluator, options, progress, "random", Patience::bounds)
      .run(drafts);
}

}  // namespace polaris
