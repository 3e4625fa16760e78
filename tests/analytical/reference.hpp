// Slow reference of the access counts: walks every step of the loop nest with explicit sets of
// words and counts what moves. Shares no formula with the model.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <set>
#include <utility>
#include <vector>

#include "models/space/layer.hpp"
#include "models/space/mapping.hpp"

namespace polaris::reference {

using Index = std::array<std::int64_t, kDims>;  ///< one value per Dim
using Words = std::set<std::array<std::int64_t, 4>>;

struct Loop {
  Level level;
  Dim dim;
  std::int64_t bound;
};

/// Temporal loops of bound > 1, outermost first, from DRAM down to `last`.
inline std::vector<Loop> loops_down_to(const Mapping& mapping, Level last) {
  std::vector<Loop> out;
  for (int l = kLevels - 1; l >= index_of(last); --l)
    for (const Dim dim : mapping.order[l]) {
      const Level level = static_cast<Level>(l);
      if (mapping.factor(level, dim) > 1) out.push_back({level, dim, mapping.factor(level, dim)});
    }
  return out;
}

/// Distance along its dimension that one iteration of a loop moves: all that lies inside it.
inline std::int64_t stride_of(const Mapping& mapping, Level level, Dim dim) {
  std::int64_t stride = 1;
  for (int l = 0; l < index_of(level); ++l) stride *= mapping.factor(static_cast<Level>(l), dim);
  // The array's columns lie below the scratchpad, its rows below the accumulator.
  if (dim == Dim::C && level >= Level::accumulator) stride *= mapping.spatial_c;
  if (dim == Dim::K && level >= Level::scratchpad) stride *= mapping.spatial_k;
  return stride;
}

/// Calls body(first index of each dimension) at every step of the loops, in their order.
template <class Body>
void walk(const Mapping& mapping, const std::vector<Loop>& loops, Body body) {
  std::vector<std::int64_t> at(loops.size(), 0);
  while (true) {
    Index index{};
    for (std::size_t i = 0; i < loops.size(); ++i)
      index[static_cast<std::size_t>(index_of(loops[i].dim))] +=
          at[i] * stride_of(mapping, loops[i].level, loops[i].dim);
    body(index);
    std::size_t i = loops.size();
    while (i > 0 && ++at[i - 1] == loops[i - 1].bound) at[--i] = 0;
    if (i == 0) return;
  }
}

inline std::array<std::int64_t, 4> weight_of(const Index& i) { return {i[0], i[1], i[4], i[5]}; }
inline std::array<std::int64_t, 4> output_of(const Index& i) { return {i[2], i[3], i[5], i[6]}; }

/// The box of input words (N, C, W, H) under a tile that begins at `index`.
inline Words input_box(const Layer& layer, const Mapping& mapping, const Index& index) {
  const auto begin = [&](Dim dim) { return index[static_cast<std::size_t>(index_of(dim))]; };
  const std::int64_t w = begin(Dim::P) * layer.stride_w + begin(Dim::R) * layer.dilation_w;
  const std::int64_t h = begin(Dim::Q) * layer.stride_h + begin(Dim::S) * layer.dilation_h;
  const std::int64_t w_end = w + (mapping.tile(Dim::P) - 1) * layer.stride_w +
                             (mapping.tile(Dim::R) - 1) * layer.dilation_w;
  const std::int64_t h_end = h + (mapping.tile(Dim::Q) - 1) * layer.stride_h +
                             (mapping.tile(Dim::S) - 1) * layer.dilation_h;
  Words out;
  for (std::int64_t n = 0; n < mapping.tile(Dim::N); ++n)
    for (std::int64_t c = 0; c < mapping.tile(Dim::C); ++c)
      for (std::int64_t x = w; x <= w_end; ++x)
        for (std::int64_t y = h; y <= h_end; ++y)
          out.insert({begin(Dim::N) + n, begin(Dim::C) + c, x, y});
  return out;
}

inline std::int64_t words_missing(const Words& wanted, const Words& held) {
  return std::count_if(wanted.begin(), wanted.end(),
                       [&](const auto& word) { return held.count(word) == 0; });
}

struct Counts {
  std::int64_t steps = 0;                ///< of one PE
  std::int64_t register_fills = 0;       ///< of one PE
  std::int64_t accumulator_reads = 0;    ///< of one column
  std::int64_t accumulator_fills = 0;    ///< of one column
  std::int64_t weight_fills = 0;         ///< into the scratchpad
  std::int64_t dram_output_reads = 0;    ///< all columns
  std::int64_t dram_output_updates = 0;  ///< all columns
};

inline Counts count(const Mapping& mapping) {
  Counts out;
  // PE (0, 0): every step uses one weight and updates one output. A weight stays in its register
  // across the register loops and until another one is wanted.
  std::set<std::array<std::int64_t, 4>> updated;
  std::array<std::int64_t, 4> held = {-1, -1, -1, -1};
  walk(mapping, loops_down_to(mapping, Level::registers), [&](const Index& index) {
    ++out.steps;
    if (weight_of(index) != held) ++out.register_fills;
    held = weight_of(index);
    if (!updated.insert(output_of(index)).second) ++out.accumulator_reads;
  });
  // Outputs of one column's tile, and weights of the whole array's tile: what a step of the loops
  // outside must bring in where it changes the tile.
  std::int64_t column_words = 1, weight_words = 1;
  for (int d = 0; d < kDims; ++d) {
    const Dim dim = static_cast<Dim>(d);
    if (output_relevant(dim)) column_words *= mapping.column_tile(dim);
    if (weight_relevant(dim)) weight_words *= mapping.tile(dim);
  }
  std::set<std::array<std::int64_t, 4>> written;
  held = {-1, -1, -1, -1};
  walk(mapping, loops_down_to(mapping, Level::scratchpad), [&](const Index& index) {
    const auto tile = output_of(index);
    if (tile == held) return;
    held = tile;
    out.accumulator_fills += column_words;
    out.dram_output_updates += column_words * mapping.spatial_k;
    if (!written.insert(tile).second) out.dram_output_reads += column_words * mapping.spatial_k;
  });
  held = {-1, -1, -1, -1};
  walk(mapping, loops_down_to(mapping, Level::dram), [&](const Index& index) {
    if (weight_of(index) != held) out.weight_fills += weight_words;
    held = weight_of(index);
  });
  return out;
}

/// Inputs into the scratchpad as Timeloop counts them: every DRAM loop is tried at positions 0 and
/// 1 only; the words that a step of it lacks are found by comparing boxes where it moves by the
/// same vector as the innermost loop, else the tile is fetched whole; the rest is multiplicity.
inline std::int64_t input_fills(const Layer& layer, const Mapping& mapping) {
  const std::vector<Loop> loops = loops_down_to(mapping, Level::dram);
  const auto corner = [&](const std::vector<int>& at) {
    Index index{};
    for (std::size_t i = 0; i < loops.size(); ++i)
      index[static_cast<std::size_t>(index_of(loops[i].dim))] +=
          at[i] * stride_of(mapping, loops[i].level, loops[i].dim);
    return index;
  };
  const auto vector_between = [&](const Index& a, const Index& b) {
    const auto position = [&](const Index& i) {
      return std::array{i[6], i[4], i[2] * layer.stride_w + i[0] * layer.dilation_w,
                        i[3] * layer.stride_h + i[1] * layer.dilation_h};
    };
    auto out = position(b);
    for (std::size_t a_ = 0; a_ < out.size(); ++a_) out[a_] -= position(a)[a_];
    return out;
  };
  const auto whole = static_cast<std::int64_t>(input_box(layer, mapping, Index{}).size());
  std::int64_t total = whole;
  std::array<std::int64_t, 4> innermost_vector{};
  for (std::size_t j = loops.size(); j-- > 0;) {
    // From the last tried position of the inner loops to the first after a step of loop j.
    std::vector<int> before(loops.size(), 0), after(loops.size(), 0);
    for (std::size_t i = j + 1; i < loops.size(); ++i) before[i] = 1;
    after[j] = 1;
    const Index from = corner(before), to = corner(after);
    const auto moved = vector_between(from, to);
    const bool innermost = j + 1 == loops.size();
    if (innermost) innermost_vector = moved;
    const std::int64_t fetched =
        innermost || moved == innermost_vector
            ? words_missing(input_box(layer, mapping, to), input_box(layer, mapping, from))
            : whole;
    std::int64_t times = loops[j].bound - 1;
    for (std::size_t i = 0; i < j; ++i) times *= loops[i].bound;
    total += times * fetched;
  }
  return total;
}

}  // namespace polaris::reference
