// polaris search: the main job. Finds the hardware and the mappings of least network EDP with RTL
// in the loop, and measures rivals with the same RTL budget.
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <iostream>
#include <limits>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "host/cli/commands.hpp"
#include "host/cli/options.hpp"
#include "host/config/space_yaml.hpp"
#include "host/config/workload_yaml.hpp"
#include "host/core/atomic_file.hpp"
#include "host/core/error.hpp"
#include "host/core/interrupt.hpp"
#include "host/core/paths.hpp"
#include "host/engine/engine.hpp"
#include "host/report/search_report.hpp"
#include "host/search/pretraining.hpp"
#include "host/search/rtl_evaluator.hpp"
#include "host/search/search.hpp"
#include "host/space/array_use.hpp"

namespace polaris {
namespace {

struct SearchCommand {
  std::string workload;
  std::string space = "default";
  std::string store = "polaris.sqlite";
  std::string pretrained;
  std::string json_out;
  std::vector<std::string> compare;
  std::vector<std::string> evaluator;  ///< empty: the built-in accelerator
  std::string precision = "fp32";
  bool resume = false;
  int rtl_budget = 320;
  int batch = 24;
  int initial = 48;
  int patience = 0;
  std::int64_t candidates = 1'000'000;
  double time_limit_s = 0.0;
  double run_time_limit_s = 0.0;
};

/// What changes the result: two searches with equal text take the same decisions.
std::string options_text(const SearchCommand& command, const std::string& strategy) {
  return nlohmann::json({{"strategy", strategy},
                         {"rtl_budget", command.rtl_budget},
                         {"batch", command.batch},
                         {"initial", command.initial},
                         {"patience", command.patience},
                         {"candidates", command.candidates}})
      .dump();
}

SearchOptions search_options(const SearchCommand& command) {
  const GlobalOptions& global = global_options();
  SearchOptions out;
  out.rtl_budget = command.rtl_budget;
  out.batch = command.batch;
  out.initial = command.initial;
  out.patience = command.patience;
  out.time_limit_s = command.time_limit_s;
  out.evaluator = command.evaluator.empty() ? EvaluatorKind::built_in : EvaluatorKind::foreign;
  out.seed = out.proposer.seed = out.fit.seed = global.seed;
  out.proposer.threads = out.fit.threads = global.threads;
  out.proposer.candidates = command.candidates;
  return out;
}

/// One strategy as one run of the store.
class Session {
 public:
  Session(const SearchCommand& command, const SearchProblem& problem, RtlScheduler& scheduler,
          Store& store, const std::string& model_hash)
      : command_(command),
        problem_(problem),
        scheduler_(scheduler),
        store_(store),
        model_hash_(model_hash) {}

  /// Where the search ended by an exception, nobody goes on with its runs now.
  ~Session() {
    try {
      end(RunStatus::failed);
    } catch (const std::exception&) {
      // The store cannot be written: they stay as they are.
    }
  }
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  /// `search(evaluator, progress)` -> SearchResult
  template <typename SearchFunction>
  SearchResult run(const std::string& strategy, const SearchFunction& search) {
    RunInfo info;
    info.kind = "search";
    info.seed = global_options().seed;
    info.space_hash = space_hash(problem_.space());
    info.workload_hash = workload_hash(problem_.workload());
    info.model_hash = strategy == "polaris" ? model_hash_ : "";
    info.rtl_hash = scheduler_.rtl_hash();
    info.options = options_text(command_, strategy);
    const auto unfinished = command_.resume ? store_.resume_run(info) : std::nullopt;
    const std::int64_t run = unfinished ? *unfinished : store_.begin_run(info);
    runs_.push_back(run);
    RtlEvaluator evaluator(problem_, scheduler_, store_, run, run_time_limit());
    SearchResult result = search(evaluator, [&](const SearchStep& step) {
      store_.record_iteration(run, {step.iteration, step_text(step)});
      spdlog::info("{}: iteration {}, {} RTL runs, best EDP {:.6g} J*cycle, {} scored, {:.0f} s",
                   strategy, step.iteration, step.runs, step.best_edp, step.scored,
                   step.elapsed_seconds);
    });
    if (lost_to_.empty()) lost_to_ = evaluator.first_failure();
    spdlog::info("{}: {} ({} simulations, {} taken from the store)", strategy, result.stop_reason,
                 evaluator.simulated(), evaluator.reused());
    return result;
  }

  /// Why the first run was lost that the machine failed at; empty where none was.
  const std::string& lost_to() const { return lost_to_; }

  /// Marks all runs as ended. Not one by one: where a rival is killed, resuming has to go on with
  /// the run before it too, instead of beginning that anew.
  void end(RunStatus status) {
    for (const std::int64_t run : std::exchange(runs_, {})) store_.end_run(run, status);
  }

 private:
  /// 0: RtlEvaluator chooses. Nobody knows how long a foreign flow may take.
  double run_time_limit() const {
    constexpr double kForeignSeconds = 120.0;
    const bool is_chosen = command_.run_time_limit_s > 0.0 || command_.evaluator.empty();
    return is_chosen ? command_.run_time_limit_s : kForeignSeconds;
  }

  static std::string step_text(const SearchStep& step) {
    nlohmann::json out = {{"rtl_runs", step.runs},
                          {"scored", step.scored},
                          {"score_seconds", step.score_seconds},
                          {"fit_seconds", step.fit_seconds},
                          {"elapsed_seconds", step.elapsed_seconds}};
    out["best_edp"] = std::isfinite(step.best_edp) ? nlohmann::json(step.best_edp) : nullptr;
    return out.dump();
  }

  const SearchCommand& command_;
  const SearchProblem& problem_;
  RtlScheduler& scheduler_;
  Store& store_;
  const std::string& model_hash_;
  std::vector<std::int64_t> runs_;
  std::string lost_to_;
};

struct Verification {
  std::string text;
  bool passed = true;
};

/// Reruns the best design with data: every layer's outputs against the C++ reference.
Verification verify(const SearchProblem& problem, RtlScheduler& scheduler, const Design& design) {
  std::map<std::uint64_t, int> running;
  for (const PointId id : design.points) {
    RtlJob job;
    job.layer = problem.layer(id.layer);
    job.point = problem.point(id);
    job.memory = problem.space().memory;
    job.functional = true;
    job.data_seed = global_options().seed;
    running[scheduler.submit(job)] = id.layer;
  }
  int equal = 0;
  std::string failures;
  while (!running.empty() && !abandoned()) {
    const auto done = scheduler.wait_any(0.25);
    if (!done || !running.contains(done->first)) continue;
    const int layer = running.at(done->first);
    running.erase(done->first);
    const auto at = static_cast<std::size_t>(layer);
    const double cycles = static_cast<double>(done->second.cycles) * problem.count(layer);
    if (done->second.status == RtlStatus::ok && cycles == design.costs[at].cycles)
      ++equal;
    else
      failures += fmt::format("; {}: {} {}", problem.workload().layers[at].name,
                              to_string(done->second.status), done->second.reason);
  }
  return {fmt::format("Verification: {} of {} layers rerun with data, outputs and cycles equal to "
                      "the reference{}",
                      equal, problem.layer_count(), failures),
          equal == problem.layer_count()};
}

/// The layer whose fastest simulation takes longest: no design is measured in less.
struct LongestLayer {
  int layer = 0;
  double cycles = 0.0;  ///< expected of its fastest mapping on any hardware

  double seconds() const { return cycles / kSimulatedCyclesPerSecond; }
};

LongestLayer longest_layer(const SearchProblem& problem,
                           const std::vector<std::vector<MappingList>>& start) {
  LongestLayer out;
  for (int l = 0; l < problem.layer_count(); ++l) {
    double least = std::numeric_limits<double>::infinity();
    for (const std::vector<MappingList>& lists : start)
      least = std::min(least,
                       problem.expected_cycles(lists[static_cast<std::size_t>(l)].points.front()));
    if (least > out.cycles) out = {l, least};
  }
  return out;
}

/// Says how long the runs will take. Returns why no design can be measured within the time limit of
/// a run, in one line; empty where one can.
std::string outlook(const SearchCommand& command, const SearchProblem& problem,
                    const std::vector<std::vector<MappingList>>& start) {
  if (!command.evaluator.empty()) return "";
  const LongestLayer longest = longest_layer(problem, start);
  const std::string need =
      fmt::format("layer {} needs {:.3g} cycles of simulation a run or more, about {:.2g} s",
                  problem.workload().layers[static_cast<std::size_t>(longest.layer)].name,
                  longest.cycles, longest.seconds());
  spdlog::info("{}", need);
  const double limit = command.run_time_limit_s;
  if (limit <= 0.0 || longest.seconds() <= limit) return "";
  const std::string remedy = fmt::format("--run-time-limit {:g}", limit);
  // Machines differ by less than this factor from the one that the rate was measured on.
  constexpr double kDoubt = 3.0;
  if (longest.seconds() <= kDoubt * limit) {
    spdlog::warn("{}: {} may be too short", need, remedy);
    return "";
  }
  return fmt::format("{}, more than {} allows: raise it, or leave it out", need, remedy);
}

/// Whether a strategy lost so many runs that its result says little.
bool is_crippled(const SearchResult& result) {
  return 2 * result.unavailable > result.runs || result.stop_reason == kMachineFailed;
}

/// Why the report is not the whole answer, in one line; empty where it is.
std::string shortcoming(const SearchCommand& command, const SearchReport& report,
                        const std::string& lost_to, bool verified) {
  if (interrupted())
    return fmt::format("interrupted: the same command with --resume goes on from {}",
                       command.store);
  const auto lost = [&lost_to](const SearchResult& result) {
    return fmt::format(
        "{} of {} RTL runs were lost to failures of the machine ({}); the same command asks for "
        "them again",
        result.unavailable, result.runs, lost_to);
  };
  const SearchResult& first = report.results.front();
  if (!first.best)
    return "no design was measured in every layer: " +
           (first.unavailable > 0 ? lost(first) : first.stop_reason);
  for (const SearchResult& result : report.results)
    if (is_crippled(result)) return result.strategy + ": " + lost(result);
  if (!verified) return "the best design was not verified: " + report.verification;
  return "";
}

void print(const SearchReport& report) {
  std::cout << (global_options().json ? format_json(report) : format_text(report));
}

void run_search(const SearchCommand& command) {
  const GlobalOptions& global = global_options();
  const SearchProblem problem(read_workload(find_zoo_file("workloads", command.workload)),
                              read_design_space(find_zoo_file("spaces", command.space)));
  const auto engine =
      make_engine(global.backend,
                  {.threads = global.threads, .precision = screen_precision(command.precision)});
  SearchOptions options = search_options(command);
  if (engine->name() == "cuda") options.fit.backend = FitBackend::cuda;
  RtlSchedulerOptions rtl;
  rtl.threads = global.threads;
  rtl.evaluator = command.evaluator;
  RtlScheduler scheduler(rtl);
  // Opened now: a wrong path shows before the search, not after it.
  std::optional<AtomicFile> json_file;
  if (!command.json_out.empty()) json_file.emplace(command.json_out);
  Store store(command.store, OpenMode::write);
  install_interrupt_handler();

  for (const std::string& warning : array_use_warnings(problem.workload(), problem.space()))
    spdlog::warn("{}", warning);
  spdlog::info("analytical search over {} hardware configurations x {} layers",
               problem.hardware().size(), problem.layer_count());
  AnalyticalSearchOptions analytical;
  analytical.seed = global.seed;
  analytical.threads = global.threads;
  const auto start = analytical_search(problem, analytical);
  SearchReport report{
      problem, {}, global.seed, scheduler.rtl_hash(), "", best_analytical_design(problem, start)};
  if (const std::string hopeless = outlook(command, problem, start); !hopeless.empty()) {
    print(report);
    throw Failure("search: " + hopeless);
  }
  const Pretrained pretrained = command.pretrained.empty() ? pretrained_for(problem, global.threads)
                                                           : Pretrained::load(command.pretrained);
  const std::string model_hash = pretrained.hash();
  Session session(command, problem, scheduler, store, model_hash);

  report.results.push_back(session.run("polaris", [&](auto& evaluator, const auto& progress) {
    return polaris_search(problem, start, pretrained, *engine, evaluator, options, progress);
  }));
  bool verified = true;
  if (!command.evaluator.empty()) {
    report.verification = "Verification: none, an external evaluator moves no data";
  } else if (report.results.front().best && !interrupted()) {
    const Verification verification = verify(problem, scheduler, *report.results.front().best);
    report.verification = verification.text;
    verified = verification.passed;
  }
  for (const std::string& rival : command.compare) {
    if (interrupted()) break;
    report.results.push_back(session.run(rival, [&](auto& evaluator, const auto& progress) {
      return rival == "random"
                 ? random_search(problem, evaluator, options, progress)
                 : analytical_only_search(problem, start, evaluator, options, progress);
    }));
  }
  const std::string missing = shortcoming(command, report, session.lost_to(), verified);
  report.complete = !interrupted();
  if (json_file) {
    json_file->stream() << format_json(report);
    json_file->commit();
  }
  print(report);
  session.end(missing.empty() ? RunStatus::finished
              : interrupted() ? RunStatus::interrupted
                              : RunStatus::failed);
  if (!missing.empty()) throw Failure("search: " + missing);
}

}  // namespace

void add_search(CLI::App& app) {
  const auto command = std::make_shared<SearchCommand>();
  CLI::App* sub = add_command(
      app, "search", "Find the hardware and mappings of least network EDP with RTL in the loop.",
      "polaris search --workload resnet50 --space default --rtl-budget 320 --compare random,"
      "analytical --store resnet50.sqlite");
  sub->add_option("--workload", command->workload, "zoo name or YAML file")->required();
  sub->add_option("--space", command->space, "zoo name or YAML file")->capture_default_str();
  sub->add_option("--store", command->store, "SQLite file for runs and evaluations")
      ->capture_default_str();
  sub->add_flag("--resume", command->resume, "go on with the unfinished run of these options");
  sub->add_option("--rtl-budget", command->rtl_budget, "RTL runs of single layers, per strategy")
      ->check(integer_in(1, 1'000'000))
      ->capture_default_str();
  sub->add_option("--initial", command->initial, "diverse first runs besides one whole design")
      ->check(integer_in(8, 100'000))
      ->capture_default_str();
  sub->add_option("--batch", command->batch, "RTL runs proposed per iteration")
      ->check(integer_in(1, 10'000))
      ->capture_default_str();
  sub->add_option("--candidates", command->candidates, "candidates scored per iteration")
      ->check(integer_in(1, 1'000'000'000))
      ->capture_default_str();
  sub->add_option("--patience", command->patience,
                  "iterations without gain that end the search, 0: never")
      ->check(integer_in(0, 1'000'000))
      ->capture_default_str();
  sub->add_option("--precision", command->precision,
                  "arithmetic in which a GPU screens candidates; finds the same")
      ->check(one_of({"fp64", "fp32", "tf32", "bf16"}))
      ->capture_default_str();
  sub->add_option("--time-limit", command->time_limit_s,
                  "seconds per strategy, 0: none (results then depend on the machine's speed)")
      ->check(non_negative_number())
      ->capture_default_str();
  sub->add_option("--run-time-limit", command->run_time_limit_s,
                  "seconds per RTL run; 0: long enough for the run's cycles on a slow machine, for "
                  "--evaluator 120")
      ->check(non_negative_number())
      ->capture_default_str();
  sub->add_option("--compare", command->compare, "rivals with the same RTL budget")
      ->delimiter(',')
      ->check(CLI::IsMember({"random", "analytical"}));
  sub->add_option("--pretrained", command->pretrained,
                  "folder of a pre-trained encoder (default: trained for the space, once)");
  add_evaluator_option(*sub, command->evaluator);
  sub->add_option("--json-out", command->json_out, "write the report as JSON to this file too");
  sub->callback([command] { run_search(*command); });
}

}  // namespace polaris
