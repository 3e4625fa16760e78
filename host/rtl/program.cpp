#include "host/rtl/program.hpp"

#include <algorithm>
#include <bit>
#include <limits>

#include "host/rtl/register_map.hpp"
#include "models/space/feasibility.hpp"

namespace polaris {
namespace {

/// Tensors begin at page borders, as an allocator would place them.
constexpr std::uint64_t kPageBytes = 4096;
constexpr std::int64_t kBytesPerSum = 4;

bool power_of_two_up_to(std::int32_t value, std::int32_t limit) {
  return value >= 1 && value <= limit && std::has_single_bit(static_cast<std::uint32_t>(value));
}

std::string refuse(const std::string& what, const std::string& expected, std::int64_t got) {
  return what + ": expected " + expected + ", got " + std::to_string(got);
}

std::string refuse_memory(const HardwareConfig& hardware, const MemorySystem& memory) {
  if (!power_of_two_up_to(hardware.bus_bytes, kMaxBeatBytes))
    return refuse("bus_bytes", "a power of two of [1, 64]", hardware.bus_bytes);
  if (!power_of_two_up_to(memory.burst_bytes, kMaxBeatBytes))
    return refuse("burst_bytes", "a power of two of [1, 64]", memory.burst_bytes);
  if (!power_of_two_up_to(memory.scratchpad_banks, kMaxBanks))
    return refuse("scratchpad_banks", "a power of two of [1, 32]", memory.scratchpad_banks);
  if (memory.max_outstanding < 1 || memory.max_outstanding > kMaxOutstanding)
    return refuse("max_outstanding", "a number of [1, 64]", memory.max_outstanding);
  if (memory.latency < 0 || memory.latency > kMaxDelay)
    return refuse("latency", "cycles of [0, 2^20]", memory.latency);
  if (memory.page_miss < 0 || memory.page_miss > kMaxDelay)
    return refuse("page_miss", "cycles of [0, 2^20]", memory.page_miss);
  return "";
}

std::string refuse_hardware(const HardwareConfig& hardware) {
  if (hardware.dim < kMinDim || !power_of_two_up_to(hardware.dim, kMaxDim))
    return refuse("dim", "4, 8, 16, 32 or 64", hardware.dim);
  if (hardware.scratchpad_bytes > kMaxScratchpadBytes)
    return refuse("scratchpad_bytes", "at most 2 MiB", hardware.scratchpad_bytes);
  if (hardware.accumulator_bytes() > kMaxAccumulatorBytes)
    return refuse("accumulator_words", "at most 512 KiB in all columns",
                  hardware.accumulator_words);
  return "";
}

std::string refuse_scratchpad_loops(const Mapping& mapping) {
  for (int d = 0; d < kDims; ++d)
    if (const auto factor = mapping.factor(Level::scratchpad, static_cast<Dim>(d)); factor != 1)
      return std::string("scratchpad level: expected no temporal loops, got ") + kDimLetters[d] +
             std::to_string(factor);
  return "";
}

/// Tile extents and layer sizes under short names.
struct Shape {
  std::int64_t n, p, q, r, s, c, k;  ///< tile
  std::int64_t w, h;                 ///< input tile along P and Q
  std::int64_t c_blocks, k_blocks;   ///< local rows per pixel, and per weight or output
  std::int64_t layer_w, layer_h;     ///< whole input

  Shape(const Layer& layer, const Mapping& mapping)
      : n(mapping.tile(Dim::N)),
        p(mapping.tile(Dim::P)),
        q(mapping.tile(Dim::Q)),
        r(mapping.tile(Dim::R)),
        s(mapping.tile(Dim::S)),
        c(mapping.tile(Dim::C)),
        k(mapping.tile(Dim::K)),
        w((p - 1) * layer.stride_w + (r - 1) * layer.dilation_w + 1),
        h((q - 1) * layer.stride_h + (s - 1) * layer.dilation_h + 1),
        c_blocks(c / mapping.spatial_c),
        k_blocks(k / mapping.spatial_k),
        layer_w(layer.input_width()),
        layer_h(layer.input_height()) {}
};

DramLayout lay_out(const Layer& layer) {
  const auto align = [](std::uint64_t bytes) {
    return (bytes + kPageBytes - 1) / kPageBytes * kPageBytes;
  };
  DramLayout out;
  out.weight = align(static_cast<std::uint64_t>(layer.input_words()));
  out.output = out.weight + align(static_cast<std::uint64_t>(layer.weight_words()));
  out.psum = out.output + align(static_cast<std::uint64_t>(layer.output_words()));
  out.bytes = out.psum + static_cast<std::uint64_t>(layer.output_words() * kBytesPerSum);
  return out;
}

/// Keeps int8 outputs of random operands within range and far from zero: products of uniform int8
/// have a deviation of 5461, so sums of m of them 5461 sqrt(m), which becomes about 40.
int requant_shift(const Layer& layer) {
  constexpr int kShiftOfOneProduct = 7;
  const auto sums = static_cast<std::uint64_t>(layer[Dim::R] * layer[Dim::S] * layer[Dim::C]);
  return kShiftOfOneProduct + (static_cast<int>(std::bit_width(sums)) - 1) / 2;
}

class Writer {
 public:
  void put(std::uint32_t address, std::int64_t value) {
    registers_.push_back({address, static_cast<std::uint32_t>(value)});
  }

  void buffers(std::uint32_t group, const TileBuffers& buffers) {
    put(group * 4 + rtl::kBufferCount, buffers.copies);
    put(group * 4 + rtl::kBufferRow0, buffers.first[0]);
    put(group * 4 + rtl::kBufferRow1, buffers.first[1]);
  }

  struct TileLoop {
    std::int64_t count, stride;  ///< elements
  };

  /// Three loops, outermost first, around `chunk` contiguous elements. Loops that continue the
  /// chunk without a gap are folded into it: longer bursts, as any DMA programmer would do.
  void tile(std::uint32_t group, std::uint64_t base, const TileLoop (&loops)[3], std::int64_t chunk,
            std::int64_t row_elements, std::int64_t rows, std::int64_t element_bytes) {
    int kept = 3;
    while (kept > 0 && (loops[kept - 1].count == 1 || loops[kept - 1].stride == chunk))
      chunk *= loops[--kept].count;
    const std::uint32_t at = group * 16;
    put(at + rtl::kTileBase, static_cast<std::int64_t>(base));
    for (int i = 0; i < 3; ++i) {
      const int source = i - (3 - kept);
      const TileLoop loop = source >= 0 ? loops[source] : TileLoop{1, 0};
      put(at + rtl::kTileCount0 + static_cast<std::uint32_t>(i), loop.count);
      put(at + rtl::kTileStride0 + static_cast<std::uint32_t>(i), loop.stride * element_bytes);
    }
    put(at + rtl::kTileChunkBytes, chunk * element_bytes);
    put(at + rtl::kTileRowBytes, row_elements * element_bytes);
    put(at + rtl::kTileRows, rows);
  }

  void loop(std::uint32_t nest, int position, Dim dim, std::int64_t bound, std::int64_t input_step,
            std::int64_t weight_step, std::int64_t output_step) {
    const std::uint32_t at = nest + static_cast<std::uint32_t>(position) * 8;
    put(at + rtl::kLoopBound, bound);
    put(at + rtl::kLoopInputStep, input_step);
    put(at + rtl::kLoopWeightStep, weight_step);
    put(at + rtl::kLoopOutputStep, output_step);
    put(at + rtl::kLoopRelevance, std::int64_t{dim != Dim::K} << rtl::kRelevantInput |
                                      std::int64_t{weight_relevant(dim)} << rtl::kRelevantWeight |
                                      std::int64_t{output_relevant(dim)} << rtl::kRelevantOutput |
                                      std::int64_t{is_reduction(dim)} << rtl::kReduction);
  }

  std::vector<RegisterWrite> take() { return std::move(registers_); }

 private:
  std::vector<RegisterWrite> registers_;
};

struct Steps {
  std::int64_t input[kDims] = {};
  std::int64_t weight[kDims] = {};
  std::int64_t output[kDims] = {};
};

/// DRAM nest: elements from one tile to the next along each dimension.
Steps dram_steps(const Layer& layer, const Shape& t) {
  const auto at = [](Dim dim) { return index_of(dim); };
  const std::int64_t c = layer[Dim::C], k = layer[Dim::K];
  Steps out;
  out.input[at(Dim::N)] = t.n * t.layer_w * t.layer_h * c;
  out.input[at(Dim::P)] = t.p * layer.stride_w * t.layer_h * c;
  out.input[at(Dim::R)] = t.r * layer.dilation_w * t.layer_h * c;
  out.input[at(Dim::Q)] = t.q * layer.stride_h * c;
  out.input[at(Dim::S)] = t.s * layer.dilation_h * c;
  out.input[at(Dim::C)] = t.c;
  out.weight[at(Dim::R)] = t.r * layer[Dim::S] * c * k;
  out.weight[at(Dim::S)] = t.s * c * k;
  out.weight[at(Dim::C)] = t.c * k;
  out.weight[at(Dim::K)] = t.k;
  out.output[at(Dim::N)] = t.n * layer[Dim::P] * layer[Dim::Q] * k;
  out.output[at(Dim::P)] = t.p * layer[Dim::Q] * k;
  out.output[at(Dim::Q)] = t.q * k;
  out.output[at(Dim::K)] = t.k;
  return out;
}

/// One step of a single index along each dimension, in local rows: input rows [n][w][h][c block],
/// weight rows [r][s][c][k block], output rows [n][p][q][k block].
Steps row_steps(const Layer& layer, const Shape& t) {
  const auto at = [](Dim dim) { return index_of(dim); };
  Steps out;
  out.input[at(Dim::N)] = t.w * t.h * t.c_blocks;
  out.input[at(Dim::P)] = layer.stride_w * t.h * t.c_blocks;
  out.input[at(Dim::R)] = layer.dilation_w * t.h * t.c_blocks;
  out.input[at(Dim::Q)] = layer.stride_h * t.c_blocks;
  out.input[at(Dim::S)] = layer.dilation_h * t.c_blocks;
  out.input[at(Dim::C)] = 1;  // a block of spatial_c channels
  out.weight[at(Dim::R)] = t.s * t.c * t.k_blocks;
  out.weight[at(Dim::S)] = t.c * t.k_blocks;
  out.weight[at(Dim::C)] = t.c / t.c_blocks * t.k_blocks;
  out.weight[at(Dim::K)] = 1;  // a block of spatial_k weights
  out.output[at(Dim::N)] = t.p * t.q * t.k_blocks;
  out.output[at(Dim::P)] = t.q * t.k_blocks;
  out.output[at(Dim::Q)] = t.k_blocks;
  out.output[at(Dim::K)] = 1;
  return out;
}

void write_nests(Writer& writer, const Layer& layer, const Mapping& mapping, const Shape& shape) {
  const Steps dram = dram_steps(layer, shape);
  const Steps rows = row_steps(layer, shape);
  for (int i = 0; i < kDims; ++i) {
    const Dim outer = mapping.order[index_of(Level::dram)][i];
    const int o = index_of(outer);
    writer.loop(rtl::kRegDramNest, i, outer, mapping.factor(Level::dram, outer), dram.input[o],
                dram.weight[o], dram.output[o]);
    const Dim inner = mapping.order[index_of(Level::accumulator)][i];
    const int a = index_of(inner);
    const std::int64_t below = mapping.factor(Level::registers, inner);
    writer.loop(rtl::kRegAccumulatorNest, i, inner, mapping.factor(Level::accumulator, inner),
                below * rows.input[a], below * rows.weight[a], below * rows.output[a]);
  }
  std::uint32_t at = rtl::kRegRegisterNest;
  for (const Dim dim : mapping.order[index_of(Level::registers)]) {
    if (weight_relevant(dim)) continue;
    writer.put(at + rtl::kRowLoopBound, mapping.factor(Level::registers, dim));
    writer.put(at + rtl::kRowLoopInputStep, rows.input[index_of(dim)]);
    writer.put(at + rtl::kRowLoopOutputStep, rows.output[index_of(dim)]);
    at += 4;
  }
}

void write_tiles(Writer& writer, const Layer& layer, const Mapping& mapping, const Shape& t,
                 const BufferPlan& plan, const DramLayout& dram) {
  const std::int64_t c = layer[Dim::C], k = layer[Dim::K];
  const std::int64_t p = layer[Dim::P], q = layer[Dim::Q], s = layer[Dim::S];
  writer.tile(rtl::kGroupInputTile, dram.input,
              {{t.n, t.layer_w * t.layer_h * c}, {t.w, t.layer_h * c}, {t.h, c}}, t.c,
              mapping.spatial_c, plan.input.rows, 1);
  writer.tile(rtl::kGroupWeightTile, dram.weight, {{t.r, s * c * k}, {t.s, c * k}, {t.c, k}}, t.k,
              mapping.spatial_k, plan.weight.rows, 1);
  const Writer::TileLoop output[3] = {{t.n, p * q * k}, {t.p, q * k}, {t.q, k}};
  writer.tile(rtl::kGroupOutputTile, dram.output, output, t.k, mapping.spatial_k, plan.output.rows,
              1);
  writer.tile(rtl::kGroupPsumTile, dram.psum, output, t.k, mapping.spatial_k, plan.output.rows,
              kBytesPerSum);
  writer.buffers(rtl::kGroupInputBuffers, plan.input);
  writer.buffers(rtl::kGroupWeightBuffers, plan.weight);
  writer.buffers(rtl::kGroupOutputBuffers, plan.output);
}

/// A bank is a run of 2^shift rows.
int bank_shift(const HardwareConfig& hardware, const MemorySystem& memory) {
  const std::int64_t rows = hardware.scratchpad_bytes / hardware.dim;
  const std::int64_t per_bank = (rows + memory.scratchpad_banks - 1) / memory.scratchpad_banks;
  return static_cast<int>(std::bit_width(static_cast<std::uint64_t>(per_bank - 1)));
}

/// Rows of the local memories that tiles may occupy.
struct Capacities {
  std::int64_t scratchpad_rows, accumulator_rows;
};

Capacities capacities(const HardwareConfig& hardware, const RtlMechanisms& mechanisms) {
  if (mechanisms.buffer_limit)
    return {hardware.scratchpad_bytes / hardware.dim, hardware.accumulator_words};
  return {kMaxScratchpadBytes / hardware.dim, kMaxAccumulatorBytes / (4 * hardware.dim)};
}

/// Each bit takes a mechanism from the accelerator.
std::uint32_t switches(const RtlMechanisms& mechanisms) {
  return std::uint32_t{!mechanisms.bus_alignment} << rtl::kSwitchPackedBus |
         std::uint32_t{!mechanisms.psum_width} << rtl::kSwitchThinPsums |
         std::uint32_t{!mechanisms.bank_conflicts} << rtl::kSwitchMultiPort |
         std::uint32_t{!mechanisms.weight_preload} << rtl::kSwitchWidePreload |
         std::uint32_t{!mechanisms.array_latency} << rtl::kSwitchShortArray |
         std::uint32_t{!mechanisms.pass_overlap} << rtl::kSwitchSerialPasses |
         std::uint32_t{!mechanisms.step_overlap} << rtl::kSwitchSerialSteps;
}

/// Places the scratchpad's copies as input, weight, input, weight, each from a multiple of
/// `alignment`; returns the rows used.
std::int64_t place(BufferPlan& plan, std::int64_t alignment) {
  std::int64_t end = 0;
  for (int copy = 0; copy < 2; ++copy)
    for (TileBuffers* buffers : {&plan.input, &plan.weight}) {
      if (copy >= buffers->copies) continue;
      buffers->first[copy] = (end + alignment - 1) / alignment * alignment;
      end = buffers->first[copy] + buffers->rows;
    }
  return end;
}

}  // namespace

std::string mapping_refusal(const Layer& layer, const Mapping& mapping) {
  for (int d = 0; d < kDims; ++d) {
    const Dim dim = static_cast<Dim>(d);
    const std::int64_t product = mapping.factor(Level::dram, dim) * mapping.tile(dim);
    if (product != layer[dim])
      return refuse(std::string("factors of ") + kDimLetters[d],
                    "a product of " + std::to_string(layer[dim]), product);
  }
  for (int level = 0; level < kLevels; ++level) {
    unsigned seen = 0;
    for (const Dim dim : mapping.order[level]) seen |= 1u << index_of(dim);
    if (seen != (1u << kDims) - 1) return "loop order: expected a permutation of RSPQCKN";
  }
  return "";
}

std::string rtl_refusal(const RtlJob& job) {
  const HardwareConfig& hardware = job.point.hardware;
  std::string reason = refuse_scratchpad_loops(job.point.mapping);
  if (reason.empty()) reason = mapping_refusal(job.layer, job.point.mapping);
  if (reason.empty()) reason = refuse_hardware(hardware);
  if (reason.empty()) reason = refuse_memory(hardware, job.memory);
  if (!reason.empty()) return reason;
  const Feasibility verdict = check(job.layer, job.point);
  if (verdict != Feasibility::feasible) return to_string(verdict);
  const DramLayout dram = lay_out(job.layer);
  if (dram.bytes > std::numeric_limits<std::uint32_t>::max())
    return refuse("tensors", "at most 4 GiB with partial sums",
                  static_cast<std::int64_t>(dram.bytes));
  return "";
}

BufferPlan plan_buffers(const Layer& layer, const DesignPoint& point, const MemorySystem& memory,
                        const RtlMechanisms& mechanisms) {
  const TileFootprint tile = tile_footprint(layer, point.mapping);
  const Capacities capacity = capacities(point.hardware, mechanisms);
  BufferPlan plan;
  plan.input.rows = tile.input_rows;
  plan.weight.rows = tile.weight_rows;
  plan.output.rows = tile.output_words;
  const std::int64_t left = mechanisms.double_buffering
                                ? capacity.scratchpad_rows - tile.input_rows - tile.weight_rows
                                : 0;
  if (tile.input_rows + tile.weight_rows <= left)
    plan.input.copies = plan.weight.copies = 2;
  else if (tile.input_rows <= left)
    plan.input.copies = 2;
  else if (tile.weight_rows <= left)
    plan.weight.copies = 2;
  if (place(plan, std::int64_t{1} << bank_shift(point.hardware, memory)) > capacity.scratchpad_rows)
    place(plan, 1);
  if (mechanisms.double_buffering && 2 * tile.output_words <= capacity.accumulator_rows) {
    plan.output.copies = 2;
    plan.output.first[1] = tile.output_words;
  }
  return plan;
}

RtlProgram program_accelerator(const RtlJob& job) {
  const auto& [layer, point, memory, mechanisms, functional, seed, max_cycles, time_limit] = job;
  const auto& [hardware, mapping] = point;
  const Capacities capacity = capacities(hardware, mechanisms);
  const Shape shape(layer, mapping);
  RtlProgram out;
  out.dram = lay_out(layer);
  out.requant_shift = requant_shift(layer);

  bool reload_weights = false;
  for (int d = 0; d < kDims; ++d)
    reload_weights |= weight_relevant(static_cast<Dim>(d)) &&
                      mapping.factor(Level::accumulator, static_cast<Dim>(d)) > 1;
  Writer writer;
  writer.put(rtl::kRegTimingOnly, !functional);
  writer.put(rtl::kRegRequantShift, out.requant_shift);
  writer.put(rtl::kRegSpatialC, mapping.spatial_c);
  writer.put(rtl::kRegBankShift, bank_shift(hardware, memory));
  writer.put(rtl::kRegScratchpadRows, capacity.scratchpad_rows);
  writer.put(rtl::kRegAccumulatorRows, capacity.accumulator_rows);
  writer.put(rtl::kRegDramBytes, static_cast<std::int64_t>(out.dram.bytes));
  writer.put(rtl::kRegBusBytes, hardware.bus_bytes);
  writer.put(rtl::kRegBurstBytes, memory.burst_bytes);
  writer.put(rtl::kRegDramLatency, mechanisms.dram_latency ? memory.latency : 0);
  writer.put(rtl::kRegMaxOutstanding,
             mechanisms.outstanding_limit ? memory.max_outstanding : kMaxOutstanding);
  writer.put(rtl::kRegPageMiss, mechanisms.page_misses ? memory.page_miss : 0);
  writer.put(rtl::kRegReloadWeights, reload_weights);
  writer.put(rtl::kRegWeightRowStep, shape.k_blocks);
  writer.put(rtl::kRegSwitches, switches(mechanisms));
  write_tiles(writer, layer, mapping, shape, plan_buffers(layer, point, memory, mechanisms),
              out.dram);
  write_nests(writer, layer, mapping, shape);
  out.registers = writer.take();
  return out;
}

}  // namespace polaris
