// The searches: Polaris itself, and the rivals it is measured against with the same RTL budget.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "host/fit/fit.hpp"
#include "host/search/analytical_search.hpp"
#include "host/search/evaluator.hpp"
#include "host/search/proposer.hpp"
#include "host/search/run_limits.hpp"

namespace polaris {

struct SearchOptions {
  int rtl_budget = 320;       ///< RTL runs of single layers, whatever their outcome
  int batch = 24;             ///< runs proposed per iteration
  int initial = 48;           ///< diverse first runs besides one whole design
  double time_limit_s = 0.0;  ///< wall time; 0: none
  int patience = 0;           ///< iterations without a gain of `min_gain` that end it; 0: never
  double min_gain = 1e-3;     ///< relative decrease of the EDP that counts as a gain
  double refit_growth = 1.2;  ///< hyper-parameters are fitted anew when the data grew by this
  /// ... or when new measurements lie further from their predictions than predicted: mean squared
  /// deviation in predicted standard deviations, of 1 expected.
  double refit_surprise = 4.0;
  std::uint64_t seed = 0;
  EvaluatorKind evaluator = EvaluatorKind::built_in;
  ProposerOptions proposer;
  FitOptions fit;
};

/// State after one iteration: a row of the convergence table.
struct SearchStep {
  int iteration = 0;
  int runs = 0;                ///< RTL runs so far
  double best_edp = 0.0;       ///< J * cycle, RTL-measured; infinity before the first whole design
  std::int64_t scored = 0;     ///< candidates scored in this iteration
  double score_seconds = 0.0;  ///< for them, proposal included
  double fit_seconds = 0.0;
  double elapsed_seconds = 0.0;
};

/// Stop reason of a search of which a whole batch was lost.
inline constexpr char kMachineFailed[] = "every run of a batch was lost to failures of the machine";

struct SearchResult {
  std::string strategy;        ///< polaris, random, analytical
  std::optional<Design> best;  ///< none where no design was measured in every layer
  /// Rivals: no design that was considered, run or not, has an EDP below this (J * cycle): the
  /// least of the measured EDPs, of what stopped runs prove, and of the bounds of designs not run.
  double least_edp = std::numeric_limits<double>::infinity();
  std::vector<SearchStep> steps;
  int runs = 0;         ///< RTL runs in all
  int stopped = 0;      ///< of these, stopped at their cycle limit
  int failed = 0;       ///< of these, refused or with wrong outputs
  int unavailable = 0;  ///< of these, lost to failures of the machine
  /// Points whose runs were stopped and that may still belong to a better design than `best`
  /// (undecided_runs); 0 where the answer does not depend on the limits.
  int undecided = 0;
  std::string stop_reason;

  /// Counts one RTL run.
  void count(RunOutcome outcome) {
    ++runs;
    stopped += outcome == RunOutcome::stopped;
    failed += outcome == RunOutcome::failed;
    unavailable += outcome == RunOutcome::unavailable;
  }
};

using SearchProgress = std::function<void(const SearchStep&)>;

/// Multi-fidelity Bayesian optimisation of the network EDP: initial design, then per iteration fit,
/// score, choose, run. The next batch is chosen while the previous one runs, which counts as
/// pending, so the result depends on the seed alone and not on which run ends first. A run that was
/// stopped and may still matter is run again, longer, before anything new. Where a whole batch is
/// lost to failures of the machine the search ends. `start` is the result of analytical_search.
SearchResult polaris_search(const SearchProblem& problem,
                            const std::vector<std::vector<MappingList>>& start,
                            const Pretrained& pretrained, Engine& engine, Evaluator& evaluator,
                            const SearchOptions& options, const SearchProgress& progress);

/// Measures the hardware that the analytical model ranks best, each with its best mappings.
SearchResult analytical_only_search(const SearchProblem& problem,
                                    const std::vector<std::vector<MappingList>>& start,
                                    Evaluator& evaluator, const SearchOptions& options,
                                    const SearchProgress& progress);

/// Design number `number` of random_search: a point per layer, all on one hardware.
std::vector<PointId> random_design(const SearchProblem& problem, std::uint64_t seed, int number);

/// Uniform random hardware with uniform random feasible mappings: as many whole designs as the
/// budget pays for. Random mappings may take a thousand times the cycles of good ones, so runs stop
/// at their cycle limit, and designs that a bound proves worse than another are not run;
/// `least_edp` bounds the least EDP of all that were drawn from below.
SearchResult random_search(const SearchProblem& problem, Evaluator& evaluator,
                           const SearchOptions& options, const SearchProgress& progress);

}  // namespace polaris
