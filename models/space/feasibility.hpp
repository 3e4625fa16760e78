// Tile footprints, and what makes a design point impossible to run.
#pragma once

#include <cstdint>

#include "models/space/hardware.hpp"
#include "models/space/layer.hpp"
#include "models/space/mapping.hpp"

namespace polaris {

/// Sizes of the tiles of one (layer, mapping); 64-bit (spec: analytical-model section 4).
struct TileFootprint {
  std::int64_t output_words;     ///< accumulator words of one column: t1O
  std::int64_t weight_words;     ///< t2W
  std::int64_t input_words;      ///< t2I, halo included
  std::int64_t input_extent[4];  ///< N, C, W, H of the input tile
  std::int64_t weight_rows;      ///< scratchpad rows: one row holds spatial_k weights of one c
  std::int64_t input_rows;       ///< scratchpad rows: one row holds spatial_c channels of a pixel
};

POLARIS_HD constexpr TileFootprint tile_footprint(const Layer& layer, const Mapping& mapping) {
  TileFootprint t{};
  t.output_words = mapping.column_tile(Dim::P) * mapping.column_tile(Dim::Q) *
                   mapping.column_tile(Dim::K) * mapping.column_tile(Dim::N);
  t.weight_words =
      mapping.tile(Dim::R) * mapping.tile(Dim::S) * mapping.tile(Dim::C) * mapping.tile(Dim::K);
  t.input_extent[0] = mapping.tile(Dim::N);
  t.input_extent[1] = mapping.tile(Dim::C);
  t.input_extent[2] = (mapping.tile(Dim::P) - 1) * layer.stride_w +
                      (mapping.tile(Dim::R) - 1) * layer.dilation_w + 1;
  t.input_extent[3] = (mapping.tile(Dim::Q) - 1) * layer.stride_h +
                      (mapping.tile(Dim::S) - 1) * layer.dilation_h + 1;
  t.input_words = t.input_extent[0] * t.input_extent[1] * t.input_extent[2] * t.input_extent[3];
  t.weight_rows = t.weight_words / mapping.spatial_k;
  t.input_rows = t.input_words / mapping.spatial_c;
  return t;
}

enum class Feasibility : std::uint8_t {
  feasible,
  spatial_exceeds_array,   ///< Cx or Kx > dim
  accumulator_overflow,    ///< output tile of a column larger than accumulator_words
  scratchpad_overflow,     ///< weight and input tile do not fit together
  weight_loop_in_register  ///< a loop over R, S, C or K at the register level
};

POLARIS_HD constexpr const char* to_string(Feasibility reason) {
  switch (reason) {
    case Feasibility::feasible:
      return "feasible";
    case Feasibility::spatial_exceeds_array:
      return "spatial factor exceeds the array";
    case Feasibility::accumulator_overflow:
      return "output tile exceeds the accumulator";
    case Feasibility::scratchpad_overflow:
      return "weight and input tiles exceed the scratchpad";
    case Feasibility::weight_loop_in_register:
      return "loop over R, S, C or K at the register level";
  }
  return "unknown";
}

/// Timeloop's rule: capacities counted in words (spec: analytical-model section 4).
/// Precondition: the factors of every dimension multiply to the layer's size.
POLARIS_HD constexpr Feasibility check_words(const HardwareConfig& hardware,
                                             const TileFootprint& tile, const Mapping& mapping) {
  for (int d = 0; d < kDims; ++d)
    if (weight_relevant(static_cast<Dim>(d)) && mapping.temporal[0][d] != 1)
      return Feasibility::weight_loop_in_register;
  if (mapping.spatial_c > hardware.dim || mapping.spatial_k > hardware.dim)
    return Feasibility::spatial_exceeds_array;
  if (tile.output_words > hardware.accumulator_words) return Feasibility::accumulator_overflow;
  if (tile.weight_words + tile.input_words > hardware.scratchpad_bytes)
    return Feasibility::scratchpad_overflow;
  return Feasibility::feasible;
}

/// The accelerator's rule, used for design spaces and by the RTL alike: as `check_words`, but the
/// scratchpad is counted in whole rows of dim bytes (a row filled by fewer than dim channels is
/// used up all the same). Every point it accepts is accepted by `check_words` too.
POLARIS_HD constexpr Feasibility check_rows(const HardwareConfig& hardware,
                                            const TileFootprint& tile, const Mapping& mapping) {
  const Feasibility words = check_words(hardware, tile, mapping);
  if (words != Feasibility::feasible) return words;
  if (tile.weight_rows + tile.input_rows > hardware.scratchpad_bytes / hardware.dim)
    return Feasibility::scratchpad_overflow;
  return Feasibility::feasible;
}

}  // namespace polaris
