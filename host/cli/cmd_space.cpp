// polaris space: how large a design space is, what an index means, how much of it is feasible.
#include <fmt/format.h>
#include <fmt/ostream.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <atomic>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "host/cli/commands.hpp"
#include "host/cli/options.hpp"
#include "host/config/space_yaml.hpp"
#include "host/config/workload_yaml.hpp"
#include "host/core/error.hpp"
#include "host/core/interrupt.hpp"
#include "host/core/parallel.hpp"
#include "host/core/paths.hpp"
#include "host/io/mapping_text.hpp"
#include "host/space/layer_space.hpp"
#include "host/space/layer_text.hpp"
#include "models/analytical/area.hpp"

namespace polaris {
namespace {

using nlohmann::ordered_json;

struct SpaceOptions {
  std::string space = "default";
  std::string workload;
  std::string layer;
  std::optional<std::uint64_t> index;
  std::string mapping;
  std::vector<std::int64_t> hardware;  ///< dim, accumulator KiB, scratchpad KiB, bus bytes
  std::int64_t sample = 0;
};

constexpr int kVerdicts = static_cast<int>(Feasibility::weight_loop_in_register) + 2;
constexpr int kAreaVerdict = kVerdicts - 1;

/// Position of the verdict on `point`: a Feasibility, or kAreaVerdict.
int verdict(const DesignSpace& space, const Layer& layer, const DesignPoint& point) {
  const auto reason = check(layer, point);
  if (reason == Feasibility::feasible && space.max_area_mm2 > 0.0 &&
      area_mm2(point.hardware) > space.max_area_mm2)
    return kAreaVerdict;
  return static_cast<int>(reason);
}

std::string verdict_text(int verdict) {
  return verdict == kAreaVerdict ? "area exceeds max_area_mm2"
                                 : to_string(static_cast<Feasibility>(verdict));
}

/// The layer's space; errors name the layer.
LayerSpace space_of(const WorkloadLayer& layer, const DesignSpace& space) {
  try {
    return LayerSpace(layer.layer, space.hardware);
  } catch (const Error& error) {
    throw Error("layer " + layer.name + ": " + error.what());
  }
}

/// How many of `count` uniform samples get each verdict.
std::array<std::int64_t, kVerdicts> sample_verdicts(const DesignSpace& space,
                                                    const LayerSpaceView& view,
                                                    std::uint64_t stream, std::int64_t count) {
  constexpr std::int64_t kGrain = 1 << 14;
  std::array<std::atomic<std::int64_t>, kVerdicts> total{};
  const GlobalOptions& global = global_options();
  parallel_for(count, kGrain, global.threads, [&](std::int64_t begin, std::int64_t end) {
    if (interrupted()) return;
    std::array<std::int64_t, kVerdicts> part{};
    for (std::int64_t i = begin; i < end; ++i) {
      const auto index = view.sample(global.seed, stream, static_cast<std::uint64_t>(i));
      ++part[static_cast<std::size_t>(verdict(space, view.layer, view.decode(index)))];
    }
    for (std::size_t v = 0; v < part.size(); ++v) total[v] += part[v];
  });
  if (interrupted()) throw Failure("space interrupted");
  std::array<std::int64_t, kVerdicts> out{};
  std::copy(total.begin(), total.end(), out.begin());
  return out;
}

ordered_json describe_layer(const WorkloadLayer& layer, const DesignSpace& space,
                            std::uint64_t stream, std::int64_t samples) {
  const LayerSpace owner = space_of(layer, space);
  const LayerSpaceView& view = owner.view();
  ordered_json out = {{"name", layer.name},
                      {"count", layer.count},
                      {"bounds", format_layer(layer.layer)},
                      {"macs", layer.layer.macs()},
                      {"hardware", space.hardware.size()},
                      {"mappings", view.mapping_count},
                      {"size", view.size}};
  if (samples == 0) return out;
  const auto verdicts = sample_verdicts(space, view, stream, samples);
  out["samples"] = samples;
  out["feasible"] = static_cast<double>(verdicts[0]) / static_cast<double>(samples);
  for (int v = 1; v < kVerdicts; ++v)
    out["infeasible"][verdict_text(v)] =
        static_cast<double>(verdicts[static_cast<std::size_t>(v)]) / static_cast<double>(samples);
  return out;
}

ordered_json describe_point(const WorkloadLayer& layer, const DesignSpace& space,
                            std::uint64_t index) {
  const LayerSpace owner = space_of(layer, space);
  const LayerSpaceView& view = owner.view();
  if (index >= view.size)
    throw Error::expected("an index below " + std::to_string(view.size), std::to_string(index),
                          "--index");
  const DesignPoint point = view.decode(index);
  const HardwareConfig& hardware = point.hardware;
  return {{"layer", layer.name},
          {"bounds", format_layer(layer.layer)},
          {"index", index},
          {"hardware",
           {{"dim", hardware.dim},
            {"accumulator_kib", hardware.accumulator_bytes() / 1024},
            {"scratchpad_kib", hardware.scratchpad_bytes / 1024},
            {"bus_bytes", hardware.bus_bytes}}},
          {"area_mm2", area_mm2(hardware)},
          {"mapping", format_mapping(point.mapping)},
          {"verdict", verdict_text(verdict(space, layer.layer, point))}};
}

std::uint64_t index_of_point(const WorkloadLayer& layer, const DesignSpace& space,
                             const SpaceOptions& options) {
  const auto& h = options.hardware;
  const HardwareConfig hardware{static_cast<std::int32_t>(h[0]), h[1] * 1024 / (4 * h[0]),
                                h[2] * 1024, static_cast<std::int32_t>(h[3])};
  const LayerSpace owner = space_of(layer, space);
  const std::uint64_t index = owner.view().encode({hardware, parse_mapping(options.mapping)});
  if (index == kNoIndex)
    throw Error::expected("a design point of space " + space.name, "hardware or factors outside it",
                          "--mapping and --hardware");
  return index;
}

void print_layers(const ordered_json& result, bool sampled) {
  std::size_t width = 5;
  for (const auto& layer : result["layers"])
    width = std::max(width, layer["name"].get_ref<const std::string&>().size());
  fmt::print(
      std::cout, "space {} ({}), workload {} ({})\n{:<{}} {:>6} {:>15} {:>9} {:>20} {:>20}{}\n",
      result["space"].get<std::string>(), result["space_hash"].get<std::string>(),
      result["workload"].get<std::string>(), result["workload_hash"].get<std::string>(), "layer",
      width, "count", "MACs", "hardware", "mappings", "design points", sampled ? " feasible" : "");
  for (const auto& layer : result["layers"])
    fmt::print(std::cout, "{:<{}} {:>6} {:>15} {:>9} {:>20} {:>20}{}\n",
               layer["name"].get<std::string>(), width, layer["count"].get<std::int64_t>(),
               layer["macs"].get<std::int64_t>(), layer["hardware"].get<std::uint64_t>(),
               layer["mappings"].get<std::uint64_t>(), layer["size"].get<std::uint64_t>(),
               sampled ? fmt::format(" {:>7.3f}%", 100 * layer["feasible"].get<double>()) : "");
}

void print_point(const ordered_json& point) {
  for (const auto& [key, value] : point.items())
    fmt::print(std::cout, "{:<10} {}\n", key,
               value.is_string() ? value.get<std::string>() : value.dump());
}

void run_space(const SpaceOptions& options) {
  install_interrupt_handler();
  const DesignSpace space = read_design_space(find_zoo_file("spaces", options.space));
  Workload workload = read_workload(find_zoo_file("workloads", options.workload));
  const std::string identity = workload_hash(workload);
  const bool one_point = options.index || !options.mapping.empty();
  if (one_point && options.layer.empty())
    throw Error::expected("--layer with --index and --mapping", "none", "space");
  if (!options.layer.empty()) {
    std::string names;
    for (const WorkloadLayer& layer : workload.layers)
      names += (names.empty() ? "" : ", ") + layer.name;
    std::erase_if(workload.layers,
                  [&options](const WorkloadLayer& layer) { return layer.name != options.layer; });
    if (workload.layers.empty())
      throw Error::expected("one of " + names, "'" + options.layer + "'", "--layer");
  }

  const bool as_json = global_options().json;
  if (one_point) {
    const WorkloadLayer& layer = workload.layers.front();
    const ordered_json point = describe_point(
        layer, space, options.index ? *options.index : index_of_point(layer, space, options));
    if (as_json)
      fmt::print(std::cout, "{}\n", point.dump(2));
    else
      print_point(point);
    return;
  }
  ordered_json result = {{"space", space.name},
                         {"space_hash", space_hash(space)},
                         {"workload", workload.name},
                         {"workload_hash", identity},
                         {"seed", global_options().seed}};
  for (std::size_t i = 0; i < workload.layers.size(); ++i)
    result["layers"].push_back(describe_layer(workload.layers[i], space, i, options.sample));
  if (as_json)
    fmt::print(std::cout, "{}\n", result.dump(2));
  else
    print_layers(result, options.sample > 0);
}

}  // namespace

void add_space(CLI::App& app) {
  CLI::App* command = add_command(
      app, "space", "Size of a design space, meaning of an index, share of feasible points",
      "polaris space --space default --workload resnet50 --sample 100000");
  const auto options = std::make_shared<SpaceOptions>();
  command->add_option("--space", options->space, "Space: a file or a name of the zoo")
      ->capture_default_str();
  command->add_option("--workload", options->workload, "Workload: a file or a name of the zoo")
      ->required();
  command->add_option("--layer", options->layer, "Only the layer of this name");
  CLI::Option* sample =
      command->add_option("--sample", options->sample, "Estimate feasibility from N points")
          ->check(integer_in(1));
  CLI::Option* index =
      command->add_option("--index", options->index, "Decode the design point of this index")
          ->check(integer_in(0))
          ->excludes(sample);
  CLI::Option* hardware =
      command
          ->add_option("--hardware", options->hardware,
                       "With --mapping: dim,accumulator_kib,scratchpad_kib,bus_bytes")
          ->delimiter(',')
          ->expected(4)
          ->check(integer_in(1, 1 << 20));
  CLI::Option* mapping =
      command->add_option("--mapping", options->mapping, "Find the index of this mapping")
          ->excludes(sample)
          ->excludes(index)
          ->needs(hardware);
  hardware->needs(mapping);
  command->callback([options] { run_space(*options); });
}

}  // namespace polaris
