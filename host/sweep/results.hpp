// The results folder: tables as CSV, and the certificate of coverage as JSON.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "host/sweep/plan.hpp"
#include "host/sweep/scorer.hpp"

namespace polaris {

/// Writes certificate.json and the tables (README.md lists them) to `folder`, made if absent; each
/// file whole or not at all, the certificate last. Equal results give equal bytes. Throws Error
/// where a file cannot be made, Failure where writing fails.
void write_results(const SweepPlan& plan, const std::vector<LayerResult>& layers,
                   const std::filesystem::path& folder);

/// Summary for people, and for machines.
std::string format_text(const SweepPlan& plan, const std::vector<LayerResult>& layers);
std::string format_json(const SweepPlan& plan, const std::vector<LayerResult>& layers);

}  // namespace polaris
