// How a layer's loops are tiled over the four storage levels and unrolled over the array.
#pragma once

#include <cstdint>

#include "models/space/layer.hpp"

namespace polaris {

/// Storage levels, innermost first (spec: analytical-model section 1).
enum class Level : std::uint8_t { registers, accumulator, scratchpad, dram };

inline constexpr int kLevels = 4;

POLARIS_HD constexpr int index_of(Level level) { return static_cast<int>(level); }

/// Order of the loops inside the accumulator and scratchpad levels, outermost first: weights
/// change slowest, so that a loaded weight tile is used for all its P and Q (the order of the
/// public data, with N outside).
inline constexpr Dim kCanonicalOrder[kDims] = {Dim::N, Dim::K, Dim::S, Dim::R,
                                               Dim::C, Dim::Q, Dim::P};

struct Mapping {
  std::int32_t temporal[kLevels][kDims];  ///< loop bounds, [Level][Dim], each >= 1
  Dim order[kLevels][kDims];              ///< [Level][position]: a permutation, outermost first
  std::int32_t spatial_c = 1;             ///< array rows used (Cx)
  std::int32_t spatial_k = 1;             ///< array columns used (Kx)

  POLARIS_HD constexpr Mapping() : temporal(), order() {
    for (int l = 0; l < kLevels; ++l)
      for (int d = 0; d < kDims; ++d) {
        temporal[l][d] = 1;
        order[l][d] = kCanonicalOrder[d];
      }
  }

  POLARIS_HD constexpr std::int64_t factor(Level level, Dim dim) const {
    return temporal[index_of(level)][index_of(dim)];
  }
  POLARIS_HD constexpr std::int64_t spatial(Dim dim) const {
    return dim == Dim::C ? spatial_c : dim == Dim::K ? spatial_k : 1;
  }
  /// Loop range that one accumulator column works through: t1 of the specification.
  POLARIS_HD constexpr std::int64_t column_tile(Dim dim) const {
    return factor(Level::registers, dim) * factor(Level::accumulator, dim);
  }
  /// Loop range that the scratchpad holds: t2 of the specification.
  POLARIS_HD constexpr std::int64_t tile(Dim dim) const {
    return column_tile(dim) * factor(Level::scratchpad, dim) * spatial(dim);
  }
};

/// Equal in every field, loop orders included.
POLARIS_HD constexpr bool operator==(const Mapping& a, const Mapping& b) {
  for (int l = 0; l < kLevels; ++l)
    for (int d = 0; d < kDims; ++d)
      if (a.temporal[l][d] != b.temporal[l][d] || a.order[l][d] != b.order[l][d]) return false;
  return a.spatial_c == b.spatial_c && a.spatial_k == b.spatial_k;
}

/// Equal in what is executed: loops of bound 1 may stand anywhere in the order.
POLARIS_HD constexpr bool same_schedule(const Mapping& a, const Mapping& b) {
  if (a.spatial_c != b.spatial_c || a.spatial_k != b.spatial_k) return false;
  for (int l = 0; l < kLevels; ++l) {
    int j = 0;
    for (int i = 0; i < kDims; ++i) {
      const int d = index_of(a.order[l][i]);
      if (a.temporal[l][d] == 1) continue;
      while (j < kDims && b.temporal[l][index_of(b.order[l][j])] == 1) ++j;
      if (j == kDims || b.order[l][j] != a.order[l][i] || b.temporal[l][d] != a.temporal[l][d])
        return false;
      ++j;
    }
    for (; j < kDims; ++j)
      if (b.temporal[l][index_of(b.order[l][j])] != 1) return false;
  }
  return true;
}

}  // namespace polaris
