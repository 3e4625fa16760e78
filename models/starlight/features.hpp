// What Starlight sees of one (layer, hardware, mapping): the hardware knobs, the layer, the tiling,
// and "physics" - work, utilisation, traffic, footprints - that any model of this accelerator would
// start from (spec: starlight, feature set Dsq, and rtl section 2 for the weight preload).
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <type_traits>

#include "models/space/feasibility.hpp"
#include "models/space/hardware.hpp"
#include "models/space/layer.hpp"
#include "models/space/mapping.hpp"
#include "models/starlight/gemmini.hpp"
#include "models/starlight/math.hpp"
#include "models/starlight/pipeline.hpp"
#include "models/starlight/warp.hpp"

namespace polaris {

/// Names of the features, in order. The first kLogFeatures are positive quantities that enter as
/// their log2, the rest enter as they are.
inline constexpr const char* kFeatureNames[] = {
    // hardware
    "dim", "accumulator_words", "scratchpad_bytes", "bus_bytes",
    // layer
    "R", "S", "P", "Q", "C", "K", "N", "stride",
    // mapping: array use, loop bounds at DRAM, tiles the scratchpad holds
    "spatial_c", "spatial_k", "dram_R", "dram_S", "dram_P", "dram_Q", "dram_C", "dram_K", "dram_N",
    "tile_R", "tile_S", "tile_P", "tile_Q", "tile_C", "tile_K",
    // work: MACs, array instructions of dim x dim x dim
    "macs", "instructions",
    // share of the array that the edges of tiles leave filled
    "fill_c", "fill_k", "fill_p",
    // times each tensor's tile is loaded, words and scratchpad rows moved, words held
    "weight_loads", "input_loads", "output_loads", "weight_words_moved", "input_words_moved",
    "output_words_moved", "words_moved", "weight_rows_moved", "input_rows_moved",
    "output_rows_moved", "rows_moved", "weight_tile", "input_tile", "output_tile",
    // weight preload: rows streamed per weight load of the array, and the cycles if a load of dim
    // rows hides behind them: passes * max(rows, dim)
    "rows_per_pass", "preload_cycles", "rows_per_weight", "reload_cycles",
    // what our accelerator spends (pipeline.hpp): DRAM bursts, opened rows, row writes, cycles of
    // the array, the bus, all transfers and all together, energy
    "read_bursts", "page_misses", "local_writes", "array_cycles", "bus_cycles", "memory_cycles",
    "pipeline_cycles", "pipeline_energy_ratio",
    // what Gemmini spends (gemmini.hpp): steps, and cycles per step of its array and its loads
    "gemmini_steps", "gemmini_array_cycles", "gemmini_memory_cycles",
    // place of each DRAM loop: the outermost largest, 0 where the bound is 1
    "rank_R", "rank_S", "rank_P", "rank_Q", "rank_C", "rank_K", "rank_N",
    // how far the pipeline's cycles are above the compute bound, as the target is warped; share of
    // them in which buffers keep transfers and compute apart; bank conflicts of weight reads
    "pipeline_excess", "pipeline_exposed", "bank_conflicts",
    // how far Gemmini's cycles are above the compute bound, as the target is warped
    "gemmini_excess",
    // flags
    "has_two_inputs", "has_two_weights", "has_two_outputs", "is_matmul", "is_even_filter"};

inline constexpr int kFeatures = static_cast<int>(sizeof(kFeatureNames) / sizeof(kFeatureNames[0]));
inline constexpr int kPlainFeatures = kDims + 9;
inline constexpr int kLogFeatures = kFeatures - kPlainFeatures;

/// Position of the feature called `name`. Throws std::invalid_argument for another, which in a
/// constant is an error of compilation.
constexpr int feature_index(const char* name) {
  for (int f = 0; f < kFeatures; ++f) {
    const char* a = kFeatureNames[f];
    const char* b = name;
    while (*a != '\0' && *a == *b) ++a, ++b;
    if (*a == *b) return f;
  }
  throw std::invalid_argument(std::string("no such feature: ") + name);
}

/// Features that estimate what one machine spends, which say little about another.
inline constexpr const char* kPipelineFeatures[] = {
    "read_bursts",     "page_misses",      "local_writes",    "array_cycles",
    "bus_cycles",      "memory_cycles",    "pipeline_cycles", "pipeline_energy_ratio",
    "pipeline_excess", "pipeline_exposed", "bank_conflicts",  "has_two_inputs",
    "has_two_weights", "has_two_outputs"};
inline constexpr const char* kGemminiFeatures[] = {"gemmini_steps", "gemmini_array_cycles",
                                                   "gemmini_memory_cycles", "gemmini_excess"};

inline constexpr int kFirstPipelineShare = feature_index("pipeline_excess");

/// A feature further from the mean than this many standard deviations of the pre-training set is
/// cut: an outlier must not pull a linear mean to absurd values.
inline constexpr double kFeatureLimit = 6.0;

namespace detail {

/// How often the tile of each tensor is loaded: the product of the DRAM loop bounds from the
/// outermost to the innermost loop that steps the tensor.
struct TileLoads {
  double weight = 1.0, input = 1.0, output = 1.0;
};

// Selects instead of branches here and below: nothing about a candidate's loops can be foretold.
POLARIS_HD inline TileLoads tile_loads(const Mapping& mapping) {
  constexpr int dram = index_of(Level::dram);
  TileLoads loads;
  double product = 1.0;
  for (int i = 0; i < kDims; ++i) {
    const Dim dim = mapping.order[dram][i];
    const std::int32_t bound = mapping.temporal[dram][index_of(dim)];
    product *= bound;
    const bool loops = bound > 1;
    loads.weight = loops && weight_relevant(dim) ? product : loads.weight;
    loads.input = loops && dim != Dim::K ? product : loads.input;
    loads.output = loops && output_relevant(dim) ? product : loads.output;
  }
  return loads;
}

/// Product of the loops above the innermost one, between array and DRAM, that changes the weights:
/// how often the array's weights are loaded.
POLARIS_HD inline double weight_changes(const Mapping& mapping) {
  double changes = 1.0;
  bool seen = false;
  for (int l = index_of(Level::accumulator); l < kLevels; ++l)
    for (int i = kDims - 1; i >= 0; --i) {
      const Dim dim = mapping.order[l][i];
      const std::int32_t bound = mapping.temporal[l][index_of(dim)];
      seen = seen || (bound > 1 && weight_relevant(dim));
      changes *= seen ? bound : 1;
    }
  return changes;
}

POLARIS_HD inline double ceil_div(std::int64_t a, std::int64_t b) {
  return static_cast<double>(divide_up(a, b));
}

}  // namespace detail

/// Places of the DRAM loops, the features from rank_R on, written to q[first + d].
template <typename Quantities>
POLARIS_HD inline void rank_quantities(const Mapping& mapping, int first, Quantities q) {
  using T = std::remove_reference_t<decltype(q[0])>;
  constexpr int dram = index_of(Level::dram);
  int inside = 0;  // DRAM loops of bound > 1 from this one inwards, itself included
  for (int i = kDims - 1; i >= 0; --i) {
    const int d = index_of(mapping.order[dram][i]);
    const bool looped = mapping.temporal[dram][d] > 1;
    inside += looped ? 1 : 0;
    q[first + d] = static_cast<T>(looped ? static_cast<double>(inside) / kDims : 0.0);
  }
}

/// Unscaled features q [kFeatures], before logarithm and standardisation; the first kLogFeatures
/// are >= 2^-31 (fills) or >= 1. `q`: a pointer, or anything whose [] gives a place to write to.
/// Returns the energy of the analytical model in pJ, which they need anyway.
/// Precondition: factors multiply to the layer's sizes.
template <typename Quantities>
POLARIS_HD inline double feature_quantities(const Layer& layer, const HardwareConfig& hardware,
                                            const Mapping& mapping, Quantities q) {
  using T = std::remove_reference_t<decltype(q[0])>;
  constexpr int kTiledDims = 6;  // all but N, whose tile is 1 wherever its bound is
  const std::int64_t dim = hardware.dim;
  const double dim_d = static_cast<double>(dim);
  const TileFootprint footprint = tile_footprint(layer, mapping);
  int n = 0;
  const auto put = [q, &n](double value) { q[n++] = static_cast<T>(value); };

  put(dim_d);
  put(static_cast<double>(hardware.accumulator_words));
  put(static_cast<double>(hardware.scratchpad_bytes));
  put(static_cast<double>(hardware.bus_bytes));
  for (int d = 0; d < kDims; ++d) put(layer.size[d]);
  put(static_cast<double>(layer.stride_w) * layer.stride_h);

  put(mapping.spatial_c);
  put(mapping.spatial_k);
  double dram_tiles = 1.0;
  for (int d = 0; d < kDims; ++d) {
    const double bound = mapping.temporal[index_of(Level::dram)][d];
    dram_tiles *= bound;
    put(bound);
  }
  std::int64_t tile[kTiledDims];
  for (int d = 0; d < kTiledDims; ++d) {
    tile[d] = mapping.tile(static_cast<Dim>(d));
    put(static_cast<double>(tile[d]));
  }
  const auto tile_of = [&tile](Dim d) { return tile[index_of(d)]; };
  const auto tile_real = [&tile](Dim d) { return static_cast<double>(tile[index_of(d)]); };

  const double macs = static_cast<double>(layer.macs());
  const double used_cycles =
      macs / (static_cast<double>(mapping.spatial_c) * static_cast<double>(mapping.spatial_k));
  const double blocks_c = detail::ceil_div(tile_of(Dim::C), dim);
  const double blocks_k = detail::ceil_div(tile_of(Dim::K), dim);
  const double instructions = dram_tiles * tile_real(Dim::R) * tile_real(Dim::S) *
                              tile_real(Dim::Q) * detail::ceil_div(tile_of(Dim::P), dim) *
                              blocks_c * blocks_k;
  put(macs);
  put(instructions);
  const auto fill = [&tile_of, dim, dim_d](Dim d) {
    return static_cast<double>(tile_of(d) < dim ? tile_of(d) : dim) / dim_d;
  };
  put(fill(Dim::C));
  put(fill(Dim::K));
  put(fill(Dim::P));

  const detail::TileLoads loads = detail::tile_loads(mapping);
  const double weight_tile = static_cast<double>(footprint.weight_words);
  const double input_tile = static_cast<double>(footprint.input_words);
  const double output_tile = static_cast<double>(footprint.output_words) * mapping.spatial_k;
  const double weight_moved = loads.weight * weight_tile;
  const double input_moved = loads.input * input_tile;
  const double output_moved = loads.output * output_tile;
  // Rows of dim words in the scratchpad (weights, inputs) and the accumulator (outputs).
  const double blocks_c_per_channel = blocks_c / tile_real(Dim::C);
  const double blocks_k_per_channel = blocks_k / tile_real(Dim::K);
  const double weight_rows = weight_moved * blocks_k_per_channel;
  const double input_rows = input_moved * blocks_c_per_channel;
  const double output_rows = output_moved * blocks_k_per_channel;
  put(loads.weight);
  put(loads.input);
  put(loads.output);
  put(weight_moved);
  put(input_moved);
  put(output_moved);
  put(weight_moved + input_moved + output_moved);
  put(weight_rows);
  put(input_rows);
  put(output_rows);
  put(weight_rows + input_rows + output_rows);
  put(weight_tile);
  put(input_tile);
  put(output_tile);

  double rows = 1.0;
  for (int d = 0; d < kDims; ++d) rows *= mapping.temporal[index_of(Level::registers)][d];
  const double changes = detail::weight_changes(mapping);
  const double rows_per_weight = used_cycles / changes;
  put(rows);
  put(used_cycles / rows * (rows > dim_d ? rows : dim_d));
  put(rows_per_weight);
  put(changes * (rows_per_weight > dim_d ? rows_per_weight : dim_d));

  const PipelineEstimate pipeline = estimate_pipeline(layer, hardware, mapping, footprint);
  put(pipeline.read_bursts);
  put(pipeline.page_misses);
  put(pipeline.input_writes + pipeline.weight_writes + pipeline.psum_writes);
  put(pipeline.compute_cycles);
  put(pipeline.bus_cycles);
  put(pipeline.memory_cycles);
  put(pipeline.cycles);
  put(pipeline.energy_ratio);
  const double bound = lower_bound_cycles(layer, hardware);
  // Written at once, so that a GPU's registers need not keep them; they stand near the end.
  int bounded = kFirstPipelineShare;
  const auto put_bounded = [q, &bounded](double value) { q[bounded++] = static_cast<T>(value); };
  put_bounded(warp_cycles(pipeline.cycles, bound));
  put_bounded(pipeline.exposed_cycles / pipeline.cycles);
  put_bounded(pipeline.bank_conflicts);
  const GemminiEstimate gemmini = estimate_gemmini(layer, hardware, mapping, footprint);
  put(gemmini.steps);
  put(gemmini.array_cycles);
  put(gemmini.memory_cycles);
  put_bounded(warp_cycles(gemmini.cycles, bound));
  put_bounded(pipeline.double_input ? 1.0 : 0.0);
  put_bounded(pipeline.double_weight ? 1.0 : 0.0);
  put_bounded(pipeline.double_output ? 1.0 : 0.0);

  rank_quantities(mapping, n, q);
  n = bounded;
  put(is_matmul(layer) ? 1.0 : 0.0);
  put(layer[Dim::R] % 2 == 0 ? 1.0 : 0.0);
  return pipeline.analytical_pj;
}

/// Standardised feature number `f` of its quantity, cut to +-kFeatureLimit.
template <typename T>
POLARIS_HD inline T standardise_feature(bool logarithm, T quantity, T mean, T inverse_sd) {
  const T value = logarithm ? log2_positive(quantity) : quantity;
  const T x = (value - mean) * inverse_sd;
  const T limit = T(kFeatureLimit);
  return x > limit ? limit : x < -limit ? -limit : x;
}

}  // namespace polaris
