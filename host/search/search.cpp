#include "host/search/search.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>

#include "host/core/interrupt.hpp"
#include "host/search/initial_design.hpp"

namespace polaris {
namespace {

/// Fewer measurements than this fit no model: until then the analytical model chooses.
constexpr int kLeastMeasurements = 8;
/// Fit steps that do where the previous model is the start.
constexpr int kWarmSteps = 50;

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// The state of one Polaris search between iterations.
class Loop {
 public:
  Loop(const SearchProblem& problem, const std::vector<std::vector<MappingList>>& start,
       const Pretrained& pretrained, Engine& engine, Evaluator& evaluator,
       const SearchOptions& options)
      : problem_(problem),
        pretrained_(pretrained),
        engine_(engine),
        evaluator_(evaluator),
        options_(options),
        observations_(problem),
        proposer_(problem, engine, options.proposer, start) {
    result_.strategy = "polaris";
  }

  SearchResult run(const std::vector<std::vector<MappingList>>& start,
                   const SearchProgress& progress) {
    std::vector<PointId> batch = initial_design(problem_, start, options_.initial, options_.seed);
    clip(batch);
    submit(batch);
    collect();
    record({}, progress);
    batch.clear();
    // Where the running batch uses the budget up, there is nothing left to choose.
    while (!stopped() && result_.runs + static_cast<int>(batch.size()) < options_.rtl_budget) {
      SearchStep step;
      std::vector<PointId> next = propose(batch, step);
      if (!batch.empty()) collect();
      if (!result_.stop_reason.empty()) next.clear();
      std::erase_if(next, [&](PointId id) { return observations_.known(id); });
      if (result_.stop_reason.empty()) {
        const std::vector<PointId> again = undecided();
        next.insert(next.begin(), again.begin(), again.end());
      }
      if (static_cast<int>(next.size()) > options_.batch)
        next.resize(static_cast<std::size_t>(options_.batch));
      clip(next);
      record(step, progress);
      if (next.empty() && result_.runs < options_.rtl_budget && result_.stop_reason.empty())
        result_.stop_reason =
            proposer_.exhausted() ? "every candidate measured" : "no candidate found";
      else if (!next.empty())
        submit(next);
      batch = std::move(next);
    }
    if (!batch.empty()) {
      collect();
      record({}, progress);
      stopped();  // names the reason
    }
    result_.best = observations_.best();
    result_.undecided = static_cast<int>(undecided().size());
    return std::move(result_);
  }

 private:
  double best_edp() const {
    const auto best = observations_.best();
    return best ? best->cost.edp() : std::numeric_limits<double>::infinity();
  }

  std::vector<PointId> undecided() const {
    return undecided_runs(problem_, observations_, best_edp(), options_.evaluator);
  }

  void clip(std::vector<PointId>& batch) const {
    const int left = options_.rtl_budget - result_.runs;
    if (static_cast<int>(batch.size()) > left) batch.resize(static_cast<std::size_t>(left));
  }

  /// What to run next, while `batch` runs: whole designs by the model's expected improvement.
  std::vector<PointId> propose(const std::vector<PointId>& batch, SearchStep& step) {
    const auto iteration = static_cast<std::uint64_t>(result_.steps.size());
    const Clock::time_point fit_start = Clock::now();
    const std::optional<StarlightModel> model = fit(batch);
    step.fit_seconds = seconds_since(fit_start);
    const Clock::time_point score_start = Clock::now();
    std::vector<PointId> next;
    if (model) {
      step.scored = proposer_.refine(*model, observations_, batch, iteration);
      next = proposer_.choose(*model, observations_, batch, best_edp(), options_.batch);
    } else {
      next = proposer_.choose_analytically(observations_, batch, iteration, options_.batch);
    }
    step.score_seconds = seconds_since(score_start);
    return next;
  }

  void submit(const std::vector<PointId>& batch) {
    const double incumbent_edp = best_edp();
    std::vector<RunRequest> requests;
    for (const PointId id : batch) {
      const auto stopped = observations_.stopped().find(id);
      std::int64_t limit = stopped == observations_.stopped().end()
                               ? first_cycle_limit(problem_, id, options_.evaluator)
                               : next_cycle_limit(stopped->second);
      if (options_.evaluator == EvaluatorKind::built_in)
        limit = std::min(limit, losing_cycles(problem_, id, incumbent_edp));
      requests.push_back({id, limit});
    }
    evaluator_.submit(requests);
  }

  void collect() {
    const std::vector<Observation> outcomes = evaluator_.wait();
    for (const Observation& observation : outcomes) {
      observations_.add(observation);
      result_.count(observation.outcome);
    }
    if (all_unavailable(outcomes)) result_.stop_reason = kMachineFailed;
  }

  void record(SearchStep step, const SearchProgress& progress) {
    step.iteration = static_cast<int>(result_.steps.size());
    step.runs = result_.runs;
    step.best_edp = best_edp();
    step.elapsed_seconds = seconds_since(start_);
    result_.steps.push_back(step);
    progress(step);
  }

  /// Model of all measurements, with the running batch at the previous model's prediction
  /// ("kriging believer": Ginsbourger, Le Riche, Carraro 2010, section 4.2). None while there are
  /// too few.
  std::optional<StarlightModel> fit(const std::vector<PointId>& pending) {
    std::vector<DesignSample> samples;
    for (const Observation& observation : observations_.all()) {
      if (observation.outcome != RunOutcome::measured) continue;
      samples.push_back(sample(observation.id, observation.cycles, observation.energy_pj));
    }
    if (static_cast<int>(samples.size()) < kLeastMeasurements) return std::nullopt;
    const std::span<const DesignSample> added =
        std::span<const DesignSample>(samples).subspan(conditioned_samples_);
    if (!model_ ||
        static_cast<double>(samples.size()) >
            options_.refit_growth * static_cast<double>(fitted_samples_) ||
        model_->test(added, options_.fit.threads).mean_squared_deviation >
            options_.refit_surprise) {
      FitOptions fit = options_.fit;
      if (model_) {
        fit.warm_start = &*model_;
        fit.steps = std::min(fit.steps, kWarmSteps);
      }
      model_ = fit_starlight(pretrained_, samples, fit);
      fitted_samples_ = samples.size();
    } else {
      model_ = model_->with_added(added, options_.fit.threads);
    }
    conditioned_samples_ = samples.size();
    if (pending.empty()) return model_;
    return model_->with_added(believed(pending), options_.fit.threads);
  }

  /// Running points, as if measured at the model's prediction.
  std::vector<DesignSample> believed(const std::vector<PointId>& pending) {
    std::vector<LayerPoint> points;
    for (const PointId id : pending) {
      const DesignPoint point = problem_.point(id);
      points.push_back({problem_.layer(id.layer), point.hardware, point.mapping});
    }
    std::vector<Prediction> predictions(points.size());
    engine_.predict_points(*model_, points, predictions);
    std::vector<DesignSample> samples;
    for (std::size_t i = 0; i < pending.size(); ++i)
      samples.push_back(sample(pending[i], std::exp(double{predictions[i].log_latency}),
                               std::exp(double{predictions[i].log_energy})));
    return samples;
  }

  DesignSample sample(PointId id, double cycles, double energy_pj) const {
    const DesignPoint point = problem_.point(id);
    return {problem_.layer(id.layer), point.hardware, point.mapping, cycles, energy_pj};
  }

  bool stopped() {
    if (!result_.stop_reason.empty()) return true;
    const auto patience = static_cast<std::size_t>(options_.patience);
    if (interrupted())
      result_.stop_reason = "interrupted";
    else if (result_.runs >= options_.rtl_budget)
      result_.stop_reason = "RTL budget";
    else if (options_.time_limit_s > 0 && seconds_since(start_) > options_.time_limit_s)
      result_.stop_reason = "time limit";
    else if (patience > 0 && result_.steps.size() > patience &&
             result_.steps.back().best_edp >
                 (1.0 - options_.min_gain) *
                     result_.steps[result_.steps.size() - 1 - patience].best_edp)
      result_.stop_reason = "no gain";
    return !result_.stop_reason.empty();
  }

  const SearchProblem& problem_;
  const Pretrained& pretrained_;
  Engine& engine_;
  Evaluator& evaluator_;
  const SearchOptions& options_;
  Observations observations_;
  Proposer proposer_;
  std::optional<StarlightModel> model_;
  std::size_t fitted_samples_ = 0;       ///< when the hyper-parameters were fitted last
  std::size_t conditioned_samples_ = 0;  ///< that model_ knows
  SearchResult result_;
  Clock::time_point start_ = Clock::now();
};

}  // namespace

SearchResult polaris_search(const SearchProblem& problem,
                            const std::vector<std::vector<MappingList>>& start,
                            const Pretrained& pretrained, Engine& engine, Evaluator& evaluator,
                            const SearchOptions& options, const SearchProgress& progress) {
  return Loop(problem, start, pretrained, engine, evaluator, options).run(start, progress);
}

}  // namespace polaris
