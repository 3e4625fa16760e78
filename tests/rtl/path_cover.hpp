// Which paths of the accelerator a set of simulated jobs has taken, counted by name.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <map>
#include <string>

#include "host/rtl/program.hpp"
#include "host/rtl/register_map.hpp"
#include "host/rtl/rtl_types.hpp"

namespace polaris::test {

class PathCover {
 public:
  void add(const RtlJob& job, const RtlCounters& counters) {
    for (const auto& [name, member] : kRtlCounterFields) count(name, counters.*member > 0);
    add_layer(job.layer);
    add_mapping(job);
    add_memory(job);
    const BufferPlan plan = plan_buffers(job.layer, job.point, job.memory);
    ++seen_[fmt::format("copies of I, W, O: {} {} {}", plan.input.copies, plan.weight.copies,
                        plan.output.copies)];
    add_tiles(job);
    // Partial sums leave and come back only where a reduction loop surrounds an output loop.
    count("psum spill", counters.write_bytes > job.layer.output_words());
    count("psum reload", counters.psum_beats > 0);
    count("no psum", counters.psum_beats == 0);
    count("single step", counters.steps == 1);
    count("every kind of conflict in one run", counters.input_conflicts > 0 &&
                                                   counters.weight_conflicts > 0 &&
                                                   counters.preload_conflicts > 0);
  }

  /// Path name to the number of jobs that took it; paths never taken are there with 0.
  const std::map<std::string, int>& seen() const { return seen_; }

 private:
  void count(const std::string& name, bool taken) { seen_[name] += taken; }

  void one_of(const std::string& name, std::initializer_list<int> values, std::int64_t value) {
    for (const int v : values) count(fmt::format("{} {}", name, v), v == value);
  }

  void add_layer(const Layer& layer) {
    for (int d = 0; d < kDims; ++d) {
      count(fmt::format("size {} 1", kDimLetters[d]), layer.size[d] == 1);
      count(fmt::format("size {} > 1", kDimLetters[d]), layer.size[d] > 1);
    }
    count("stride along P > 1", layer.stride_w > 1 && layer[Dim::P] > 1);
    count("stride along Q > 1", layer.stride_h > 1 && layer[Dim::Q] > 1);
    count("dilation along R > 1", layer.dilation_w > 1 && layer[Dim::R] > 1);
    count("dilation along S > 1", layer.dilation_h > 1 && layer[Dim::S] > 1);
  }

  void add_mapping(const RtlJob& job) {
    const Mapping& m = job.point.mapping;
    const int dim = job.point.hardware.dim;
    count("spatial C < dim", m.spatial_c < dim);
    count("spatial K < dim", m.spatial_k < dim);
    count("spatial C = dim", m.spatial_c == dim);
    count("spatial K = dim", m.spatial_k == dim);
    bool reload = false;
    for (int d = 0; d < kDims; ++d) {
      const Dim which = static_cast<Dim>(d);
      const auto loops = [&](Level level) { return m.factor(level, which) > 1; };
      count(fmt::format("DRAM loop over {}", kDimLetters[d]), loops(Level::dram));
      count(fmt::format("accumulator loop over {}", kDimLetters[d]), loops(Level::accumulator));
      if (!weight_relevant(which))
        count(fmt::format("register loop over {}", kDimLetters[d]), loops(Level::registers));
      reload |= weight_relevant(which) && loops(Level::accumulator);
    }
    count("weights change within a step", reload);
    count("weights stay within a step", !reload);
  }

  void add_memory(const RtlJob& job) {
    one_of("bus bytes", {1, 2, 4, 8, 16, 32, 64}, job.point.hardware.bus_bytes);
    one_of("burst bytes", {1, 8, 16, 32, 64}, job.memory.burst_bytes);
    one_of("outstanding reads", {1, 2, 7, 16, 64}, job.memory.max_outstanding);
    one_of("banks", {1, 2, 4, 32}, job.memory.scratchpad_banks);
    one_of("page miss cycles", {0, 12, 40}, job.memory.page_miss);
    count("burst < bus", job.memory.burst_bytes < job.point.hardware.bus_bytes);
    count("burst > bus", job.memory.burst_bytes > job.point.hardware.bus_bytes);
  }

  void add_tiles(const RtlJob& job) {
    std::map<std::uint32_t, std::int64_t> value;
    for (const RegisterWrite& write : program_accelerator(job).registers)
      value[write.address] = write.value;
    const auto burst = static_cast<std::int64_t>(job.memory.burst_bytes);
    for (const auto& [name, group] : {std::pair{"input", rtl::kGroupInputTile},
                                      {"weight", rtl::kGroupWeightTile},
                                      {"psum", rtl::kGroupPsumTile},
                                      {"output", rtl::kGroupOutputTile}}) {
      const auto field = [&](std::uint32_t number) { return value.at(group * 16 + number); };
      count(fmt::format("{} chunk ends in a partial burst", name),
            field(rtl::kTileChunkBytes) % burst != 0);
      count(fmt::format("{} chunk of whole bursts", name),
            field(rtl::kTileChunkBytes) % burst == 0);
      count(fmt::format("{} chunk begins within a burst", name),
            field(rtl::kTileCount0 + 2) > 1 && field(rtl::kTileStride0 + 2) % burst != 0);
      count(fmt::format("{} tile of three loops", name), field(rtl::kTileCount0) > 1);
    }
  }

  std::map<std::string, int> seen_;
};

}  // namespace polaris::test
