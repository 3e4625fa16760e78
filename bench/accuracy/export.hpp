// The measured points and their divisions as tables, for predictors that are not part of this
// program.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "bench/accuracy/data.hpp"

namespace polaris {

/// Seeds of divisions (divide).
struct Seeds {
  std::uint64_t first, count, folds;
};

/// Writes to `folder`, made if absent:
/// points.csv: ln_cycles, ln_energy (pJ), their analytical values ln_analytical_cycles and
/// ln_analytical_energy, `raw_*` (log2 of the numbers that describe layer, hardware and mapping,
/// and the place of each DRAM loop) and `feature_*` (Starlight's features before standardisation).
/// splits.csv: split, seed, role (pool or test) and point (row of points.csv, from 0), in the order
/// of `Division`: a training set of n samples is the first n rows of the pool.
/// Throws Error where a file cannot be made, Failure where writing fails.
void export_splits(const std::vector<MeasuredPoint>& points, const std::vector<std::string>& splits,
                   const Seeds& seeds, const std::filesystem::path& folder);

}  // namespace polaris
