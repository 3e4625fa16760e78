// What scoring one candidate takes, from counts of the kernels.
#pragma once

#include <nlohmann/json.hpp>

#include "bench/gpu_report/occupancy.hpp"

namespace polaris::gpu_report {

/// One entry per number of samples, kernel inputs, precision and share of survivors: operations,
/// bytes and upper bounds on candidates per second. `profile`, `items`: what gpu_workload left.
/// Throws std::runtime_error where counts are missing or do not grow as they should.
nlohmann::json candidate_report(const Device& device, const nlohmann::json& profile,
                                const nlohmann::json& items);

void print_candidates(const nlohmann::json& report);

}  // namespace polaris::gpu_report
