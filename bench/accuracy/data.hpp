// Measured design points for the accuracy benchmark: the public Gemmini rows, or our own RTL.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "host/fit/samples.hpp"

namespace polaris {

/// Where a measured point comes from.
enum class PointKind : std::uint8_t {
  published,  ///< a row of a public data set
  failed,     ///< such a row that a fit would leave out as a failed measurement
  random,     ///< uniform feasible mapping on uniform hardware
  searched    ///< near the analytically best mappings of uniform hardware, as a search meets them
};

const char* to_string(PointKind kind);

struct MeasuredPoint {
  DesignSample sample;
  PointKind kind = PointKind::published;
};

/// Rows of the public Gemmini training file; `target` is the column of measured cycles.
/// Duplicates and rows faster than MACs / dim^2 are left out, as a fit does.
std::vector<MeasuredPoint> read_published(const std::filesystem::path& path,
                                          const std::string& target);

struct RtlSampling {
  std::string workload = "resnet50";
  std::string space = "default";
  int random = 150;
  int searched = 650;
  std::int64_t max_cycles =
      4'000'000;  ///< longer runs are left out, as are those beyond the search's limit
  std::uint64_t seed = 1;
  int threads = 0;  ///< 0: all cores
};

/// Distinct points of (workload, space) simulated by our RTL in timing-only mode; runs beyond the
/// cycle limits are left out and counted in a line on stderr. Kept in `cache`, a CSV in the
/// columns of the public data: a second call with that file only reads it.
std::vector<MeasuredPoint> simulate_points(const RtlSampling& sampling,
                                           const std::filesystem::path& cache);

/// Design points of the pre-training set of (workload, space).
std::vector<LayerPoint> analytical_points(const std::string& workload, const std::string& space,
                                          std::int64_t count, int threads);

/// Design points of a CSV file, distinct, the first `limit` of them.
std::vector<LayerPoint> read_points(const std::filesystem::path& path, std::size_t limit,
                                    int threads);

}  // namespace polaris
