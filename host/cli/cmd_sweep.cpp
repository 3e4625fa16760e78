// polaris sweep: every point of a design space, with proof that none was left out.
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <filesystem>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "host/cli/commands.hpp"
#include "host/cli/options.hpp"
#include "host/cli/progress.hpp"
#include "host/config/space_yaml.hpp"
#include "host/config/workload_yaml.hpp"
#include "host/core/atomic_file.hpp"
#include "host/core/error.hpp"
#include "host/core/hash.hpp"
#include "host/core/in_quotes.hpp"
#include "host/core/interrupt.hpp"
#include "host/core/paths.hpp"
#include "host/engine/engine.hpp"
#include "host/io/number_text.hpp"
#include "host/io/table.hpp"
#include "host/sweep/prune.hpp"
#include "host/sweep/results.hpp"
#include "host/sweep/sweep.hpp"

namespace polaris {
namespace {

namespace fs = std::filesystem;

struct SweepCommand {
  std::string workload;
  std::string space = "default";
  std::string fidelity;
  std::string model;
  std::string out;
  std::string layer;
  std::string range;
  std::string objective = "mean";
  std::string avoid;
  std::string shard = "1/1";
  double incumbent = 0.0;  ///< J * cycle; 0: none
  double beta = 2.0;
  double max_area = 0.0;       ///< mm^2; 0 here and below: no limit
  double max_energy_uj = 0.0;  ///< uJ
  double max_latency = 0.0;    ///< cycles
  std::int64_t max_accumulator_kib = 0;
  std::int64_t max_scratchpad_kib = 0;
  int top = 10;
  double checkpoint_s = 5.0;
  bool only_top = false;
  bool dry_run = false;
};

constexpr double kSampleSeconds = 3.0;
constexpr double kPicojoulePerMicrojoule = 1e6;
/// An engine is slower by three orders of magnitude than the analytical sweep.
constexpr std::uint64_t kStarlightTile = std::uint64_t{1} << 22;

/// "A:B" or "i/n": two integers around `separator`, nothing else.
std::optional<std::pair<std::uint64_t, std::uint64_t>> parse_pair(const std::string& text,
                                                                  char separator) {
  std::pair<std::uint64_t, std::uint64_t> out;
  const char* const end = text.data() + text.size();
  const auto first = std::from_chars(text.data(), end, out.first);
  if (first.ec != std::errc() || first.ptr == end || *first.ptr != separator) return std::nullopt;
  const auto second = std::from_chars(first.ptr + 1, end, out.second);
  if (second.ec != std::errc() || second.ptr != end) return std::nullopt;
  return out;
}

Shard parse_shard(const std::string& text) {
  const auto pair = parse_pair(text, '/');
  if (!pair || pair->first < 1 || pair->first > pair->second)
    throw Error::expected("i/n with 1 <= i <= n", "'" + text + "'", "--shard");
  return {pair->first, pair->second};
}

/// Leaves the named layer only.
void select_layer(Workload& workload, const std::string& name) {
  std::string names;
  for (const WorkloadLayer& layer : workload.layers)
    names += (names.empty() ? "" : ", ") + layer.name;
  std::erase_if(workload.layers, [&](const WorkloadLayer& layer) { return layer.name != name; });
  if (workload.layers.empty())
    throw Error::expected("one of " + names, "'" + name + "'", "--layer");
}

/// The range asked for, or all of every layer.
std::vector<IndexRange> ranges_of(const SweepCommand& command, const SweepSpec& spec) {
  std::vector<IndexRange> out;
  for (const WorkloadLayer& layer : spec.workload.layers)
    out.push_back({0, LayerSpace(layer.layer, spec.space.hardware).view().size});
  if (command.range.empty()) return out;
  const auto pair = parse_pair(command.range, ':');
  if (!pair || pair->first > pair->second || pair->second > out.front().end)
    throw Error::expected(fmt::format("A:B with A <= B <= {}", out.front().end),
                          "'" + command.range + "'", "--range");
  return {{pair->first, pair->second}};
}

SweepSpec spec_of(const SweepCommand& command) {
  SweepSpec spec;
  spec.workload = read_workload(find_zoo_file("workloads", command.workload));
  spec.workload_hash = workload_hash(spec.workload);
  spec.space = read_design_space(find_zoo_file("spaces", command.space));
  if (!command.layer.empty()) select_layer(spec.workload, command.layer);
  spec.whole = command.layer.empty();
  spec.ranges = ranges_of(command, spec);
  spec.limits = {command.max_area, command.max_accumulator_kib * 1024,
                 command.max_scratchpad_kib * 1024, command.max_energy_uj * kPicojoulePerMicrojoule,
                 command.max_latency};
  spec.objective = command.objective;
  spec.acquisition = acquisition_of(command.objective, command.incumbent, command.beta);
  spec.top = command.top;
  spec.seed = global_options().seed;
  if (!command.avoid.empty()) spec.avoid_hash = content_hash(read_file(command.avoid));
  const bool starlight =
      command.fidelity.empty() ? !command.model.empty() : command.fidelity == "starlight";
  if (starlight == command.model.empty())
    throw Error::expected(
        starlight ? "--model with --fidelity starlight" : "no --model with --fidelity analytical",
        starlight ? "none" : command.model, "sweep");
  if (!starlight && command.objective != "mean")
    throw Error::expected("--objective mean where nothing is uncertain", command.objective,
                          "--fidelity analytical");
  if (!starlight && command.only_top)
    throw Error::expected("--only-top with --fidelity starlight", "the analytical model", "sweep");
  if (starlight) spec.tile_points = kStarlightTile;
  spec.fidelity = starlight ? Fidelity::starlight : Fidelity::analytical;
  return spec;
}

/// Points of a table with the columns `layer` and `index`; other layers' are not looked at.
std::vector<std::pair<std::size_t, std::uint64_t>> read_avoided(const std::string& file,
                                                                const Workload& workload) {
  const Table table = read_table(file);
  const auto layer_column = static_cast<std::size_t>(table.require("layer"));
  const auto index_column = static_cast<std::size_t>(table.require("index"));
  std::vector<std::pair<std::size_t, std::uint64_t>> out;
  for (std::size_t r = 0; r < table.rows.size(); ++r) {
    const std::string& text = table.rows[r][index_column];
    const std::optional<std::int64_t> index = read_integer(text);
    if (!index || *index < 0)
      throw Error::expected("an index", in_quotes(text), fmt::format("{}: row {}", file, r + 1));
    for (std::size_t l = 0; l < workload.layers.size(); ++l)
      if (spreadsheet_text(workload.layers[l].name) ==
          spreadsheet_text(trimmed(table.rows[r][layer_column])))
        out.emplace_back(l, static_cast<std::uint64_t>(*index));
  }
  return out;
}

fs::path shard_path(const std::string& folder, const Shard& shard) {
  return fs::path(folder) / fmt::format("shard-{:04}-of-{:04}.json", shard.number, shard.count);
}

void print_forecast(const SweepForecast& forecast) {
  if (global_options().json) {
    std::cout << nlohmann::ordered_json{{"points", forecast.points},
                                        {"scored", forecast.scored},
                                        {"seconds", forecast.seconds},
                                        {"result_bytes", forecast.result_bytes},
                                        {"sampled_tiles", forecast.sample}}
                     .dump(2)
              << '\n';
    return;
  }
  std::cout << fmt::format(
      "points      {:.4g}\nto score    {:.3g} (estimate from {} tiles)\ntime        {} "
      "(at {:.3g} scored/s)\nresults     {:.1f} MB in memory, whatever the number of points\n",
      forecast.points, forecast.scored, forecast.sample, format_duration(forecast.seconds),
      forecast.seconds > 0.0 ? forecast.scored / forecast.seconds : 0.0,
      forecast.result_bytes * 1e-6);
}

void report(ProgressLine& line, const SweepProgress& p) {
  const double left = static_cast<double>(p.tiles - p.tiles_done) * p.seconds /
                      static_cast<double>(p.session_tiles);
  line.show(static_cast<double>(p.tiles_done) / static_cast<double>(p.tiles),
            fmt::format("{:.3g} scored, {:.3g}/s, {} left", static_cast<double>(p.session_scored),
                        static_cast<double>(p.session_scored) / p.seconds, format_duration(left)));
}

/// Runs the shard with its progress on stderr; throws Failure where it was interrupted.
ShardState run(const SweepCommand& command, const SweepPlan& plan, const Shard& shard,
               TileScorer& scorer) {
  std::error_code error;
  fs::create_directories(command.out, error);
  if (error) throw Error::expected("a folder that can be made", error.message(), command.out);
  ProgressLine line;
  const ShardRunOptions options{.file = shard_path(command.out, shard),
                                .checkpoint_seconds = command.checkpoint_s,
                                .threads = global_options().threads,
                                .progress = [&line](const SweepProgress& p) { report(line, p); }};
  ShardState state = run_shard(plan, shard, scorer, options);
  if (!state.complete(plan))
    throw Failure(fmt::format("interrupted after {} of {} tiles: the same command goes on from {}",
                              state.tiles_done, shard.tiles(plan.tile_count()),
                              options.file.string()));
  return state;
}

void run_sweep(const SweepCommand& command) {
  install_interrupt_handler();
  const GlobalOptions& global = global_options();
  const Shard shard = parse_shard(command.shard);
  SweepSpec spec = spec_of(command);
  std::optional<StarlightModel> model;
  std::unique_ptr<Engine> engine;
  if (spec.fidelity == Fidelity::starlight) {
    model = StarlightModel::load(command.model);
    engine = make_engine(global.backend, {global.threads});
    spec.model_hash = model->hash();
    spec.engine = engine->name();
  }
  SweepPlan plan(std::move(spec));
  if (!command.avoid.empty()) plan.avoid(read_avoided(command.avoid, plan.spec().workload));
  if (command.only_top) plan.prune_above(prune_thresholds(plan, *model, global.threads));
  const auto scorer = model ? make_starlight_scorer(plan, *model, *engine, global.threads)
                            : make_analytical_scorer(plan, global.threads);
  if (command.dry_run) {
    const SweepForecast expected = forecast(plan, shard, *scorer, kSampleSeconds, global.threads);
    if (interrupted()) throw Failure("sweep interrupted");
    print_forecast(expected);
    return;
  }
  const ShardState state = run(command, plan, shard, *scorer);
  if (shard.count > 1) {
    std::cout << shard_path(command.out, shard).string() << '\n';
    return;
  }
  expect_covered(plan, state.layers);
  const std::vector<NetworkDesign> ranking =
      rank_hardware(plan, state.layers, model ? &*model : nullptr);
  write_results(plan, state.layers, ranking, command.out);
  std::cout << (global.json ? format_json(plan, state.layers)
                            : format_text(plan, state.layers, ranking));
}

}  // namespace

void add_sweep(CLI::App& app) {
  const auto command = std::make_shared<SweepCommand>();
  CLI::App* sub = add_command(
      app, "sweep",
      "Score every design point: exact best points, Pareto fronts, hardware ranking, certificate",
      "polaris sweep --workload resnet50 --space default --out sweep-resnet50\n"
      "  polaris sweep --workload resnet50 --model model --shard 3/16 --out sweep-model");
  sub->add_option("--workload", command->workload, "zoo name or YAML file")->required();
  sub->add_option("--space", command->space, "zoo name or YAML file")->capture_default_str();
  sub->add_option("--out", command->out,
                  "folder for the shard's file, from which an interrupted sweep goes on, and for "
                  "the tables and certificate.json (a shard's come from `polaris merge`)")
      ->required();
  sub->add_option("--fidelity", command->fidelity,
                  "analytical or starlight (default: starlight if --model is given)")
      ->check(one_of({"analytical", "starlight"}));
  sub->add_option("--model", command->model, "folder that `polaris train` wrote");
  CLI::Option* layer = sub->add_option("--layer", command->layer, "only the layer of this name");
  sub->add_option("--range", command->range, "A:B, indices A to B - 1 of that layer only")
      ->needs(layer);
  sub->add_option("--top", command->top, "points kept per layer, and per layer and hardware")
      ->check(integer_in(1, kMaxTop))
      ->capture_default_str();
  sub->add_option("--objective", command->objective,
                  "what Starlight ranks by: mean, ei, logei or lcb of ln EDP")
      ->check(one_of({"mean", "ei", "logei", "lcb"}))
      ->capture_default_str();
  sub->add_option("--incumbent", command->incumbent,
                  "best EDP so far (J*cycle) of --layer, for ei and logei")
      ->needs(layer)
      ->check(positive_number());
  sub->add_option("--beta", command->beta, "standard deviations of lcb")
      ->check(non_negative_number())
      ->capture_default_str();
  sub->add_option("--max-area", command->max_area, "mm^2 of the accelerator")
      ->check(positive_number());
  sub->add_option("--max-accumulator-kib", command->max_accumulator_kib, "accumulator capacity")
      ->check(integer_in(1, 1 << 20));
  sub->add_option("--max-scratchpad-kib", command->max_scratchpad_kib, "scratchpad capacity")
      ->check(integer_in(1, 1 << 20));
  sub->add_option("--max-energy", command->max_energy_uj, "uJ of one execution of a layer")
      ->check(positive_number());
  sub->add_option("--max-latency", command->max_latency, "cycles of one execution of a layer")
      ->check(positive_number());
  sub->add_flag("--only-top", command->only_top,
                "with Starlight: only the best points of each layer; what a bound shows not to be "
                "among them is pruned, so no tables by hardware, no fronts, no ranking");
  sub->add_option("--avoid", command->avoid,
                  "CSV with the columns layer and index of points to leave out");
  sub->add_option("--shard", command->shard, "i/n: part i of n; all parts go to `polaris merge`")
      ->capture_default_str();
  sub->add_option("--checkpoint", command->checkpoint_s, "seconds between checkpoints")
      ->check(non_negative_number())
      ->capture_default_str();
  sub->add_flag("--dry-run", command->dry_run,
                "only estimate points, time and memory, from a sample of a few seconds");
  sub->callback([command] { run_sweep(*command); });
}

}  // namespace polaris
