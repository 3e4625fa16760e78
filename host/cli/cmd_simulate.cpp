// polaris simulate: one design point in the RTL simulator, beside the analytical model's numbers.
#include <fmt/format.h>
#include <fmt/ostream.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <filesystem>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <ranges>
#include <string>
#include <vector>

#include "host/cli/commands.hpp"
#include "host/cli/options.hpp"
#include "host/config/space_yaml.hpp"
#include "host/config/workload_yaml.hpp"
#include "host/core/atomic_file.hpp"
#include "host/core/error.hpp"
#include "host/core/interrupt.hpp"
#include "host/core/paths.hpp"
#include "host/core/scratch.hpp"
#include "host/io/mapping_text.hpp"
#include "host/rtl/scheduler.hpp"
#include "host/space/layer_space.hpp"
#include "host/space/layer_text.hpp"
#include "models/analytical/analytical.hpp"

namespace polaris {
namespace {

using nlohmann::ordered_json;

struct SimulateOptions {
  std::string workload;
  std::string layer;
  std::vector<std::int64_t> layer_sizes;  ///< R S P Q C K N
  std::vector<std::int32_t> stride = {1};
  std::vector<std::int32_t> dilation = {1};
  std::int32_t dim = 16;
  std::int64_t accumulator_kib = 64;
  std::int64_t scratchpad_kib = 256;
  std::int32_t bus_bytes = 8;
  std::string mapping;
  std::string space;
  std::optional<std::uint64_t> index;
  std::vector<std::string> without;  ///< names of kRtlMechanismFields
  bool functional = false;
  std::int64_t max_cycles = 1'000'000'000;
  double time_limit_s = 0.0;
  std::vector<std::string> evaluator;  ///< empty: the built-in accelerator
  std::string trace;                   ///< waveform file; empty: none
  std::string trace_cycles;            ///< FROM:TO; empty: all
};

/// A waveform on its way to its file: the simulator writes it in a folder beside that, which
/// vanishes, whatever else is left in it.
class WaveformFile {
 public:
  explicit WaveformFile(const std::string& target)
      : file_(target), folder_(file_.scratch_parent(), kPrivate) {}

  std::filesystem::path path() const {
    return std::filesystem::absolute(folder_.path() / "waveform");
  }

  void commit() {
    file_.take(path());
    file_.commit();
  }

 private:
  static constexpr mode_t kPrivate = 0700;

  AtomicFile file_;
  ScratchFolder folder_;
};

/// FROM:TO, both cycles of [0, 2^62].
void parse_cycles(const std::string& text, RtlTrace& trace) {
  const char* const end = text.data() + text.size();
  const auto from = std::from_chars(text.data(), end, trace.first_cycle);
  const bool colon = from.ec == std::errc() && from.ptr != end && *from.ptr == ':';
  const auto to = std::from_chars(colon ? from.ptr + 1 : end, end, trace.last_cycle);
  constexpr std::int64_t kMost = std::int64_t{1} << 62;
  if (!colon || to.ec != std::errc() || to.ptr != end || trace.first_cycle < 0 ||
      trace.last_cycle < trace.first_cycle || trace.last_cycle > kMost)
    throw Error::expected("FROM:TO, cycles in ascending order", "'" + text + "'", "--trace-cycles");
}

RtlTrace trace_of(const SimulateOptions& options, const WaveformFile& file) {
  RtlTrace trace;
  trace.file = file.path();
  const std::string extension = std::filesystem::path(options.trace).extension().string();
  if (extension != ".vcd" && extension != ".fst")
    throw Error::expected("a name that ends in .vcd or .fst", "'" + options.trace + "'", "--trace");
  trace.fst = extension == ".fst";
  if (!options.trace_cycles.empty()) parse_cycles(options.trace_cycles, trace);
  return trace;
}

Layer layer_of(const SimulateOptions& options) {
  if (options.layer_sizes.empty()) {
    const Workload workload = read_workload(find_zoo_file("workloads", options.workload));
    std::string names;
    for (const WorkloadLayer& layer : workload.layers) {
      if (layer.name == options.layer) return layer.layer;
      names += (names.empty() ? "" : ", ") + layer.name;
    }
    throw Error::expected("one of " + names, "'" + options.layer + "'", "--layer");
  }
  Layer out;
  for (int d = 0; d < kDims; ++d)
    out.size[d] = static_cast<std::int32_t>(options.layer_sizes[static_cast<std::size_t>(d)]);
  out.stride_w = options.stride.front();
  out.stride_h = options.stride.back();
  out.dilation_w = options.dilation.front();
  out.dilation_h = options.dilation.back();
  return out;
}

RtlMechanisms mechanisms_without(const std::vector<std::string>& names) {
  RtlMechanisms out;
  for (const std::string& name : names) {
    const auto found =
        std::ranges::find(kRtlMechanismFields, name, [](const auto& field) { return field.first; });
    if (found == kRtlMechanismFields.end())
      throw Error::expected(
          fmt::format("one of {}", fmt::join(kRtlMechanismFields | std::views::keys, ", ")),
          "'" + name + "'", "--without");
    out.*found->second = false;
  }
  return out;
}

RtlJob job_of(const SimulateOptions& options) {
  RtlJob job;
  job.layer = layer_of(options);
  job.mechanisms = mechanisms_without(options.without);
  job.functional = options.functional;
  job.data_seed = global_options().seed;
  job.max_cycles = options.max_cycles;
  job.time_limit_s = options.time_limit_s;
  std::optional<DesignSpace> space;
  if (!options.space.empty()) {
    space = read_design_space(find_zoo_file("spaces", options.space));
    job.memory = space->memory;
  }
  if (!options.index) {
    job.point = {{options.dim, options.accumulator_kib * 1024 / (4 * options.dim),
                  options.scratchpad_kib * 1024, options.bus_bytes},
                 parse_mapping(options.mapping)};
    return job;
  }
  const LayerSpace owner(job.layer, space->hardware);
  if (*options.index >= owner.view().size)
    throw Error::expected("an index below " + std::to_string(owner.view().size),
                          std::to_string(*options.index), "--index");
  job.point = owner.view().decode(*options.index);
  return job;
}

/// Runs the job; a first Ctrl-C gives it up.
RtlResult run_job(RtlScheduler& scheduler, const RtlJob& job) {
  constexpr double kPollSeconds = 0.1;
  install_interrupt_handler();
  const RtlScheduler::Id id = scheduler.submit(job);
  while (true) {
    if (auto done = scheduler.wait_any(kPollSeconds)) return std::move(done->second);
    if (interrupted()) scheduler.cancel(id);
  }
}

ordered_json describe(const RtlJob& job, const RtlResult& rtl, const std::string& rtl_hash) {
  const HardwareConfig& hardware = job.point.hardware;
  const AnalyticalResult model = evaluate_analytical(job.layer, hardware, job.point.mapping);
  constexpr double kJoulePerPicojoule = 1e-12;
  ordered_json measured = {
      {"cycles", rtl.cycles},
      {"energy_pj", rtl.energy_pj},
      {"edp", rtl.energy_pj * kJoulePerPicojoule * static_cast<double>(rtl.cycles)}};
  if (rtl.named_counters) {
    measured["counters"] = *rtl.named_counters;
  } else {
    measured["energy"] = {{"mac", rtl.energy.mac},
                          {"reg", rtl.energy.reg},
                          {"accumulator", rtl.energy.accumulator},
                          {"scratchpad", rtl.energy.scratchpad},
                          {"dram", rtl.energy.dram}};
    for (const auto& [name, member] : kRtlCounterFields)
      measured["counters"][name] = rtl.counters.*member;
  }
  ordered_json without = ordered_json::array();
  for (const auto& [name, member] : kRtlMechanismFields)
    if (!(job.mechanisms.*member)) without.push_back(name);
  return {{"layer", format_layer(job.layer)},
          {"hardware",
           {{"dim", hardware.dim},
            {"accumulator_kib", hardware.accumulator_bytes() / 1024},
            {"scratchpad_kib", hardware.scratchpad_bytes / 1024},
            {"bus_bytes", hardware.bus_bytes}}},
          {"mapping", format_mapping(job.point.mapping)},
          {"without", std::move(without)},
          {"functional", job.functional},
          {"cycles_ratio", static_cast<double>(rtl.cycles) / static_cast<double>(model.cycles)},
          {"rtl", std::move(measured)},
          {"analytical",
           {{"cycles", model.cycles},
            {"energy_pj", model.energy_pj},
            {"edp", model.edp},
            {"energy",
             {{"mac", model.energy_mac},
              {"reg", model.energy_reg},
              {"accumulator", model.energy_accumulator},
              {"scratchpad", model.energy_scratchpad},
              {"dram", model.energy_dram}}}}},
          {"seconds", rtl.seconds},
          {"rtl_hash", rtl_hash}};
}

void print_row(const std::string& name, double rtl, double model) {
  fmt::print(std::cout, "{:<22} {:>16.6g} {:>16.6g} {:>8.3f}\n", name, rtl, model, rtl / model);
}

void print_text(const ordered_json& result) {
  constexpr double kMicrojoulePerPicojoule = 1e-6;
  const ordered_json& rtl = result["rtl"];
  const ordered_json& model = result["analytical"];
  const ordered_json& hardware = result["hardware"];
  fmt::print(std::cout,
             "layer     {}\nhardware  dim {}, accumulator {} KiB, scratchpad {} KiB, bus {} B\n",
             result["layer"].get<std::string>(), hardware["dim"].get<int>(),
             hardware["accumulator_kib"].get<std::int64_t>(),
             hardware["scratchpad_kib"].get<std::int64_t>(), hardware["bus_bytes"].get<int>());
  fmt::print(std::cout, "mapping   {}\n", result["mapping"].get<std::string>());
  if (!result["without"].empty())
    fmt::print(std::cout, "without   {}: not the real machine\n",
               fmt::join(result["without"].get<std::vector<std::string>>(), ", "));
  fmt::print(std::cout, "\n{:<22} {:>16} {:>16} {:>8}\n", "",
             rtl.contains("energy") ? "RTL" : "evaluator", "analytical", "ratio");
  const auto cycles = rtl["cycles"].get<std::int64_t>();
  const auto model_cycles = model["cycles"].get<std::int64_t>();
  fmt::print(std::cout, "{:<22} {:>16} {:>16} {:>8.3f}\n", "cycles", cycles, model_cycles,
             result["cycles_ratio"].get<double>());
  print_row("energy uJ", kMicrojoulePerPicojoule * rtl["energy_pj"].get<double>(),
            kMicrojoulePerPicojoule * model["energy_pj"].get<double>());
  if (rtl.contains("energy"))
    for (const auto& [name, energy] : rtl["energy"].items())
      print_row("  " + name, kMicrojoulePerPicojoule * energy.get<double>(),
                kMicrojoulePerPicojoule * model["energy"][name].get<double>());
  print_row("EDP J*cycle", rtl["edp"].get<double>(), model["edp"].get<double>());
  if (!rtl.contains("energy")) {  // an external evaluator: its counters are its own
    if (!rtl["counters"].empty()) fmt::print(std::cout, "\ncounters of the evaluator\n");
    for (const auto& [name, value] : rtl["counters"].items())
      fmt::print(std::cout, "  {:<20} {:>16.6g}\n", name, value.get<double>());
    return;
  }
  fmt::print(std::cout, "\nshare of the cycles\n");
  for (const char* name : {"mesh_rows", "weight_stalls", "input_stalls", "output_stalls"})
    fmt::print(std::cout, "{:<22} {:>15.1f}%\n", fmt::format("  {}", name),
               100.0 * rtl["counters"][name].get<double>() / static_cast<double>(cycles));
  if (result["functional"].get<bool>()) fmt::print(std::cout, "\noutputs equal to the reference\n");
}

void run_simulate(const SimulateOptions& options) {
  const RtlJob job = job_of(options);
  RtlSchedulerOptions scheduling;
  scheduling.threads = 1;
  scheduling.evaluator = options.evaluator;
  std::optional<WaveformFile> waveform;
  if (!options.trace.empty()) {
    waveform.emplace(options.trace);
    scheduling.trace = trace_of(options, *waveform);
  }
  RtlScheduler scheduler(scheduling);
  const RtlResult result = run_job(scheduler, job);
  if (result.status == RtlStatus::infeasible)
    throw Error("simulate: infeasible design point: " + result.reason);
  // Also of a run cut at its limit or with wrong results: that is when one looks.
  if (waveform && result.cycles > 0) {
    if (scheduling.trace->first_cycle > result.cycles)
      throw Error::expected(fmt::format("a first cycle of [0, {}]", result.cycles),
                            fmt::to_string(scheduling.trace->first_cycle), "--trace-cycles");
    waveform->commit();
  }
  if (result.status != RtlStatus::ok)
    throw Failure(fmt::format("simulate: {}: {}", to_string(result.status), result.reason));
  const ordered_json described = describe(job, result, scheduler.rtl_hash());
  if (global_options().json)
    fmt::print(std::cout, "{}\n", described.dump(2));
  else
    print_text(described);
}

}  // namespace

void add_simulate(CLI::App& app) {
  CLI::App* command = add_command(
      app, "simulate", "Run one design point in the RTL simulator",
      "polaris simulate --workload resnet50 --layer conv2_3x3 --functional --mapping\n"
      "    \"L3[WIO] P4 Q4 - L2[WI] N1 K16X - L1[O] K4 S3 R3 C4 Q14 C16X - L0[W] P14\"");
  const auto options = std::make_shared<SimulateOptions>();
  CLI::Option* workload =
      command->add_option("--workload", options->workload, "Workload: a file or a name of the zoo");
  CLI::Option* layer = command->add_option("--layer", options->layer, "Its layer of this name");
  workload->needs(layer);
  layer->needs(workload);
  CLI::Option* sizes = command
                           ->add_option("--layer-sizes", options->layer_sizes,
                                        "Instead of a workload: R,S,P,Q,C,K,N")
                           ->delimiter(',')
                           ->expected(kDims)
                           ->check(integer_in(1, 1 << 24))
                           ->excludes(workload);
  const auto pair = [&](const char* name, std::vector<std::int32_t>& field, const char* help) {
    command->add_option(name, field, help)
        ->delimiter(',')
        ->expected(1, 2)
        ->check(integer_in(1, 1 << 10))
        ->needs(sizes);
  };
  pair("--stride", options->stride, "With --layer-sizes: along P,Q");
  pair("--dilation", options->dilation, "With --layer-sizes: along R,S");
  command->add_option("--dim", options->dim, "PEs per side of the array: 4, 8, 16, 32 or 64")
      ->check(integer_in(1, 64))
      ->capture_default_str();
  command->add_option("--accumulator-kib", options->accumulator_kib, "Accumulator, all columns")
      ->check(integer_in(1, 1 << 20))
      ->capture_default_str();
  command->add_option("--scratchpad-kib", options->scratchpad_kib, "Scratchpad")
      ->check(integer_in(1, 1 << 20))
      ->capture_default_str();
  command->add_option("--bus-bytes", options->bus_bytes, "DRAM bytes per cycle")
      ->check(integer_in(1, 64))
      ->capture_default_str();
  CLI::Option* mapping =
      command->add_option("--mapping", options->mapping, "Loops of each level, outermost first");
  CLI::Option* space =
      command->add_option("--space", options->space, "Memory system, and the space of --index");
  CLI::Option* index =
      command->add_option("--index", options->index, "Hardware and mapping of this design point")
          ->check(integer_in(0))
          ->needs(space)
          ->excludes(mapping);
  CLI::Option* evaluator = add_evaluator_option(*command, options->evaluator);
  command
      ->add_flag("--functional", options->functional,
                 "Move random data (of --seed) and compare with a reference")
      ->excludes(evaluator);
  command
      ->add_option("--without", options->without,
                   "What-if study: take these mechanisms from the machine (rtl/README.md), e.g.\n"
                   "page_misses,bank_conflicts")
      ->delimiter(',')
      ->type_name("MECHANISM")
      ->excludes(evaluator);
  command->add_option("--max-cycles", options->max_cycles, "Give up after as many cycles")
      ->check(integer_in(1))
      ->capture_default_str();
  command->add_option("--time-limit", options->time_limit_s, "Give up after seconds; 0: never")
      ->check(non_negative_number())
      ->capture_default_str();
  CLI::Option* trace = command
                           ->add_option("--trace", options->trace,
                                        "Write all signals to a file: .vcd, or .fst (compressed)")
                           ->excludes(evaluator);
  command->add_option("--trace-cycles", options->trace_cycles, "FROM:TO instead of all cycles")
      ->needs(trace);
  command->callback([options, workload, sizes, mapping, index] {
    if (workload->empty() && sizes->empty())
      throw Error::expected("--workload with --layer, or --layer-sizes", "neither", "simulate");
    if (mapping->empty() && index->empty())
      throw Error::expected("--mapping, or --space with --index", "neither", "simulate");
    run_simulate(*options);
  });
}

}  // namespace polaris
