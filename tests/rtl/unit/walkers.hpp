// Reference for tile descriptors: the chunks of a tile by three nested loops.
#pragma once

#include "tests/rtl/unit/bench.hpp"

namespace unit {

struct Tile {
  std::uint32_t base = 0, count[3] = {1, 1, 1}, stride[3] = {}, chunk_bytes = 0, row_bytes = 0,
                rows = 0;

  std::vector<std::uint32_t> chunks(std::uint32_t offset) const {
    std::vector<std::uint32_t> out;
    for (std::uint32_t i = 0; i < count[0]; ++i)
      for (std::uint32_t j = 0; j < count[1]; ++j)
        for (std::uint32_t k = 0; k < count[2]; ++k)
          out.push_back(base + offset + i * stride[0] + j * stride[1] + k * stride[2]);
    return out;
  }

  /// Fields in the order of tile_t and of the registers.
  std::vector<std::uint32_t> fields() const {
    return {base,      count[0],  count[1],    count[2],  stride[0],
            stride[1], stride[2], chunk_bytes, row_bytes, rows};
  }

  /// On a port of type tile_t: the first field is the highest word.
  template <class Port>
  void drive(Port& port) const {
    const auto words = fields();
    for (std::size_t i = 0; i < words.size(); ++i) set_word(port, words.size() - 1 - i, words[i]);
  }

  template <class Bench>
  void program(Bench& bench, std::uint32_t group) const {
    const auto words = fields();
    for (std::uint32_t i = 0; i < words.size(); ++i) bench.configure(group * 16 + i, words[i]);
  }
};

/// Chunks apart from each other, in whole rows of up to `row_bytes`.
inline Tile any_tile(std::uint32_t element_bytes, std::uint32_t row_bytes) {
  Tile tile;
  tile.row_bytes =
      element_bytes * static_cast<std::uint32_t>(between(1, row_bytes / element_bytes));
  const auto rows_a_chunk = static_cast<std::uint32_t>(between(1, 5));
  tile.chunk_bytes = tile.row_bytes * rows_a_chunk;
  std::uint32_t extent = tile.chunk_bytes;
  for (int i = 2; i >= 0; --i) {
    tile.count[i] = chance(2) ? 1 : static_cast<std::uint32_t>(between(1, 3));
    tile.stride[i] = extent + element_bytes * static_cast<std::uint32_t>(below(40));
    extent = (tile.count[i] - 1) * tile.stride[i] + extent;
  }
  tile.base = element_bytes * static_cast<std::uint32_t>(below(100));
  tile.rows = rows_a_chunk * tile.count[0] * tile.count[1] * tile.count[2];
  return tile;
}

}  // namespace unit
