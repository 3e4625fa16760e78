// Which candidates of a tile can run.
#pragma once

#include "kernels/device/candidate_source.hpp"
#include "kernels/device/device_list.hpp"
#include "kernels/device/stream.hpp"
#include "kernels/next_tile.cuh"

namespace polaris {

struct FeasibleCandidatesParams {
  CandidateSource source;                         ///< of a space, not of points
  const CandidateTile* tile;                      ///< device, [1]
  DeviceList<std::uint32_t> lists[kScanEntries];  ///< appended to one: places in the tile
  const std::uint32_t* entry = nullptr;  ///< device, [1]: number of that list; null: the first one
  int blocks;                            ///< of the grid, at least 1
};

/// Queues the kernel on `stream`. Throws DeviceError.
void feasible_candidates(const FeasibleCandidatesParams& params, const DeviceStream& stream);

}  // namespace polaris
