// What Gemmini (Genc et al., DAC 2021) spends on one (layer, hardware, mapping), in closed form, as
// the public RTL measurements show it: a layer is a sequence of steps, one per tile of the DRAM
// loops, and a step takes as long as the slowest of its control, its array and its loads. Constants
// are round numbers read off rows where one of them alone decides.
#pragma once

#include <cstdint>

#include "models/space/feasibility.hpp"
#include "models/space/hardware.hpp"
#include "models/space/layer.hpp"
#include "models/space/mapping.hpp"

namespace polaris {

struct GemminiEstimate {
  double steps = 0.0;          ///< tiles of the DRAM loops
  double array_cycles = 0.0;   ///< per step: rows through the array, or instructions issued
  double memory_cycles = 0.0;  ///< per step: scratchpad rows of inputs and weights loaded
  double cycles = 0.0;         ///< of all
};

namespace detail {

POLARIS_HD inline std::int64_t divide_up(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

}  // namespace detail

/// Inputs and weights of every step are loaded anew, whatever the order of the loops.
POLARIS_HD inline GemminiEstimate estimate_gemmini(const Layer& layer,
                                                   const HardwareConfig& hardware,
                                                   const Mapping& mapping,
                                                   const TileFootprint& footprint) {
  using detail::divide_up;
  constexpr double kConvolutionControl = 250.0, kMatmulControl = 126.0;  // cycles per step
  constexpr double kIssue = 4.0;             // cycles between instructions of at most dim rows
  constexpr double kBusBytes = 8.0;          // per cycle
  constexpr std::int64_t kMatmulBlock = 16;  // matrix tiles count blocks of 16, on any array
  const std::int64_t dim = hardware.dim;
  const auto tile = [&mapping](Dim d) { return mapping.tile(d); };
  GemminiEstimate out;
  double control = kConvolutionControl, rows = 0.0, instructions = 0.0, loaded = 0.0;
  if (is_matmul(layer)) {
    control = kMatmulControl;
    const auto blocks = [&](Dim d) {  // of dim, in the layer and in a tile
      const std::int64_t all = divide_up(layer[d], dim), some = divide_up(tile(d), kMatmulBlock);
      return some < all ? some : all;
    };
    const auto steps = [&](Dim d) {
      return static_cast<double>(divide_up(divide_up(layer[d], dim), blocks(d)));
    };
    const auto p = static_cast<double>(blocks(Dim::P)), c = static_cast<double>(blocks(Dim::C)),
               k = static_cast<double>(blocks(Dim::K));
    out.steps = steps(Dim::P) * steps(Dim::C) * steps(Dim::K) * static_cast<double>(layer[Dim::N]);
    instructions = p * c * k;
    rows = instructions * static_cast<double>(dim);
    loaded = (p + k) * c * static_cast<double>(dim);
  } else {
    // Images count as square: P = Q = the larger of both.
    const auto p = static_cast<double>(layer[Dim::P]), q = static_cast<double>(layer[Dim::Q]);
    out.steps = p > q ? p / q : q / p;
    for (int d = 0; d < kDims; ++d) out.steps *= mapping.temporal[index_of(Level::dram)][d];
    const auto blocks_c = static_cast<double>(divide_up(tile(Dim::C), dim));
    const auto blocks_k = static_cast<double>(divide_up(tile(Dim::K), dim));
    const double filter = static_cast<double>(tile(Dim::R) * tile(Dim::S));
    const double lines =
        filter * blocks_c * blocks_k * static_cast<double>(tile(Dim::Q) * tile(Dim::N));
    rows = lines * static_cast<double>(tile(Dim::P));
    instructions = lines * static_cast<double>(divide_up(tile(Dim::P), dim));
    loaded = static_cast<double>(footprint.input_words / tile(Dim::C)) * blocks_c +
             filter * static_cast<double>(tile(Dim::C)) * blocks_k;
  }
  const auto larger = [](double a, double b) { return a > b ? a : b; };
  out.array_cycles = larger(rows, kIssue * instructions);
  out.memory_cycles = loaded * larger(1.0, static_cast<double>(dim) / kBusBytes);
  out.cycles = out.steps * larger(control, larger(out.array_cycles, out.memory_cycles));
  return out;
}

}  // namespace polaris
