#include "host/sweep/spec.hpp"

#include <fmt/format.h>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <utility>

#include "host/config/space_yaml.hpp"
#include "host/core/error.hpp"
#include "host/core/version.hpp"
#include "host/space/layer_text.hpp"

namespace polaris {
namespace {

using nlohmann::ordered_json;

constexpr double kJoulePerPicojoule = 1e-12;
constexpr const char* kAxisNames[kHardwareAxes] = {"dim", "accumulator_bytes", "scratchpad_bytes",
                                                   "bus_bytes"};

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

HardwareGrid read_hardware(const ordered_json& json) {
  HardwareGrid grid{};
  for (int a = 0; a < kHardwareAxes; ++a)
    for (const std::int64_t value : json.at(kAxisNames[a]).get<std::vector<std::int64_t>>())
      grid.value[a][grid.count[a]++] = value;
  return grid;
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

SweepSpec parse_spec(const std::string& text, const std::string& where) {
  try {
    const ordered_json json = ordered_json::parse(text);
    SweepSpec spec;
    spec.fidelity =
        json.at("fidelity") == "analytical" ? Fidelity::analytical : Fidelity::starlight;
    json.at("engine").get_to(spec.engine);
    json.at("model_hash").get_to(spec.model_hash);
    json.at("workload_hash").get_to(spec.workload_hash);
    json.at("avoid_hash").get_to(spec.avoid_hash);
    json.at("objective").get_to(spec.objective);
    json.at("top").get_to(spec.top);
    json.at("seed").get_to(spec.seed);
    for (const ordered_json& threshold : json.at("thresholds"))
      spec.thresholds.push_back(threshold.is_null() ? std::numeric_limits<double>::infinity()
                                                    : threshold.get<double>());
    json.at("max_area_mm2").get_to(spec.limits.area_mm2);
    json.at("max_accumulator_bytes").get_to(spec.limits.accumulator_bytes);
    json.at("max_scratchpad_bytes").get_to(spec.limits.scratchpad_bytes);
    json.at("max_energy_pj").get_to(spec.limits.energy_pj);
    json.at("max_cycles").get_to(spec.limits.cycles);
    json.at("tile_points").get_to(spec.tile_points);
    json.at("workload").get_to(spec.workload.name);
    json.at("space").get_to(spec.space.name);
    json.at("space_max_area_mm2").get_to(spec.space.max_area_mm2);
    json.at("whole").get_to(spec.whole);
    spec.space.hardware = read_hardware(json.at("hardware"));
    MemorySystem& memory = spec.space.memory;
    std::size_t field = 0;
    for (std::int32_t* value : {&memory.latency, &memory.max_outstanding, &memory.burst_bytes,
                                &memory.page_miss, &memory.scratchpad_banks})
      json.at("memory").at(field++).get_to(*value);
    spec.acquisition = acquisition_of(
        spec.objective, std::exp(json.at("incumbent_log_edp").get<double>()), json.at("beta"));
    json.at("incumbent_log_edp").get_to(spec.acquisition.best);
    for (const ordered_json& layer : json.at("layers")) {
      spec.workload.layers.push_back({layer.at("name"),
                                      parse_layer(layer.at("bounds").get<std::string>()),
                                      layer.at("count")});
      spec.ranges.push_back({layer.at("begin"), layer.at("end")});
    }
    if (format_spec(spec) != text) throw Error("another program wrote it");
    return spec;
  } catch (const std::exception& error) {
    throw Error::expected(fmt::format("a sweep of polaris {}", kVersion), error.what(), where);
  }
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
  if (objective != "ei" && objective != "logei")
    throw Error::expected("mean, ei, logei or lcb", "'" + objective + "'", "--objective");
  if (!(incumbent > 0.0))
    throw Error::expected("--incumbent with --objective " + objective, "none", "sweep");
  return {objective == "ei" ? Kind::expected_improvement : Kind::log_expected_improvement,
          std::log(incumbent / kJoulePerPicojoule), 0.0};
}

}  // namespace polaris
