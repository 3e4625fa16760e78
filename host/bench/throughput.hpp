// Candidates per second of an engine, end to end and stage by stage.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <span>
#include <string>

#include "host/bench/machine.hpp"
#include "host/engine/engine.hpp"
#include "host/fit/model.hpp"
#include "models/space/layer_space.hpp"

namespace polaris {

inline constexpr const char* kBenchSchema = "polaris-bench";
inline constexpr int kBenchSchemaVersion = 1;

struct ThroughputRequest {
  const StarlightModel& model;
  std::string name;  ///< of the model
  const LayerSpaceView& space;
  std::span<const std::uint64_t> candidates;  ///< feasible, in random order
  std::span<const std::uint64_t> range;       ///< feasible, neighbours together
  double incumbent;                           ///< ln (cycles pJ)
  int best;                                   ///< k of the k best
  int threads;
  double seconds;  ///< least time of every figure
};

/// One entry of the report's "models": shape, stages of the CPU engine (for backend "cpu"), and end
/// to end. `machine`: shares of its peaks.
nlohmann::ordered_json measure_throughput(const ThroughputRequest& request, Engine& engine,
                                          const MachinePeaks& machine);

/// The report as lines of text.
std::string format_report(const nlohmann::ordered_json& report);

/// Ratios of the rates of `b` to those of `a` that both have, as text. Throws Error where a file is
/// no report of this schema version; `name_a`, `name_b`: what to call them.
std::string compare_reports(const nlohmann::ordered_json& a, const std::string& name_a,
                            const nlohmann::ordered_json& b, const std::string& name_b);

}  // namespace polaris
