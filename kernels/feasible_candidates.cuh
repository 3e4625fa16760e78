// Which candidates of a tile can run.
#pragma once

#include "kernels/device/candidate_source.hpp"
#include "kernels/device/device_list.hpp"
#include "kernels/device/stream.hpp"

namespace polaris {

struct FeasibleCandidatesParams {
  CandidateSource source;              ///< of a space, not of points
  const CandidateTile* tile;           ///< device, [1]
  DeviceList<std::uint32_t> feasible;  ///< appended: places in the tile
  int blocks;                          ///< of the grid, at least 1
};

/// Queues the kernel on `stream`. Throws DeviceError.
void feasible_candidates(const FeasibleCandidatesParams& params, const DeviceStream& stream);

}  // namespace polaris
