// polaris bench: candidates per second of the scoring engine on this machine, against what the
// machine can do.
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <iostream>
#include <limits>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "host/bench/machine.hpp"
#include "host/bench/synthetic.hpp"
#include "host/bench/throughput.hpp"
#include "host/cli/commands.hpp"
#include "host/cli/options.hpp"
#include "host/config/space_yaml.hpp"
#include "host/config/workload_yaml.hpp"
#include "host/core/atomic_file.hpp"
#include "host/core/commit.hpp"
#include "host/core/error.hpp"
#include "host/core/interrupt.hpp"
#include "host/core/json_text.hpp"
#include "host/core/parallel.hpp"
#include "host/core/paths.hpp"
#include "host/core/version.hpp"
#include "host/io/json_reader.hpp"
#include "host/space/layer_space.hpp"

namespace polaris {
namespace {

using nlohmann::ordered_json;

constexpr double kJoulePerPicojoule = 1e-12;

struct BenchOptions {
  std::vector<std::int64_t> samples = {256, 611, 1567};
  std::string model;
  std::string workload = "resnet50";
  std::string layer = "conv3_3x3";
  std::string space = "default";
  std::int64_t candidates = 200000;
  int best = 100;
  double seconds = 0.5;
  double incumbent = 0.0;  ///< J * cycle; 0: the best mean among the candidates
  std::string json_out;
  std::vector<std::string> compare;
};

ordered_json read_report(const std::string& path) { return JsonDocument::read(path).root().raw(); }

WorkloadLayer find_layer(const Workload& workload, const std::string& name) {
  std::string names;
  for (const WorkloadLayer& layer : workload.layers) {
    if (layer.name == name) return layer;
    names += (names.empty() ? "" : ", ") + layer.name;
  }
  throw Error::expected("one of " + names, "'" + name + "'", "--layer");
}

/// The least mean of ln EDP among the candidates.
double best_mean(Engine& engine, const StarlightModel& model, const LayerSpaceView& space,
                 const std::vector<std::uint64_t>& candidates) {
  std::vector<Prediction> predictions(candidates.size());
  engine.predict(model, space, candidates, predictions);
  double best = std::numeric_limits<double>::infinity();
  for (const Prediction& prediction : predictions)
    best = std::min(best, edp_prediction(prediction).mean);
  return best;
}

void run_bench(const BenchOptions& options) {
  if (!options.compare.empty()) {
    const ordered_json a = read_report(options.compare[0]), b = read_report(options.compare[1]);
    std::cout << compare_reports(a, options.compare[0], b, options.compare[1]);
    return;
  }
  install_interrupt_handler();
  const GlobalOptions& global = global_options();
  const int threads = worker_count(global.threads);
  const WorkloadLayer layer =
      find_layer(read_workload(find_zoo_file("workloads", options.workload)), options.layer);
  const DesignSpace space = read_design_space(find_zoo_file("spaces", options.space));
  std::optional<StarlightModel> loaded;
  if (!options.model.empty()) loaded = StarlightModel::load(options.model);
  const auto engine = make_engine(global.backend, {.threads = threads});
  // Opened now: a wrong path shows before the measurements, not after them.
  std::optional<AtomicFile> json_file;
  if (!options.json_out.empty()) json_file.emplace(options.json_out);
  const LayerSpace layer_space(layer.layer, space.hardware);
  const std::vector<std::uint64_t> candidates = random_candidates(
      layer_space.view(), static_cast<std::size_t>(options.candidates), global.seed);
  const std::vector<std::uint64_t> range = neighbouring_candidates(
      layer_space.view(), static_cast<std::size_t>(options.candidates), global.seed);

  spdlog::info("measuring the machine's peaks");
  const MachinePeaks machine = measure_machine(threads, options.seconds);
  ordered_json report = {{"schema", kBenchSchema},
                         {"schema_version", kBenchSchemaVersion},
                         {"version", kVersion},
                         {"commit", kCommit},
                         {"machine",
                          {{"cpu", machine.cpu},
                           {"instructions", machine.instructions},
                           {"threads", machine.threads},
                           {"multiply_add_flops", machine.multiply_add_flops},
                           {"gemm_flops", machine.gemm_flops},
                           {"copy_bytes", machine.copy_bytes}}},
                         {"backend", engine->name()},
                         {"seed", global.seed},
                         {"workload", options.workload},
                         {"layer", options.layer},
                         {"space", space_hash(space)},
                         {"models", ordered_json::array()}};
  const auto measure = [&](const StarlightModel& model, const std::string& name) {
    spdlog::info("measuring {} samples", model.sample_count().used);
    const double incumbent = options.incumbent > 0.0
                                 ? std::log(options.incumbent / kJoulePerPicojoule)
                                 : best_mean(*engine, model, layer_space.view(), candidates);
    report["models"].push_back(measure_throughput({.model = model,
                                                   .name = name,
                                                   .space = layer_space.view(),
                                                   .candidates = candidates,
                                                   .range = range,
                                                   .incumbent = incumbent,
                                                   .best = options.best,
                                                   .threads = threads,
                                                   .seconds = options.seconds},
                                                  *engine, machine));
  };
  if (loaded)
    measure(*loaded, loaded->hash());
  else
    for (const std::int64_t samples : options.samples)
      measure(synthetic_model(layer_space.view(), static_cast<std::size_t>(samples), global.seed,
                              threads),
              "synthetic");
  if (json_file) {
    json_file->stream() << json_text(report, 2) << '\n';
    json_file->commit();
  }
  std::cout << (global.json ? json_text(report, 2) + '\n' : format_report(report));
}

}  // namespace

void add_bench(CLI::App& app) {
  CLI::App* command =
      add_command(app, "bench", "Candidates per second of Starlight, by stage and end to end",
                  "polaris bench --samples 611 --json-out before.json\n"
                  "  polaris bench --compare before.json after.json");
  const auto options = std::make_shared<BenchOptions>();
  command
      ->add_option("--samples", options->samples,
                   "RTL samples of the synthetic models to measure with")
      ->delimiter(',')
      ->check(integer_in(1, 20000))
      ->capture_default_str();
  command->add_option("--model", options->model,
                      "Folder that `polaris train` wrote, instead of synthetic models");
  command->add_option("--workload", options->workload, "Workload: a file or a name of the zoo")
      ->capture_default_str();
  command->add_option("--layer", options->layer, "Layer whose mappings are scored")
      ->capture_default_str();
  command->add_option("--space", options->space, "Space: a file or a name of the zoo")
      ->capture_default_str();
  command
      ->add_option("--candidates", options->candidates,
                   "Different feasible points scored end to end")
      ->check(integer_in(64, 100'000'000))
      ->capture_default_str();
  command->add_option("--best", options->best, "k of the k best")
      ->check(integer_in(1, 1'000'000))
      ->capture_default_str();
  command
      ->add_option("--incumbent", options->incumbent,
                   "Best EDP so far (J*cycle); default: the best prediction among the candidates")
      ->check(positive_number());
  command->add_option("--seconds", options->seconds, "Least time of every figure")
      ->check(number_in(0.001, 60.0))
      ->capture_default_str();
  command->add_option("--json-out", options->json_out, "Write the report as JSON to this file too");
  command
      ->add_option("--compare", options->compare, "Two reports: prints the ratios of their rates")
      ->expected(2)
      ->type_name("A.json B.json");
  command->callback([options] { run_bench(*options); });
}

}  // namespace polaris
