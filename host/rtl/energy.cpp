#include "host/rtl/energy.hpp"

#include "models/analytical/energy.hpp"

namespace polaris {

RtlEnergy rtl_energy(const RtlCounters& counters, const DesignPoint& point,
                     const RtlMechanisms& mechanisms) {
  const auto& [hardware, mapping] = point;
  const AccessEnergy access = access_energy(hardware);
  const std::int64_t macs = counters.mesh_rows * mapping.spatial_c * mapping.spatial_k;
  const std::int64_t fills = counters.weight_rows * mapping.spatial_k;
  const std::int64_t accumulator_rows = counters.mesh_rows + counters.accumulate_reads +
                                        counters.store_row_reads + counters.psum_row_writes;
  const std::int64_t scratchpad_rows = counters.mesh_rows + counters.weight_rows +
                                       counters.input_row_writes + counters.weight_row_writes;
  const std::int64_t beats =
      counters.input_beats + counters.weight_beats + counters.psum_beats + counters.write_beats;
  const std::int64_t dram_bytes = mechanisms.bus_alignment && mechanisms.psum_width
                                      ? beats * hardware.bus_bytes
                                      : counters.read_bytes + counters.write_bytes;
  RtlEnergy out;
  out.mac = access.mac * static_cast<double>(macs);
  out.reg = access.reg * static_cast<double>(macs + fills);
  out.accumulator = access.accumulator * static_cast<double>(accumulator_rows * mapping.spatial_k);
  out.scratchpad = access.scratchpad * static_cast<double>(scratchpad_rows);
  out.dram = access.dram / kDramVectorWords * static_cast<double>(dram_bytes);
  return out;
}

}  // namespace polaris
