// What is swept and what is kept: everything that the result depends on, as one text that every
// file of a sweep carries.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "host/io/json_reader.hpp"
#include "host/space/design_space.hpp"
#include "host/space/workload.hpp"
#include "models/starlight/acquisition.hpp"

namespace polaris {

enum class Fidelity : std::uint8_t { analytical, starlight };

/// Limits that a design point must keep; 0: none.
struct SweepLimits {
  double area_mm2 = 0.0;
  std::int64_t accumulator_bytes = 0;  ///< of all columns
  std::int64_t scratchpad_bytes = 0;
  double energy_pj = 0.0;  ///< of one execution of the layer; a prediction's median
  double cycles = 0.0;     ///< likewise
};

/// Indices [begin, end) of a layer's space.
struct IndexRange {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
};

inline constexpr int kMaxTop = 10'000;  ///< most points kept in a list

struct SweepSpec {
  Workload workload;               ///< the layers that are swept
  std::vector<IndexRange> ranges;  ///< [layer]
  bool whole = true;  ///< all layers of the workload in full, so that hardware can be ranked
  DesignSpace space;
  SweepLimits limits;
  Fidelity fidelity = Fidelity::analytical;
  std::string objective = "mean";  ///< mean, ei, logei or lcb, of ln EDP
  Acquisition acquisition;         ///< the same, as the engine takes it; mean: lcb with beta 0
  int top = 10;                    ///< points kept per layer, and per layer and hardware
  /// Indices of a tile, the unit of work: a tile's candidates are scored as one list whatever the
  /// number of shards and threads, and an interrupt waits for the end of one.
  std::uint64_t tile_points = std::uint64_t{1} << 24;
  std::uint64_t seed = 0;  ///< of the points that thresholds come from, else carried along
  /// [layer] scores that the best points of a layer do not exceed (prune.hpp), infinity where none
  /// is known; empty: nothing is pruned. With them only the best points of each layer are kept:
  /// those of single machines, the fronts and the ranking of hardware would lack what was pruned.
  std::vector<double> thresholds;
  std::string workload_hash;  ///< of the file, all its layers
  std::string model_hash;     ///< Starlight's, empty for the analytical model
  std::string engine;         ///< back end of the screen; empty for the analytical model
  std::string avoid_hash;     ///< of the list of points to leave out, empty without one
};

/// Whether hardware can be ranked by the sweep's results.
inline bool ranks_hardware(const SweepSpec& spec) { return spec.whole && spec.thresholds.empty(); }

/// The fields above as JSON text, equal for equal specifications.
std::string format_spec(const SweepSpec& spec);

/// Inverse of format_spec, for files that are not trusted. Throws Error naming the value for what
/// no sweep of this version has: other types, values outside of what `polaris sweep` accepts, a
/// hash that does not belong to what it stands for, and anything that format_spec writes otherwise.
SweepSpec parse_spec(const JsonNode& json);

/// "model_hash 12.. instead of ab.." for the first field in which two texts of format_spec differ;
/// empty where they are equal.
std::string spec_difference(const std::string& wanted, const std::string& got);

/// Meaning of an objective's name, on ln cycles + ln pJ; `incumbent` is the best EDP so far (J *
/// cycle), for ei and logei. Throws Error for another name, and where ei or logei come without
/// incumbent.
Acquisition acquisition_of(const std::string& objective, double incumbent, double beta);

}  // namespace polaris
