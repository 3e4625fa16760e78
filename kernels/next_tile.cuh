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
  sketched,   ///< not excluded by the sketch
  survivors,  ///< not excluded by the bound on the variance
  finalists,  ///< not excluded by the reduced precision's whole posterior
  passed      ///< better in float64 than the k-th best before the tile
};
inline constexpr int kScanStages = 5;

/// A stage that drops too little is not worth its work: a tile's candidates that can run may enter
/// any of the first stages, as if the ones before had dropped nothing.
inline constexpr int kScanEntries = 3;
/// After so many tiles all stages are tried again.
inline constexpr std::uint32_t kTilesPerTrial = 16;

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
  std::uint32_t entry = 0;  ///< stage whose list takes the running tile's candidates that can run
  std::uint32_t until_trial = 0;  ///< tiles
};

/// Queues: totals += sizes, sizes = 0, tile = the one at `next` (empty at the end), next += step.
/// And the entry: by the sizes of a tile that went through all stages, for kTilesPerTrial - 1
/// tiles.
void next_tile(ScanState* state, const DeviceStream& stream);

}  // namespace polaris
