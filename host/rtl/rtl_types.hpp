// What goes into an RTL simulation and what comes out.
#pragma once

#include <array>
#include <cstdint>
#include <iterator>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "models/space/hardware.hpp"
#include "models/space/layer.hpp"
#include "models/space/layer_space.hpp"

namespace polaris {

/// What makes the machine's cycles differ from the analytical model's. Each may be taken from it to
/// measure what it costs or saves: results stay bit-exact, cycles are no longer those of a machine
/// that could be built.
struct RtlMechanisms {
  // Costs that the analytical model does not see; without one, its work is free.
  bool dram_latency = true;       ///< from an accepted read to its first beat
  bool page_misses = true;        ///< opening another DRAM row
  bool outstanding_limit = true;  ///< on reads in flight; without: the largest, kMaxOutstanding
  bool bus_alignment = true;      ///< short and misaligned bursts waste part of the bus
  bool psum_width = true;         ///< a spilled partial sum takes four bytes of the bus, not one
  bool bank_conflicts = true;     ///< single-port scratchpad banks
  bool buffer_limit = true;       ///< tiles that leave no room for a second copy are not prefetched
  bool weight_preload = true;     ///< weights enter one array row a cycle: a floor for short passes
  bool array_latency = true;      ///< fill and drain: 2 * dim cycles from row to result
  // Overlap that the analytical model takes for granted; without one, work is done in turn.
  bool double_buffering = true;  ///< a second copy of a tile, where it fits
  bool pass_overlap = true;      ///< the next weights are read while the array still works
  bool step_overlap = true;      ///< loads and stores of other DRAM steps during a step

  bool operator==(const RtlMechanisms&) const = default;
};

/// Name and member of each mechanism.
inline constexpr std::array<std::pair<const char*, bool RtlMechanisms::*>, 12> kRtlMechanismFields{
    {{"dram_latency", &RtlMechanisms::dram_latency},
     {"page_misses", &RtlMechanisms::page_misses},
     {"outstanding_limit", &RtlMechanisms::outstanding_limit},
     {"bus_alignment", &RtlMechanisms::bus_alignment},
     {"psum_width", &RtlMechanisms::psum_width},
     {"bank_conflicts", &RtlMechanisms::bank_conflicts},
     {"buffer_limit", &RtlMechanisms::buffer_limit},
     {"weight_preload", &RtlMechanisms::weight_preload},
     {"array_latency", &RtlMechanisms::array_latency},
     {"double_buffering", &RtlMechanisms::double_buffering},
     {"pass_overlap", &RtlMechanisms::pass_overlap},
     {"step_overlap", &RtlMechanisms::step_overlap}}};

/// One simulation of one layer.
struct RtlJob {
  Layer layer;
  DesignPoint point;
  MemorySystem memory;
  RtlMechanisms mechanisms;     ///< default: the real machine
  bool functional = false;      ///< move random data and compare with a reference; same cycles
  std::uint64_t data_seed = 0;  ///< of the random tensors
  std::int64_t max_cycles = 1'000'000'000;  ///< the run is censored there (status cycle_limit)
  double time_limit_s = 0.0;                ///< wall time of one attempt, build excluded; 0: none
};

enum class RtlStatus : std::uint8_t {
  ok,
  infeasible,    ///< refused: the accelerator cannot run this point
  cycle_limit,   ///< not finished after max_cycles: `cycles` is a lower bound
  time_limit,    ///< worker killed after time_limit_s
  cancelled,     ///< by RtlScheduler::cancel
  mismatch,      ///< functional output differs from the reference: a fault of the RTL
  crashed,       ///< the worker died twice, broke the protocol, or reported an error
  build_failed,  ///< no simulator for this array size
};

inline constexpr const char* kRtlStatusNames[] = {"ok",         "infeasible",  "cycle_limit",
                                                  "time_limit", "cancelled",   "mismatch",
                                                  "crashed",    "build_failed"};

constexpr const char* to_string(RtlStatus status) {
  return kRtlStatusNames[static_cast<int>(status)];
}

/// Inverse of to_string; none where no status has that name.
constexpr std::optional<RtlStatus> parse_rtl_status(std::string_view name) {
  for (std::size_t i = 0; i < std::size(kRtlStatusNames); ++i)
    if (name == kRtlStatusNames[i]) return static_cast<RtlStatus>(i);
  return std::nullopt;
}

/// Whether the design point alone decided the status, so that the same job would give it again. The
/// others are failures of the machine (time, memory, tools, a killed process, an evaluator's
/// outage): they say nothing about the point.
constexpr bool is_final(RtlStatus status) {
  return status == RtlStatus::ok || status == RtlStatus::infeasible ||
         status == RtlStatus::cycle_limit || status == RtlStatus::mismatch;
}

/// Activity of one run. Rows are rows of the local memory, beats are transfers of bus_bytes.
struct RtlCounters {
  std::int64_t cycles = 0;
  std::int64_t mesh_rows = 0;          ///< scratchpad input reads; times Cx*Kx: MACs
  std::int64_t weight_rows = 0;        ///< scratchpad weight reads, rows shifted into the array
  std::int64_t input_row_writes = 0;   ///< scratchpad
  std::int64_t weight_row_writes = 0;  ///< scratchpad
  std::int64_t accumulate_reads = 0;   ///< accumulator: rows read to add to
  std::int64_t store_row_reads = 0;    ///< accumulator: rows read to be stored
  std::int64_t psum_row_writes = 0;    ///< accumulator: partial sums loaded
  std::int64_t input_beats = 0;
  std::int64_t weight_beats = 0;
  std::int64_t psum_beats = 0;
  std::int64_t write_beats = 0;
  std::int64_t read_page_misses = 0;
  std::int64_t write_page_misses = 0;
  std::int64_t weight_stalls = 0;      ///< cycles the array waits for weights
  std::int64_t input_stalls = 0;       ///< ... for an input tile
  std::int64_t output_stalls = 0;      ///< ... for an output buffer or its partial sums
  std::int64_t input_conflicts = 0;    ///< cycles an input write waits for its scratchpad bank
  std::int64_t weight_conflicts = 0;   ///< ... a weight write
  std::int64_t preload_conflicts = 0;  ///< ... a weight read
  std::int64_t steps = 0;              ///< iterations of the DRAM loops
  std::int64_t read_bytes = 0;         ///< useful bytes of the read beats
  std::int64_t write_bytes = 0;        ///< useful bytes of the write beats

  bool operator==(const RtlCounters&) const = default;
};

/// Name and member of each counter, in the order of the accelerator's read port.
inline constexpr std::array<std::pair<const char*, std::int64_t RtlCounters::*>, 23>
    kRtlCounterFields{{{"cycles", &RtlCounters::cycles},
                       {"mesh_rows", &RtlCounters::mesh_rows},
                       {"weight_rows", &RtlCounters::weight_rows},
                       {"input_row_writes", &RtlCounters::input_row_writes},
                       {"weight_row_writes", &RtlCounters::weight_row_writes},
                       {"accumulate_reads", &RtlCounters::accumulate_reads},
                       {"store_row_reads", &RtlCounters::store_row_reads},
                       {"psum_row_writes", &RtlCounters::psum_row_writes},
                       {"input_beats", &RtlCounters::input_beats},
                       {"weight_beats", &RtlCounters::weight_beats},
                       {"psum_beats", &RtlCounters::psum_beats},
                       {"write_beats", &RtlCounters::write_beats},
                       {"read_page_misses", &RtlCounters::read_page_misses},
                       {"write_page_misses", &RtlCounters::write_page_misses},
                       {"weight_stalls", &RtlCounters::weight_stalls},
                       {"input_stalls", &RtlCounters::input_stalls},
                       {"output_stalls", &RtlCounters::output_stalls},
                       {"input_conflicts", &RtlCounters::input_conflicts},
                       {"weight_conflicts", &RtlCounters::weight_conflicts},
                       {"preload_conflicts", &RtlCounters::preload_conflicts},
                       {"steps", &RtlCounters::steps},
                       {"read_bytes", &RtlCounters::read_bytes},
                       {"write_bytes", &RtlCounters::write_bytes}}};

/// pJ by consumer.
struct RtlEnergy {
  double mac = 0.0;
  double reg = 0.0;
  double accumulator = 0.0;
  double scratchpad = 0.0;
  double dram = 0.0;

  double total() const { return mac + reg + accumulator + scratchpad + dram; }
};

struct RtlResult {
  RtlStatus status = RtlStatus::ok;
  std::string reason;       ///< one line; empty where status is ok
  std::int64_t cycles = 0;  ///< status ok and mismatch: exact; cycle_limit: lower bound; else 0
  double energy_pj = 0.0;   ///< status ok and mismatch; else 0
  RtlEnergy energy;         ///< what energy_pj is made of
  RtlCounters counters;     ///< status ok, mismatch and cycle_limit
  /// What an external evaluator counted, status ok only; the two fields above are then zero.
  std::optional<std::map<std::string, double>> named_counters;
  double seconds = 0.0;  ///< wall time of the simulation, all attempts
};

/// A result without measurements.
inline RtlResult failed_result(RtlStatus status, std::string reason) {
  RtlResult out;
  out.status = status;
  out.reason = std::move(reason);
  return out;
}

}  // namespace polaris
