// Moves a running scan on to its next tile, on the device: a recorded tile can be launched again
// and again without the host.
#pragma once

#include <cstdint>

#include "kernels/device/candidate_source.hpp"
#include "kernels/device/stream.hpp"

namespace polaris {

/// What a tile's candidates passed, in order; each stage has a list.
enum class ScanStage : std::uint8_t {
  feasible,   ///< can run
  survivors,  ///< not excluded by the bound on the variance
  finalists,  ///< not excluded by the reduced precision's whole posterior
  passed      ///< better in float64 than the k-th best before the tile
};
inline constexpr int kScanStages = 4;

/// Where the next tile is, and those after it.
struct ScanRange {
  std::uint64_t next;       ///< its first candidate
  std::uint64_t step;       ///< from the beginning of one tile to that of the next
  std::uint64_t end;        ///< one past the last candidate
  std::uint32_t tile_size;  ///< candidates of a full tile; at most `step`
};

/// State of one stream's part of a scan, in device memory.
struct ScanState {
  CandidateTile tile;                 ///< the running one
  std::uint32_t sizes[kScanStages];   ///< of its lists
  ScanRange range;                    ///< what is left
  std::uint64_t totals[kScanStages];  ///< list sizes of all tiles before the running one
};

/// Queues: totals += sizes, sizes = 0, tile = the one at `next` (empty at the end), next += step.
void next_tile(ScanState* state, const DeviceStream& stream);

}  // namespace polaris
