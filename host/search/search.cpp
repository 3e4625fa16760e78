#include "host/search/search.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <set>

#include "host/core/error.hpp"
#include "host/core/interrupt.hpp"

namespace polaris {
namespace {

/// Runs beyond this multiple of the layer's floor are of no use to the search.
constexpr double kCycleLimitFactor = 16.0;
constexpr std::int64_t kLeastCycleLimit = 200'000;
constexpr std::uint64_t kInitialStream = std::uint64_t{1} << 60;
constexpr int kRandomTries = 500;
constexpr int kInitialDraws = 32;
constexpr int kLeastMeasurements = 8;
/// Fit steps that do where the previous model is the start.
constexpr int kWarmSteps = 50;

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// Analytically best of a few uniform feasible points of (layer, hardware).
PointId drawn_point(const SearchProblem& problem, int layer, std::uint64_t hardware,
                    std::uint64_t seed, std::uint64_t stream) {
  PointId best = problem.fallback(layer, hardware);
  for (int i = 0; i < kInitialDraws; ++i) {
    const PointId id = problem.random_feasible(
        layer, hardware, seed, stream * kInitialDraws + static_cast<std::uint64_t>(i),
        kRandomTries);
    if (problem.analytical_cost(id).cycles < problem.analytical_cost(best).cycles) best = id;
  }
  return best;
}

/// One whole design, the analytically best, so that there is an incumbent; then layer by layer
/// points on random hardware: in turns the analytically best mapping and the best of a few draws,
/// so that the model sees both where the search will look and what lies around it.
std::vector<PointId> initial_design(const SearchProblem& problem,
                                    const std::vector<std::vector<MappingList>>& start,
                                    const SearchOptions& options) {
  const auto layers = static_cast<std::size_t>(problem.layer_count());
  std::vector<PointId> design;
  double best = std::numeric_limits<double>::infinity();
  for (const std::vector<MappingList>& lists : start) {
    std::vector<std::vector<LayerCost>> costs;
    for (const MappingList& list : lists) costs.push_back(list.costs);
    const Combination combination = best_combination(costs);
    if (combination.cost.edp() >= best) continue;
    best = combination.cost.edp();
    design.clear();
    for (std::size_t l = 0; l < layers; ++l)
      design.push_back(lists[l].points[combination.choice[l]]);
  }
  std::set<PointId> seen(design.begin(), design.end());
  for (int n = 0; n < options.initial; ++n) {
    const auto draw = static_cast<std::uint64_t>(n);
    const auto l = static_cast<std::size_t>(n) % layers;
    const auto h =
        static_cast<std::size_t>(uniform_below(start.size(), options.seed, kInitialStream, draw));
    const PointId id = n / static_cast<int>(layers) % 2 == 0
                           ? start[h][l].points.front()
                           : drawn_point(problem, static_cast<int>(l), problem.hardware()[h],
                                         options.seed, kInitialStream + 1 + draw);
    if (seen.insert(id).second) design.push_back(id);
  }
  return design;
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
    std::vector<PointId> batch = initial_design(problem_, start, options_);
    clip(batch);
    submit(batch);
    collect();
    record({}, progress);
    batch.clear();
    // Where the running batch uses the budget up, there is nothing left to choose.
    while (!stopped() && result_.runs + static_cast<int>(batch.size()) < options_.rtl_budget) {
      SearchStep step;
      const Clock::time_point fit_start = Clock::now();
      const StarlightModel model = fit(batch);
      step.fit_seconds = seconds_since(fit_start);
      const Clock::time_point score_start = Clock::now();
      const auto iteration = static_cast<std::uint64_t>(result_.steps.size());
      step.scored = proposer_.refine(model, observations_, batch, iteration);
      std::vector<PointId> next =
          proposer_.choose(model, observations_, batch, best_edp(), options_.batch);
      step.score_seconds = seconds_since(score_start);
      if (!batch.empty()) collect();
      std::erase_if(next, [&](PointId id) { return observations_.known(id); });
      clip(next);
      record(step, progress);
      if (next.empty() && result_.runs < options_.rtl_budget)
        result_.stop_reason = "no candidate left";
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
    return std::move(result_);
  }

 private:
  double best_edp() const {
    const auto best = observations_.best();
    return best ? best->cost.edp() : std::numeric_limits<double>::infinity();
  }

  void clip(std::vector<PointId>& batch) const {
    const int left = options_.rtl_budget - result_.runs;
    if (static_cast<int>(batch.size()) > left) batch.resize(static_cast<std::size_t>(left));
  }

  void submit(const std::vector<PointId>& batch) {
    std::vector<RunRequest> requests;
    for (const PointId id : batch) requests.push_back({id, cycle_limit(problem_, id)});
    evaluator_.submit(requests);
  }

  void collect() {
    for (const Observation& observation : evaluator_.wait()) {
      observations_.add(observation);
      ++result_.runs;
      result_.stopped += observation.outcome == RunOutcome::stopped;
      result_.failed += observation.outcome == RunOutcome::failed;
    }
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
  /// ("kriging believer": Ginsbourger, Le Riche, Carraro 2010, section 4.2).
  StarlightModel fit(const std::vector<PointId>& pending) {
    std::vector<DesignSample> samples;
    for (const Observation& observation : observations_.all()) {
      if (observation.outcome != RunOutcome::measured) continue;
      samples.push_back(sample(observation.id, observation.cycles, observation.energy_pj));
    }
    if (static_cast<int>(samples.size()) < kLeastMeasurements)
      throw Failure("search: expected at least " + std::to_string(kLeastMeasurements) +
                    " RTL measurements in the initial design, got " +
                    std::to_string(samples.size()) + " of " + std::to_string(result_.runs) +
                    " runs; `polaris report` lists the reasons");
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
    if (pending.empty()) return *model_;
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

std::int64_t cycle_limit(const SearchProblem& problem, PointId id) {
  const Layer& layer = problem.layer(id.layer);
  const HardwareConfig hardware = problem.point(id).hardware;
  const double compute =
      static_cast<double>(layer.macs()) / (static_cast<double>(hardware.dim) * hardware.dim);
  const double traffic =
      static_cast<double>(layer.weight_words() + layer.input_words() + layer.output_words()) /
      hardware.bus_bytes;
  return std::max(kLeastCycleLimit,
                  static_cast<std::int64_t>(kCycleLimitFactor * std::max(compute, traffic)));
}

SearchResult polaris_search(const SearchProblem& problem,
                            const std::vector<std::vector<MappingList>>& start,
                            const Pretrained& pretrained, Engine& engine, Evaluator& evaluator,
                            const SearchOptions& options, const SearchProgress& progress) {
  return Loop(problem, start, pretrained, engine, evaluator, options).run(start, progress);
}

}  // namespace polaris
