// The analytical fidelity: cycles and energy in closed form, equal to Timeloop's numbers (spec:
// analytical-model sections 5 to 7; the machine is section 1). The tests compare it with 61,076
// published rows and 250 further Timeloop runs: all cycles are equal, all energies agree to their
// printed precision.
#pragma once

#include <cmath>
#include <cstdint>

#include "models/analytical/access_counts.hpp"
#include "models/analytical/energy.hpp"
#include "models/space/feasibility.hpp"
#include "models/space/hardware.hpp"
#include "models/space/layer.hpp"
#include "models/space/mapping.hpp"

namespace polaris {

inline constexpr double kAccumulatorBandwidth = 2.0;  ///< words per cycle and column, both ways

/// Cycles that a level needs where it moves `read` and `write` words per compute cycle and shares
/// `bandwidth` between both. The quotients are rounded one by one, as in Timeloop: the result may
/// be one above the exact ceiling, and every IEEE-754 double division yields the same.
POLARIS_HD inline std::int64_t level_cycles(double compute_cycles, double read, double write,
                                            double bandwidth) {
  const double demand = write + read;
  const double slowdown = bandwidth < demand ? bandwidth / demand : 1.0;
  return static_cast<std::int64_t>(std::ceil(compute_cycles / slowdown));
}

/// Accesses of `width` words that move `words`.
POLARIS_HD constexpr std::int64_t vector_accesses(std::int64_t words, std::int64_t width) {
  return (words + width - 1) / width;
}

POLARIS_HD constexpr std::int64_t larger(std::int64_t a, std::int64_t b) { return a > b ? a : b; }

/// What a mapping does on every machine of one array and one bus. Of the hardware's knobs only the
/// two capacities are missing: they set what an access to the two on-chip memories costs.
struct TrafficCost {
  std::int64_t cycles;  ///< the largest of the four below: all levels overlap perfectly
  std::int64_t compute_cycles;
  std::int64_t accumulator_cycles;
  std::int64_t scratchpad_cycles;
  std::int64_t dram_cycles;
  double energy_mac;            ///< pJ
  double energy_reg;            ///< pJ
  double energy_dram;           ///< pJ
  double accumulator_accesses;  ///< words of one column
  double scratchpad_accesses;   ///< vectors of dim bytes
};

struct AnalyticalResult : TrafficCost {
  AccessCounts counts;
  double energy_accumulator;  ///< pJ, as the two below
  double energy_scratchpad;
  double energy_pj;  ///< sum of the five energies
  double edp;        ///< J * cycle; the cycles rounded to float32 first, as Timeloop prints it
};

/// Only `dim` and `bus_bytes` of `hardware` matter; `n` are the counts of `mapping`.
POLARIS_HD inline TrafficCost traffic_cost(const AccessCounts& n, const HardwareConfig& hardware,
                                           const Mapping& mapping) {
  TrafficCost out;
  const double cc = static_cast<double>(n.compute_cycles);
  const auto rate = [cc](std::int64_t words) { return static_cast<double>(words) / cc; };
  out.compute_cycles = n.compute_cycles;
  out.accumulator_cycles =
      level_cycles(cc, rate(n.accumulator_reads), rate(n.accumulator_fills + n.accumulator_updates),
                   kAccumulatorBandwidth);
  out.scratchpad_cycles = level_cycles(
      cc, rate(n.scratchpad_weight_reads) + rate(n.scratchpad_input_reads),
      rate(n.scratchpad_weight_fills) + rate(n.scratchpad_input_fills), 2.0 * hardware.dim);
  out.dram_cycles = level_cycles(
      cc, rate(n.dram_weight_reads) + rate(n.dram_input_reads) + rate(n.dram_output_reads),
      rate(n.dram_output_updates), hardware.bus_bytes);
  out.cycles = larger(larger(out.compute_cycles, out.accumulator_cycles),
                      larger(out.scratchpad_cycles, out.dram_cycles));

  const AccessEnergy energy = access_energy(hardware);
  const double used_pes = static_cast<double>(mapping.spatial_k) * mapping.spatial_c;
  out.energy_mac = energy.mac * cc * used_pes;
  out.energy_reg = energy.reg * static_cast<double>(n.register_reads + n.register_fills) * used_pes;
  out.energy_dram =
      energy.dram * static_cast<double>(vector_accesses(n.dram_weight_reads, kDramVectorWords) +
                                        vector_accesses(n.dram_input_reads, kDramVectorWords) +
                                        vector_accesses(n.dram_output_reads, kDramVectorWords) +
                                        vector_accesses(n.dram_output_updates, kDramVectorWords));
  out.accumulator_accesses =
      static_cast<double>(n.accumulator_reads + n.accumulator_updates + n.accumulator_fills);
  const std::int64_t dim = hardware.dim;
  out.scratchpad_accesses = static_cast<double>(vector_accesses(n.scratchpad_weight_reads, dim) +
                                                vector_accesses(n.scratchpad_input_reads, dim) +
                                                vector_accesses(n.scratchpad_weight_fills, dim) +
                                                vector_accesses(n.scratchpad_input_fills, dim));
  return out;
}

/// pJ in all, added in this order. `accumulator` and `scratchpad`: pJ of those two memories.
POLARIS_HD constexpr double sum_energy(const TrafficCost& traffic, double accumulator,
                                       double scratchpad) {
  return traffic.energy_mac + traffic.energy_reg + accumulator + scratchpad + traffic.energy_dram;
}

/// J * cycle; the cycles rounded to float32 first, as Timeloop prints them.
POLARIS_HD constexpr double analytical_edp(std::int64_t cycles, double energy_pj) {
  constexpr double kJoulePerPicojoule = 1e-12;
  return static_cast<double>(static_cast<float>(cycles)) * energy_pj * kJoulePerPicojoule;
}

/// Cycles, energy and EDP of one execution of a layer; the DRAM moves hardware.bus_bytes words per
/// cycle (8 in the public data). Preconditions: those of `access_counts`, and the point passes
/// `check_words` (host/io/dataset.hpp checks foreign input; a design space holds no other points).
/// Never compile it with relaxed floating point: a tenth of the cycles would be off by one. Fused
/// multiply-add cannot change the cycles (no product feeds a sum there), only the energy's last
/// bit.
POLARIS_HD inline AnalyticalResult evaluate_analytical(const Layer& layer,
                                                       const HardwareConfig& hardware,
                                                       const Mapping& mapping) {
  AnalyticalResult out{};
  out.counts = access_counts(layer, mapping, tile_footprint(layer, mapping));
  TrafficCost& traffic = out;
  traffic = traffic_cost(out.counts, hardware, mapping);
  const AccessEnergy energy = access_energy(hardware);
  out.energy_accumulator = energy.accumulator * mapping.spatial_k * traffic.accumulator_accesses;
  out.energy_scratchpad = energy.scratchpad * traffic.scratchpad_accesses;
  out.energy_pj = sum_energy(traffic, out.energy_accumulator, out.energy_scratchpad);
  out.edp = analytical_edp(out.cycles, out.energy_pj);
  return out;
}

}  // namespace polaris
