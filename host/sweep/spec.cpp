#include "host/sweep/spec.hpp"

#include <fmt/format.h>

#include <bit>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <unordered_set>
#include <utility>

#include "host/config/space_yaml.hpp"
#include "host/config/workload_yaml.hpp"
#include "host/core/error.hpp"
#include "host/core/version.hpp"
#include "host/space/layer_text.hpp"
#include "models/space/accelerator_limits.hpp"

namespace polaris {
namespace {

using nlohmann::ordered_json;

constexpr double kJoulePerPicojoule = 1e-12;
constexpr std::size_t kMaxLayers = 100'000;  // as in workload files
constexpr std::int64_t kMaxIndex = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t kMaxCount = std::int64_t{1} << 53;  // of MACs, hence of occurrences
constexpr const char* kObjectives = "mean, ei, logei or lcb";
constexpr const char* kAxisNames[kHardwareAxes] = {"dim", "accumulator_bytes", "scratchpad_bytes",
                                                   "bus_bytes"};

bool is_objective(const std::string& name) {
  return name == "mean" || name == "lcb" || name == "ei" || name == "logei";
}

/// JSON has no infinity: null.
ordered_json thresholds_json(const SweepSpec& spec) {
  ordered_json out = ordered_json::array();
  for (const double threshold : spec.thresholds)
    out.push_back(std::isfinite(threshold) ? ordered_json(threshold) : ordered_json());
  return out;
}

ordered_json layers_json(const SweepSpec& spec) {
  ordered_json out = ordered_json::array();
  for (std::size_t l = 0; l < spec.workload.layers.size(); ++l) {
    const WorkloadLayer& layer = spec.workload.layers[l];
    out.push_back({{"name", layer.name},
                   {"count", layer.count},
                   {"bounds", format_layer(layer.layer)},
                   {"begin", spec.ranges[l].begin},
                   {"end", spec.ranges[l].end}});
  }
  return out;
}

ordered_json hardware_json(const HardwareGrid& grid) {
  ordered_json out;
  for (int a = 0; a < kHardwareAxes; ++a)
    out[kAxisNames[a]] = std::vector<std::int64_t>(grid.value[a], grid.value[a] + grid.count[a]);
  return out;
}

/// Empty where there is nothing to hash.
std::string read_hash(const JsonNode& node) { return node.text().empty() ? "" : node.hash(); }

/// Limits are positive, 0 for none.
double read_limit(const JsonNode& node) {
  return node.number(0.0, std::numeric_limits<double>::max());
}

std::int64_t read_power_of_two(const JsonNode& node, std::int64_t low, std::int64_t high) {
  const std::int64_t value = node.integer(low, high);
  if (!std::has_single_bit(static_cast<std::uint64_t>(value)))
    throw node.error(fmt::format("a power of two of {}..{}", low, high));
  return value;
}

HardwareGrid read_hardware(const JsonNode& json) {
  const auto read = [](const JsonNode& item, int axis) {
    if (axis == 0) return read_power_of_two(item, kMinDim, kMaxDim);
    if (axis == 3) return read_power_of_two(item, 1, kMaxBeatBytes);
    return item.integer(1, axis == 1 ? kMaxAccumulatorBytes : kMaxScratchpadBytes);
  };
  HardwareGrid grid{};
  for (int a = 0; a < kHardwareAxes; ++a) {
    for (const JsonNode& item : json.at(kAxisNames[a]).items(1, kMaxChoices)) {
      const std::int64_t value = read(item, a);
      if (grid.count[a] > 0 && value <= grid.value[a][grid.count[a] - 1])
        throw item.error("ascending values");
      grid.value[a][grid.count[a]++] = value;
    }
  }
  return grid;
}

MemorySystem read_memory(const JsonNode& json) {
  const auto items = json.items(5, 5);
  const auto read = [](std::int64_t value) { return static_cast<std::int32_t>(value); };
  MemorySystem memory;
  memory.latency = read(items[0].integer(0, kMaxDelay));
  memory.max_outstanding = read(items[1].integer(1, kMaxOutstanding));
  memory.burst_bytes = read(read_power_of_two(items[2], 1, kMaxBeatBytes));
  memory.page_miss = read(items[3].integer(0, kMaxDelay));
  memory.scratchpad_banks = read(read_power_of_two(items[4], 1, kMaxBanks));
  return memory;
}

Acquisition read_acquisition(const JsonNode& json, const std::string& objective) {
  const double best = json.at("incumbent_log_edp").number();
  Acquisition out = acquisition_of(objective, 1.0, read_limit(json.at("beta")));
  out.best = best;
  return out;
}

Layer read_bounds(const JsonNode& node) {
  try {
    return parse_layer(node.text());
  } catch (const Error&) {
    throw node.error("'R.. S.. P.. Q.. C.. K.. N.. stride W H dilation W H', all from 1 on");
  }
}

void read_layers(const JsonNode& json, SweepSpec& spec) {
  std::unordered_set<std::string> names;
  for (const JsonNode& node : json.items(1, kMaxLayers)) {
    WorkloadLayer layer;
    layer.name = node.at("name").text(1);
    if (!names.insert(layer.name).second) throw node.at("name").error("a name of its own");
    layer.count = node.at("count").integer(1, kMaxCount);
    layer.layer = read_bounds(node.at("bounds"));
    if (total_macs(layer) > kMaxWords || input_words(layer.layer) > kMaxWords)
      throw node.at("bounds").error("at most 2^53 MACs and input words", "more");
    const std::uint64_t begin = node.at("begin").count(0, kMaxIndex);
    spec.ranges.push_back({begin, node.at("end").count(begin, kMaxIndex)});
    spec.workload.layers.push_back(std::move(layer));
  }
}

}  // namespace

std::string format_spec(const SweepSpec& spec) {
  return ordered_json{
      {"polaris", kVersion},
      {"fidelity", spec.fidelity == Fidelity::analytical ? "analytical" : "starlight"},
      {"engine", spec.engine},
      {"model_hash", spec.model_hash},
      {"space_hash", space_hash(spec.space)},
      {"workload_hash", spec.workload_hash},
      {"avoid_hash", spec.avoid_hash},
      {"objective", spec.objective},
      {"incumbent_log_edp", spec.acquisition.best},
      {"beta", spec.acquisition.beta},
      {"top", spec.top},
      {"seed", spec.seed},
      {"thresholds", thresholds_json(spec)},
      {"max_area_mm2", spec.limits.area_mm2},
      {"max_accumulator_bytes", spec.limits.accumulator_bytes},
      {"max_scratchpad_bytes", spec.limits.scratchpad_bytes},
      {"max_energy_pj", spec.limits.energy_pj},
      {"max_cycles", spec.limits.cycles},
      {"tile_points", spec.tile_points},
      {"workload", spec.workload.name},
      {"space", spec.space.name},
      {"space_max_area_mm2", spec.space.max_area_mm2},
      {"hardware", hardware_json(spec.space.hardware)},
      {"memory",
       {spec.space.memory.latency, spec.space.memory.max_outstanding, spec.space.memory.burst_bytes,
        spec.space.memory.page_miss, spec.space.memory.scratchpad_banks}},
      {"whole", spec.whole},
      {"layers", layers_json(spec)}}
      .dump();
}

SweepSpec parse_spec(const JsonNode& json) {
  if (json.at("polaris").text() != kVersion)
    throw json.at("polaris").error(fmt::format("a sweep of polaris {}", kVersion));
  SweepSpec spec;
  const std::string fidelity = json.at("fidelity").text();
  if (fidelity != "analytical" && fidelity != "starlight")
    throw json.at("fidelity").error("analytical or starlight");
  spec.fidelity = fidelity == "analytical" ? Fidelity::analytical : Fidelity::starlight;
  spec.engine = json.at("engine").text();
  spec.model_hash = read_hash(json.at("model_hash"));
  spec.workload_hash = read_hash(json.at("workload_hash"));
  spec.avoid_hash = read_hash(json.at("avoid_hash"));
  const bool starlight = spec.fidelity == Fidelity::starlight;
  if (spec.model_hash.empty() == starlight)
    throw json.at("model_hash").error(starlight ? "the hash of Starlight's model" : "none");
  spec.objective = json.at("objective").text();
  if (!starlight && spec.objective != "mean") throw json.at("objective").error("mean");
  if (!is_objective(spec.objective)) throw json.at("objective").error(kObjectives);
  spec.acquisition = read_acquisition(json, spec.objective);
  spec.top = static_cast<int>(json.at("top").integer(1, kMaxTop));
  spec.seed = json.at("seed").count(0, std::numeric_limits<std::uint64_t>::max());
  spec.limits.area_mm2 = read_limit(json.at("max_area_mm2"));
  spec.limits.accumulator_bytes = json.at("max_accumulator_bytes").integer(0, kMaxIndex);
  spec.limits.scratchpad_bytes = json.at("max_scratchpad_bytes").integer(0, kMaxIndex);
  spec.limits.energy_pj = read_limit(json.at("max_energy_pj"));
  spec.limits.cycles = read_limit(json.at("max_cycles"));
  spec.tile_points = json.at("tile_points").count(1, kMaxIndex);
  spec.workload.name = json.at("workload").text(1);
  spec.space.name = json.at("space").text(1);
  spec.space.max_area_mm2 = read_limit(json.at("space_max_area_mm2"));
  spec.space.hardware = read_hardware(json.at("hardware"));
  spec.space.memory = read_memory(json.at("memory"));
  spec.whole = json.at("whole").boolean();
  read_layers(json.at("layers"), spec);
  const std::size_t layers = starlight ? spec.ranges.size() : 0;
  for (const JsonNode& threshold : json.at("thresholds").items(0, layers))
    spec.thresholds.push_back(threshold.is_null() ? std::numeric_limits<double>::infinity()
                                                  : threshold.number());
  if (!spec.thresholds.empty() && spec.thresholds.size() != layers)
    throw json.at("thresholds").error(fmt::format("a list of {}, or none", layers));
  if (json.at("space_hash").text() != space_hash(spec.space))
    throw json.at("space_hash").error(space_hash(spec.space) + ", that of the space");
  if (spec.whole && !spec.workload_hash.empty() &&
      spec.workload_hash != workload_hash(spec.workload))
    throw json.at("workload_hash").error(workload_hash(spec.workload) + ", that of the layers");
  // Whatever else the text may hold: keys beside these, another order.
  if (format_spec(spec) != json.raw().dump())
    throw json.error(fmt::format("a sweep of polaris {}", kVersion), "one of another program");
  return spec;
}

std::string spec_difference(const std::string& wanted, const std::string& got) {
  const ordered_json a = ordered_json::parse(wanted), b = ordered_json::parse(got);
  for (const auto& [key, value] : a.items()) {
    const auto other = b.find(key);
    if (other == b.end()) return fmt::format("{} {} instead of none", key, value.dump());
    if (*other != value)
      return fmt::format("{} {} instead of {}", key, other->dump(), value.dump());
  }
  return "";
}

Acquisition acquisition_of(const std::string& objective, double incumbent, double beta) {
  using Kind = AcquisitionKind;
  if (objective == "mean") return {Kind::lower_confidence_bound, 0.0, 0.0};
  if (objective == "lcb") return {Kind::lower_confidence_bound, 0.0, beta};
  if (!is_objective(objective))
    throw Error::expected(kObjectives, "'" + objective + "'", "--objective");
  if (!(incumbent > 0.0))
    throw Error::expected("--incumbent with --objective " + objective, "none", "sweep");
  return {objective == "ei" ? Kind::expected_improvement : Kind::log_expected_improvement,
          std::log(incumbent / kJoulePerPicojoule), 0.0};
}

}  // namespace polaris
