// The tiles of a symmetric matrix's lower triangle, as blocks of a one-dimensional grid.
#pragma once

#include <cmath>

#include "models/space/macros.hpp"

namespace polaris {

inline constexpr int kTriangleTile = 32;  ///< rows and columns of a tile

struct TrianglePlace {
  int row, column;  ///< of the tile; row >= column
};

/// Tile number `t`, counted row by row. Exact: 8 t + 1 < 2^53 is the square of an odd number where
/// a row begins, and the root of the number before is smaller by more than a double's precision.
POLARIS_HD inline TrianglePlace triangle_place(unsigned t) {
  const unsigned row = static_cast<unsigned>((std::sqrt(8.0 * t + 1.0) - 1.0) * 0.5);
  return {static_cast<int>(row), static_cast<int>(t - row * (row + 1) / 2)};
}

/// Tiles of the triangle of a matrix of `size` rows.
POLARIS_HD constexpr unsigned triangle_tiles(int size) {
  const unsigned rows = static_cast<unsigned>((size + kTriangleTile - 1) / kTriangleTile);
  return rows * (rows + 1) / 2;
}

}  // namespace polaris
