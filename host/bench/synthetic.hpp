// A model of a given size from a seed: nothing is measured or trained well.
#pragma once

#include <cstdint>
#include <vector>

#include "host/fit/model.hpp"
#include "models/space/layer_space.hpp"

namespace polaris {

/// `count` different feasible points of the space, in canonical form and random order. Throws Error
/// where it has fewer than that (or so few that random draws do not meet them).
std::vector<std::uint64_t> random_candidates(const LayerSpaceView& space, std::size_t count,
                                             std::uint64_t seed);

/// `count` canonical feasible points as a sweep meets them: those of up to kStretches ranges of the
/// index, of at least kStretch points. Each begins at the tiling of a point that is drawn from all
/// canonical feasible ones, so that tilings of many orders occur as often as in a whole sweep.
/// Throws Error as above.
inline constexpr std::size_t kStretches = 64, kStretch = 512;
std::vector<std::uint64_t> neighbouring_candidates(const LayerSpaceView& space, std::size_t count,
                                                   std::uint64_t seed);

/// Starlight on `samples` points of the space, "measured" as 1.5 times the analytical cycles.
StarlightModel synthetic_model(const LayerSpaceView& space, std::size_t samples, std::uint64_t seed,
                               int threads);

}  // namespace polaris
