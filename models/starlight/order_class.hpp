// What the order of the DRAM loops does to features. A tiling has up to 7! orders, but features see
// little of them: how long a tensor's tile stays where it is (OrderClass), the input words that
// reach the scratchpad, and the places of the loops themselves. Candidates of one hardware, one
// tiling and one class therefore share all features but the few "own" ones.
#pragma once

#include <cstdint>

#include "models/analytical/access_counts.hpp"
#include "models/space/layer.hpp"
#include "models/space/mapping.hpp"
#include "models/starlight/features.hpp"

namespace polaris {

inline constexpr int kEnergyRatio = feature_index("pipeline_energy_ratio");
inline constexpr int kFirstRank = feature_index("rank_R");

/// Whether candidates that differ in nothing but the order of their DRAM loops may differ in
/// feature `f` where their classes are equal. The places of the loops do, and the energy ratio, as
/// the analytical energy counts input words (scratchpad_input_fills).
POLARIS_HD constexpr bool is_own_feature(int f) {
  return f == kEnergyRatio || (f >= kFirstRank && f < kFirstRank + kDims);
}

/// Which tensor's tile stays where it is while the innermost DRAM loops of bound above 1 step, and
/// for how many steps: over K for inputs, P, Q, N for weights, R, S, C for outputs, as many of
/// these as stand together. Everything but own features depends on the order through how often each
/// tensor's tile changes; a tensor's tiles change with every step of all its other loops, so their
/// number is the product of all bounds over those steps. A tiling has at most 15: by K, and by the
/// subsets of P, Q, N and of R, S, C, fewer where their bounds have equal products.
using OrderClass = std::uint64_t;
POLARIS_HD constexpr OrderClass order_class(const Mapping& mapping) {
  constexpr int dram = index_of(Level::dram), kTensors = 3;
  OrderClass steps = 1;
  int tensor = 0;
  for (int i = kDims - 1; i >= 0; --i) {
    const Dim dim = mapping.order[dram][i];
    const std::int32_t bound = mapping.temporal[dram][index_of(dim)];
    if (bound == 1) continue;
    const int kept = dim == Dim::K ? 0 : output_relevant(dim) ? 1 : 2;
    if (steps > 1 && kept != tensor) break;
    tensor = kept;
    steps *= static_cast<OrderClass>(bound);
  }
  return steps * kTensors + static_cast<OrderClass>(tensor);
}

}  // namespace polaris
