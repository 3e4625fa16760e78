// What the accelerator in rtl/ spends on one (layer, hardware, mapping), in closed form: DRAM
// bursts and beats as its load engines cut them, rows written, weight reloads of the array, and how
// tile buffers let loads, compute and stores overlap. It sees what the analytical model leaves out
// (latency, alignment, single buffers, reload floors); what it still misses is for the learned
// model.
#pragma once

#include <cstdint>

#include "models/analytical/analytical.hpp"
#include "models/space/feasibility.hpp"
#include "models/space/hardware.hpp"
#include "models/space/layer.hpp"
#include "models/space/mapping.hpp"

namespace polaris {

/// One tensor's way between DRAM and its local memory; means over tiles, totals over the layer.
struct TransferEstimate {
  double tiles = 0.0;   ///< tiles moved in all
  double bursts = 0.0;  ///< per tile
  double beats = 0.0;   ///< per tile: transfers of the bus
  double writes = 0.0;  ///< per tile: rows or parts of rows written to the local memory
  double misses = 0.0;  ///< per tile: bursts that open another DRAM row
};

struct PipelineEstimate {
  TransferEstimate input, weight, psum, store, spill;  ///< spill: stores of partial sums
  bool double_input = false, double_weight = false, double_output = false;
  double compute_cycles = 0.0;  ///< rows through the array, reloads of its weights included
  double bus_cycles = 0.0;      ///< beats, or row writes where those are slower
  double memory_cycles = 0.0;   ///< the same, or the rate that the outstanding reads allow
  double exposed_cycles = 0.0;  ///< transfers that full buffers keep from overlapping compute
  double bank_conflicts = 0.0;  ///< probability that the array reads the bank of the next weights
  double cycles = 0.0;          ///< of all
  double input_writes = 0.0, weight_writes = 0.0, psum_writes = 0.0;  ///< local rows, in all
  double beats = 0.0;                                                 ///< reads and writes, in all
  double read_bursts = 0.0;                                           ///< in all
  double page_misses = 0.0;                                           ///< in all
  double weight_rows = 0.0;    ///< rows shifted into the array
  double energy_ratio = 0.0;   ///< energy of these counts over that of the analytical model
  double analytical_pj = 0.0;  ///< the latter, in pJ
};

namespace detail {

/// Largest power of two that divides x, at most `limit`. Precondition: x > 0.
POLARIS_HD inline double alignment(std::int64_t x, std::int64_t limit) {
  const std::int64_t low = x & -x;
  return static_cast<double>(low < limit ? low : limit);
}

/// Mean number of aligned blocks of `block` bytes that `bytes` touch where starts are uniform over
/// multiples of `align`.
POLARIS_HD inline double blocks_touched(double bytes, double block, double align) {
  return (bytes - (align < block ? align : block)) / block + 1.0;
}

/// A tile of three loops, outermost first, around contiguous `chunk` elements, as host/rtl programs
/// it: loops that continue the chunk are folded into it.
struct TileShape {
  std::int64_t count[3], stride[3], chunk;
};

POLARIS_HD inline TransferEstimate transfer(TileShape tile, std::int64_t row_elements,
                                            std::int64_t element_bytes, std::int64_t bus_bytes,
                                            double tiles) {
  constexpr std::int64_t kBurst = MemorySystem{}.burst_bytes;
  constexpr double kPage = 2048.0;
  std::int64_t unit = tile.chunk;  // chunks start at multiples of it
  int kept = 3;
  while (kept > 0 && (tile.count[kept - 1] == 1 || tile.stride[kept - 1] == tile.chunk)) {
    --kept;
    if (tile.count[kept] == 1) continue;
    tile.chunk *= tile.count[kept];
    unit = tile.stride[kept];
  }
  double chunks = 1.0;
  for (int i = 0; i < kept; ++i) chunks *= static_cast<double>(tile.count[i]);
  const double bytes = static_cast<double>(tile.chunk * element_bytes);
  const double row_bytes = static_cast<double>(row_elements * element_bytes);
  const double align = alignment(unit * element_bytes, kBurst);
  const double bus = static_cast<double>(bus_bytes);
  TransferEstimate out;
  out.tiles = tiles;
  out.bursts = chunks * blocks_touched(bytes, static_cast<double>(kBurst), align);
  const double beats = blocks_touched(bytes, bus, align);
  out.beats = chunks * beats;
  // A write ends where a beat or a row ends; `shared` of the row ends inside a chunk are both.
  const double row_align = alignment(row_elements * element_bytes, bus_bytes);
  const double shared = (align < row_align ? align : row_align) / bus;
  out.writes = chunks * (beats + (bytes / row_bytes - 1.0) * (1.0 - shared));
  const double step = kept > 0 ? static_cast<double>(tile.stride[kept - 1] * element_bytes) : kPage;
  out.misses = chunks * (bytes / kPage + (step < kPage ? step / kPage : 1.0));
  return out;
}

POLARIS_HD inline double larger_of(double a, double b) { return a > b ? a : b; }

/// Rows [begin, end) of the scratchpad.
struct RowRange {
  std::int64_t begin, end;
};

/// Share of the pairs of rows of `a` and `b` that lie in one bank of `bank_rows` rows.
POLARIS_HD inline double shared_banks(RowRange a, RowRange b, std::int64_t bank_rows) {
  double pairs = 0.0;
  for (std::int64_t begin = 0; begin < a.end && begin < b.end; begin += bank_rows) {
    const std::int64_t end = begin + bank_rows;
    const std::int64_t in_a = (a.end < end ? a.end : end) - (a.begin > begin ? a.begin : begin);
    const std::int64_t in_b = (b.end < end ? b.end : end) - (b.begin > begin ? b.begin : begin);
    if (in_a > 0 && in_b > 0) pairs += static_cast<double>(in_a) * static_cast<double>(in_b);
  }
  return pairs / (static_cast<double>(a.end - a.begin) * static_cast<double>(b.end - b.begin));
}

/// Probabilities that the array's input rows lie in the bank of ...
struct BankConflicts {
  double preload = 0.0;      ///< ... the weights to be loaded into the array
  double input_load = 0.0;   ///< ... the input tile that arrives
  double weight_load = 0.0;  ///< ... the weight tile that arrives
};

/// For tiles placed as input, weight, input, weight: from bank borders if all fit so, else packed.
POLARIS_HD inline BankConflicts bank_conflicts(std::int64_t input_rows, std::int64_t weight_rows,
                                               bool double_input, bool double_weight,
                                               std::int64_t capacity) {
  constexpr int kBanks = MemorySystem{}.scratchpad_banks;
  std::int64_t bank_rows = 1;
  while (bank_rows * kBanks < capacity) bank_rows *= 2;
  const auto banks_of = [bank_rows](std::int64_t rows) {
    return (rows + bank_rows - 1) / bank_rows;
  };
  BankConflicts out;
  const std::int64_t inputs = double_input ? 2 : 1, weights = double_weight ? 2 : 1;
  // The last tile placed may end inside a bank.
  const std::int64_t last = double_weight ? weight_rows : double_input ? input_rows : weight_rows;
  const std::int64_t aligned =
      (inputs * banks_of(input_rows) + weights * banks_of(weight_rows) - banks_of(last)) *
          bank_rows +
      last;
  if (aligned <= capacity) return out;
  RowRange input[2], weight[2];
  std::int64_t end = 0;
  for (int copy = 0; copy < 2; ++copy) {
    if (copy < inputs) {
      input[copy] = {end, end + input_rows};
      end += input_rows;
    }
    if (copy < weights) {
      weight[copy] = {end, end + weight_rows};
      end += weight_rows;
    }
  }
  for (int i = 0; i < inputs; ++i)
    for (int w = 0; w < weights; ++w)
      out.preload +=
          shared_banks(input[i], weight[w], bank_rows) / static_cast<double>(inputs * weights);
  out.weight_load = out.preload;
  if (double_input) out.input_load = shared_banks(input[0], input[1], bank_rows);
  return out;
}

}  // namespace detail

POLARIS_HD inline PipelineEstimate estimate_pipeline(const Layer& layer,
                                                     const HardwareConfig& hardware,
                                                     const Mapping& mapping,
                                                     const TileFootprint& footprint) {
  using detail::larger_of;
  constexpr MemorySystem kMemory{};
  constexpr double kTurnaround = 2.0;  // request to queue, last beat to free slot
  PipelineEstimate out;
  const std::int64_t c = layer[Dim::C], k = layer[Dim::K], p = layer[Dim::P], q = layer[Dim::Q];
  const std::int64_t s = layer[Dim::S], h = layer.input_height(), w = layer.input_width();
  std::int64_t tile[kDims];
  for (int d = 0; d < kDims; ++d) tile[d] = mapping.tile(static_cast<Dim>(d));
  const auto t = [&tile](Dim d) { return tile[index_of(d)]; };

  // Tile visits.
  double steps = 1.0, loads_i = 1.0, loads_w = 1.0, visits = 1.0, outputs = 1.0;
  for (int i = 0; i < kDims; ++i) {
    const Dim dim = mapping.order[index_of(Level::dram)][i];
    const std::int32_t bound = mapping.temporal[index_of(Level::dram)][index_of(dim)];
    if (bound == 1) continue;
    steps *= bound;
    if (dim != Dim::K) loads_i = steps;
    if (weight_relevant(dim)) loads_w = steps;
    if (output_relevant(dim)) {
      visits = steps;
      outputs *= bound;
    }
  }

  const std::int64_t bus = hardware.bus_bytes;
  out.input = detail::transfer({{t(Dim::N), footprint.input_extent[2], footprint.input_extent[3]},
                                {w * h * c, h * c, c},
                                t(Dim::C)},
                               mapping.spatial_c, 1, bus, loads_i);
  out.weight =
      detail::transfer({{t(Dim::R), t(Dim::S), t(Dim::C)}, {s * c * k, c * k, k}, t(Dim::K)},
                       mapping.spatial_k, 1, bus, loads_w);
  const detail::TileShape output = {
      {t(Dim::N), t(Dim::P), t(Dim::Q)}, {p * q * k, q * k, k}, t(Dim::K)};
  out.store = detail::transfer(output, mapping.spatial_k, 1, bus, outputs);
  out.spill = detail::transfer(output, mapping.spatial_k, 4, bus, visits - outputs);
  out.psum = out.spill;
  POLARIS_KEEP_IN_MEMORY(out);  // thirty doubles

  // Buffers, as host/rtl plans and places them.
  const std::int64_t capacity = hardware.scratchpad_bytes / hardware.dim;
  const std::int64_t rows_left = capacity - footprint.input_rows - footprint.weight_rows;
  const bool both = footprint.input_rows + footprint.weight_rows <= rows_left;
  out.double_input = footprint.input_rows <= rows_left;
  out.double_weight = both || (!out.double_input && footprint.weight_rows <= rows_left);
  out.double_output = 2 * footprint.output_words <= hardware.accumulator_words;
  const detail::BankConflicts conflicts = detail::bank_conflicts(
      footprint.input_rows, footprint.weight_rows, out.double_input, out.double_weight, capacity);
  out.bank_conflicts = conflicts.preload;

  // The array: a pass streams the rows of one set of weights while the next set is loaded.
  double rows = 1.0, passes = 1.0, inner = 1.0;
  bool reload = false;
  for (int d = 0; d < kDims; ++d) rows *= mapping.temporal[index_of(Level::registers)][d];
  for (int i = kDims - 1; i >= 0; --i) {
    const Dim dim = mapping.order[index_of(Level::accumulator)][i];
    const std::int32_t bound = mapping.temporal[index_of(Level::accumulator)][index_of(dim)];
    if (bound == 1) continue;
    passes *= bound;
    reload = reload || weight_relevant(dim);
    if (!reload) inner *= bound;
  }
  const double cx = mapping.spatial_c;
  const double step_rows = rows * passes;
  const double swaps = reload ? passes / inner * steps : loads_w;
  const double rows_per_swap = step_rows * steps / swaps;
  constexpr double kStepOverhead = 1.0;
  out.weight_rows = swaps * cx;
  // The preloader steps through the passes that keep their weights, one a cycle, before it loads;
  // where the array reads the same bank, it loads after the pass.
  const double skipped = inner - 1.0;
  out.compute_cycles = swaps * ((1.0 - conflicts.preload) * larger_of(rows_per_swap, skipped + cx) +
                                conflicts.preload * (larger_of(rows_per_swap, skipped) + cx)) +
                       steps * kStepOverhead;

  // The bus.
  const double latency = kMemory.latency + kTurnaround;
  const double in_flight = kMemory.max_outstanding;
  const auto bus_time = [](const TransferEstimate& x) { return larger_of(x.beats, x.writes); };
  const auto stream_time = [&](const TransferEstimate& x) {
    return larger_of(bus_time(x), x.bursts * latency / in_flight);
  };
  out.input_writes = out.input.tiles * out.input.writes;
  out.weight_writes = out.weight.tiles * out.weight.writes;
  out.psum_writes = out.psum.tiles * out.psum.writes;
  const double store_beats = out.store.tiles * out.store.beats + out.spill.tiles * out.spill.beats;
  out.beats = out.input.tiles * out.input.beats + out.weight.tiles * out.weight.beats +
              out.psum.tiles * out.psum.beats + store_beats;
  out.read_bursts = out.input.tiles * out.input.bursts + out.weight.tiles * out.weight.bursts +
                    out.psum.tiles * out.psum.bursts;
  out.page_misses = out.input.tiles * out.input.misses + out.weight.tiles * out.weight.misses +
                    out.psum.tiles * out.psum.misses + out.store.tiles * out.store.misses +
                    out.spill.tiles * out.spill.misses;
  out.bus_cycles = out.input_writes + out.weight_writes + out.psum_writes + store_beats;

  // What buffers keep apart: with n copies, n tiles at most are between the request for the first
  // byte and the end of use.
  const double drain = 2.0 * hardware.dim + 4.0;
  const double compute = out.compute_cycles;
  const auto beyond_compute = [compute](double tiles, double occupied, bool twice) {
    return twice ? larger_of(0.5 * (tiles * occupied + compute) - compute, 0.0)
                 : (tiles - 1.0) * occupied;
  };
  // What a single buffer waits for shares the bus with all that the same end of use sets off: the
  // tile after next of a tensor with two buffers, and the store of the outputs.
  const double input_time = stream_time(out.input), weight_time = stream_time(out.weight);
  const double store_time = (out.store.tiles * larger_of(out.store.beats, out.store.bursts) +
                             out.spill.tiles * larger_of(out.spill.beats, out.spill.bursts)) /
                            visits;
  const auto rivals = [](double time, double tiles, double other_time, double other_tiles,
                         bool other_twice) {
    if (!other_twice) return 0.0;  // waited for in its own right
    return (time < other_time ? time : other_time) *
           ((other_tiles < tiles ? other_tiles : tiles) - 1.0);
  };
  double input_exposed = beyond_compute(loads_i, latency + input_time, out.double_input);
  double weight_exposed = beyond_compute(loads_w, latency + weight_time + cx, out.double_weight);
  double output_exposed = beyond_compute(
      visits, drain + store_time + out.psum.tiles / visits * (latency + stream_time(out.psum)),
      out.double_output);
  if (!out.double_input)
    input_exposed += rivals(input_time, loads_i, weight_time, loads_w, out.double_weight) +
                     rivals(input_time, loads_i, store_time, visits, out.double_output);
  if (!out.double_weight)
    weight_exposed += rivals(weight_time, loads_w, input_time, loads_i, out.double_input) +
                      rivals(weight_time, loads_w, store_time, visits, out.double_output);
  if (!out.double_output)
    output_exposed += rivals(store_time, visits, input_time, loads_i, out.double_input) +
                      rivals(store_time, visits, weight_time, loads_w, out.double_weight);
  // Waits that begin together overlap but for the bus.
  const auto fewer = [](double a2, double b2) { return a2 < b2 ? a2 : b2; };
  if (!out.double_input && !out.double_weight)
    weight_exposed -= latency * (fewer(loads_i, loads_w) - 1.0);
  if (!out.double_output && !(out.double_input && out.double_weight))
    output_exposed -= drain * (fewer(visits, out.double_input    ? loads_w
                                             : out.double_weight ? loads_i
                                                                 : larger_of(loads_i, loads_w)) -
                               1.0);
  // Loads that wait for the bank that the array reads make no progress meanwhile.
  if (out.double_input) input_exposed += conflicts.input_load * out.input_writes;
  if (out.double_weight) weight_exposed += conflicts.weight_load * out.weight_writes;
  out.exposed_cycles = input_exposed + weight_exposed + output_exposed;
  const double fill = latency +
                      larger_of(bus_time(out.input) + bus_time(out.weight),
                                (out.input.bursts + out.weight.bursts) * latency / in_flight) +
                      cx;
  const double tail = drain + larger_of(out.store.beats, out.store.bursts);
  out.memory_cycles = out.input.tiles * input_time + out.weight.tiles * weight_time +
                      out.psum.tiles * stream_time(out.psum) + store_beats;
  out.cycles = larger_of(compute + out.exposed_cycles, out.memory_cycles) + fill + tail;

  const AnalyticalResult analytical = evaluate_analytical(layer, hardware, mapping);
  const AccessEnergy access = access_energy(hardware);
  const double kx = mapping.spatial_k;
  const double more_scratchpad = static_cast<double>(analytical.counts.compute_cycles) +
                                 out.weight_rows + out.input_writes + out.weight_writes;
  const double register_fills = static_cast<double>(analytical.counts.register_fills);
  const double energy = analytical.energy_mac + analytical.energy_reg +
                        access.reg * (out.weight_rows * kx - register_fills * cx * kx) +
                        analytical.energy_accumulator + access.accumulator * kx * out.psum_writes +
                        access.scratchpad * more_scratchpad +
                        access.dram / kDramVectorWords * out.beats * static_cast<double>(bus);
  out.energy_ratio = energy / analytical.energy_pj;
  out.analytical_pj = analytical.energy_pj;
  return out;
}

}  // namespace polaris
