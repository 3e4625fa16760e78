// How often each storage level is read and written by one execution of a layer (spec:
// analytical-model section 5). Counts are exact integers; they do not depend on the hardware.
#pragma once

#include <cstdint>

#include "models/space/feasibility.hpp"
#include "models/space/layer.hpp"
#include "models/space/mapping.hpp"

namespace polaris {

/// Words; registers per used PE, accumulator per used column, scratchpad and DRAM in all. The
/// specification's symbol stands behind each count.
struct AccessCounts {
  std::int64_t compute_cycles;           ///< cc: MACs of one used PE
  std::int64_t register_reads;           ///< r0W
  std::int64_t register_fills;           ///< f0W
  std::int64_t accumulator_reads;        ///< r1O
  std::int64_t accumulator_updates;      ///< u1O
  std::int64_t accumulator_fills;        ///< f1O
  std::int64_t scratchpad_weight_reads;  ///< r2W
  std::int64_t scratchpad_weight_fills;  ///< f2W
  std::int64_t scratchpad_input_reads;   ///< r2I
  std::int64_t scratchpad_input_fills;   ///< f2I
  std::int64_t dram_weight_reads;        ///< r3W
  std::int64_t dram_input_reads;         ///< r3I
  std::int64_t dram_output_reads;        ///< r3O
  std::int64_t dram_output_updates;      ///< u3O
};

/// Product of all temporal loops of one level.
POLARIS_HD constexpr std::int64_t loop_product(const Mapping& mapping, Level level) {
  std::int64_t product = 1;
  for (int d = 0; d < kDims; ++d) product *= mapping.temporal[index_of(level)][d];
  return product;
}

/// How often the loops of a level move on to another tile of a tensor: the product of the loops
/// from the innermost one that is relevant to the tensor outwards.
struct TileChanges {
  std::int64_t weight = 1;
  std::int64_t output = 1;

  /// Walks one more level outwards.
  POLARIS_HD constexpr void walk(const Mapping& mapping, Level level) {
    const int l = index_of(level);
    for (int i = kDims - 1; i >= 0; --i) {
      const Dim dim = mapping.order[l][i];
      const std::int64_t bound = mapping.temporal[l][index_of(dim)];
      // A product that is still 1 has met no relevant loop of bound > 1: such a loop or any later
      // one makes it larger than 1 for good.
      if (weight > 1 || weight_relevant(dim)) weight *= bound;
      if (output > 1 || output_relevant(dim)) output *= bound;
    }
  }
};

/// Words of input that the DRAM loops bring into the scratchpad. Only the innermost loop keeps the
/// halo it shares with its previous tile; an outer loop does so only where its step equals the
/// step before it, as Timeloop judges from the first two positions of every loop.
POLARIS_HD constexpr std::int64_t scratchpad_input_fills(const Layer& layer, const Mapping& mapping,
                                                         const TileFootprint& tile) {
  // Axes of the input tensor: N, C, W, H. K moves along none of them: its step is 0.
  constexpr int kAxes = 4;
  const int axis[kDims] = {2, 3, 2, 3, 1, 0, 0};
  const std::int64_t step[kDims] = {mapping.tile(Dim::R) * layer.dilation_w,
                                    mapping.tile(Dim::S) * layer.dilation_h,
                                    mapping.tile(Dim::P) * layer.stride_w,
                                    mapping.tile(Dim::Q) * layer.stride_h,
                                    mapping.tile(Dim::C),
                                    0,
                                    mapping.tile(Dim::N)};
  const int l = index_of(Level::dram);
  std::int64_t refills = 0;           // words fetched after the first tile
  std::int64_t first = -1;            // new words per step of the innermost loop; -1: not met yet
  std::int64_t position[kAxes] = {};  // first step + all steps so far; no component is negative
  std::int64_t position_sum = 0;
  for (int i = kDims - 1; i >= 0; --i) {
    const int d = index_of(mapping.order[l][i]);
    const std::int64_t bound = mapping.temporal[l][d];
    if (bound == 1) continue;
    const int a = axis[d];
    std::int64_t fetched = tile.input_words;
    if (first < 0) {
      const std::int64_t extent = tile.input_extent[a];
      fetched = tile.input_words / extent * (step[d] < extent ? step[d] : extent);
      first = fetched;
      position[a] = position_sum = step[d];
    } else if (position[a] == step[d] && position_sum == step[d]) {
      fetched = first;
    }
    position[a] += step[d];
    position_sum += step[d];
    refills = refills * bound + (bound - 1) * fetched;
  }
  return tile.input_words + refills;
}

/// Precondition: the factors of every dimension multiply to the layer's size, no loop over R, S, C
/// or K at the register level, and macs * (stride_w + dilation_w) * (stride_h + dilation_h) < 2^63
/// (no count is larger).
POLARIS_HD constexpr AccessCounts access_counts(const Layer& layer, const Mapping& mapping,
                                                const TileFootprint& tile) {
  const std::int64_t cx = mapping.spatial_c;
  const std::int64_t kx = mapping.spatial_k;
  TileChanges register_tile, accumulator_tile, scratchpad_tile;
  register_tile.walk(mapping, Level::accumulator);
  if (loop_product(mapping, Level::scratchpad) > 1) {  // never so in a design space
    register_tile.walk(mapping, Level::scratchpad);
    accumulator_tile.walk(mapping, Level::scratchpad);
  }
  register_tile.walk(mapping, Level::dram);
  accumulator_tile.walk(mapping, Level::dram);
  scratchpad_tile.walk(mapping, Level::dram);

  AccessCounts counts{};
  counts.compute_cycles =
      loop_product(mapping, Level::registers) * loop_product(mapping, Level::accumulator) *
      loop_product(mapping, Level::scratchpad) * loop_product(mapping, Level::dram);
  counts.register_reads = counts.compute_cycles;
  counts.register_fills = register_tile.weight;
  counts.accumulator_updates = counts.compute_cycles;
  // The first read of every output is elided: there is nothing to add to yet.
  counts.accumulator_reads = counts.compute_cycles - layer.output_words() / kx;
  counts.accumulator_fills = tile.output_words * accumulator_tile.output;
  counts.scratchpad_weight_reads = counts.register_fills * cx * kx;
  counts.scratchpad_input_reads = counts.compute_cycles * cx;  // multicast over the columns
  counts.scratchpad_weight_fills = tile.weight_words * scratchpad_tile.weight;
  counts.scratchpad_input_fills = scratchpad_input_fills(layer, mapping, tile);
  counts.dram_weight_reads = counts.scratchpad_weight_fills;
  counts.dram_input_reads = counts.scratchpad_input_fills;
  counts.dram_output_updates = counts.accumulator_fills * kx;
  counts.dram_output_reads = counts.dram_output_updates - layer.output_words();
  return counts;
}

}  // namespace polaris
