// Energy of a simulated run: activity counters times the energy of an access.
#pragma once

#include "host/rtl/rtl_types.hpp"

namespace polaris {

/// Accesses are charged as the analytical model charges them (models/analytical/energy.hpp), but
/// those that happened: scratchpad by row, DRAM by whole beats (misalignment costs), registers one
/// read per MAC and one fill per weight shifted into a used PE, accumulator by row of spatial_k
/// words (every update writes; accumulating updates, stores and reloads of partial sums count
/// besides). Without the mechanisms bus_alignment or psum_width DRAM is charged by useful bytes.
RtlEnergy rtl_energy(const RtlCounters& counters, const DesignPoint& point,
                     const RtlMechanisms& mechanisms = {});

}  // namespace polaris
