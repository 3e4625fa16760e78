// The results folder: tables as CSV, and the certificate of coverage as JSON.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "host/sweep/network.hpp"
#include "host/sweep/plan.hpp"
#include "host/sweep/scorer.hpp"

namespace polaris {

/// Writes certificate.json and the tables (README.md lists them) to `folder`, made if absent; each
/// file whole or not at all. The certificate comes last, and an older one is removed first: where
/// there is one, the tables beside it are its. Equal results give equal bytes. `ranking`: of
/// rank_hardware, where ranks_hardware(plan.spec()). Throws Error where a file cannot be made,
/// Failure where writing fails.
void write_results(const SweepPlan& plan, const std::vector<LayerResult>& layers,
                   const std::vector<NetworkDesign>& ranking, const std::filesystem::path& folder);

/// Summary for people, and for machines.
std::string format_text(const SweepPlan& plan, const std::vector<LayerResult>& layers,
                        const std::vector<NetworkDesign>& ranking);
std::string format_json(const SweepPlan& plan, const std::vector<LayerResult>& layers);

}  // namespace polaris
