// Random small jobs that reach every path of the accelerator.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <limits>
#include <random>
#include <utility>
#include <vector>

#include "host/rtl/program.hpp"
#include "host/rtl/rtl_types.hpp"
#include "models/analytical/analytical.hpp"
#include "models/space/feasibility.hpp"

namespace polaris::test {

class JobGenerator {
 public:
  explicit JobGenerator(std::uint64_t seed) : random_(seed) {}

  /// A feasible functional job for arrays of `dim`: strides, dilations, batches, any loop order,
  /// loops at register level, partial spatial factors, capacities from just enough for one copy to
  /// plenty, any memory system. One that the analytical model gives more than `max_cycles` is drawn
  /// again (the simulation takes a few times as many).
  RtlJob job(std::int32_t dim, std::int64_t max_cycles = std::numeric_limits<std::int64_t>::max()) {
    while (true) {
      const RtlJob out = any_job(dim);
      // Tiles may be too large for the accumulator.
      if (rtl_refusal(out).empty() && model_cycles(out) <= max_cycles) return out;
    }
  }

  std::uint64_t below(std::uint64_t bound) { return random_() % bound; }
  bool chance(std::uint64_t one_in) { return below(one_in) == 0; }

  template <class T>
  T pick(std::initializer_list<T> values) {
    return values.begin()[below(values.size())];
  }

 private:
  static std::int64_t model_cycles(const RtlJob& job) {
    return evaluate_analytical(job.layer, job.point.hardware, job.point.mapping).cycles;
  }

  RtlJob any_job(std::int32_t dim) {
    RtlJob out;
    out.functional = true;
    out.data_seed = random_();
    out.max_cycles = 20'000'000;
    out.layer = layer();
    out.point.hardware.dim = dim;
    out.point.mapping = mapping(out.layer, dim);
    out.memory = memory();
    out.point.hardware.bus_bytes = pick({1, 2, 4, 8, 16, 32, 64});
    const TileFootprint tile = tile_footprint(out.layer, out.point.mapping);
    const std::int64_t rows = tile.input_rows + tile.weight_rows +
                              pick({std::int64_t{0}, tile.weight_rows, tile.input_rows,
                                    tile.input_rows + tile.weight_rows, std::int64_t{4096}});
    out.point.hardware.scratchpad_bytes = rows * dim + below(dim);
    out.point.hardware.accumulator_words =
        pick({1, 2}) * tile.output_words + (chance(4) ? below(64) : 0);
    return out;
  }

  Layer layer() {
    Layer out;
    const auto set = [&out](Dim dim, std::int32_t bound) { out.size[index_of(dim)] = bound; };
    set(Dim::R, pick({1, 1, 2, 3, 5}));
    set(Dim::S, pick({1, 1, 2, 3}));
    set(Dim::P, pick({1, 2, 4, 5, 6, 8, 12}));
    set(Dim::Q, pick({1, 2, 3, 4, 7, 8, 12}));
    set(Dim::C, pick({1, 3, 4, 8, 12, 13, 16, 24, 32, 48, 64}));
    set(Dim::K, pick({1, 2, 4, 8, 12, 13, 16, 24, 32, 64}));
    set(Dim::N, pick({1, 1, 1, 2, 3}));
    out.stride_w = pick({1, 1, 2, 3});
    out.stride_h = pick({1, 1, 2});
    out.dilation_w = pick({1, 1, 1, 2});
    out.dilation_h = pick({1, 1, 1, 3});
    return out;
  }

  std::int32_t divisor(std::int32_t of, std::int32_t limit) {
    std::vector<std::int32_t> divisors;
    for (std::int32_t d = 1; d <= of && d <= limit; ++d)
      if (of % d == 0) divisors.push_back(d);
    return chance(2) ? divisors.back() : divisors[below(divisors.size())];
  }

  Mapping mapping(const Layer& layer, std::int32_t dim) {
    Mapping out;
    for (int d = 0; d < kDims; ++d) {
      const Dim which = static_cast<Dim>(d);
      std::int32_t left = layer.size[d];
      if (which == Dim::C) left /= out.spatial_c = divisor(left, dim);
      if (which == Dim::K) left /= out.spatial_k = divisor(left, dim);
      std::int32_t* factors[] = {&out.temporal[index_of(Level::accumulator)][d],
                                 &out.temporal[index_of(Level::dram)][d]};
      if (!weight_relevant(which)) {
        std::int32_t& inner = out.temporal[index_of(Level::registers)][d];
        left /= inner = divisor(left, left);
      }
      if (chance(2)) std::swap(factors[0], factors[1]);
      left /= *factors[0] = divisor(left, left);
      *factors[1] = left;
    }
    for (auto& order : out.order)
      for (int i = kDims - 1; i > 0; --i)
        std::swap(order[i], order[below(static_cast<std::uint64_t>(i) + 1)]);
    return out;
  }

  MemorySystem memory() {
    MemorySystem out;
    out.latency = static_cast<std::int32_t>(below(120));
    out.max_outstanding = pick({1, 2, 7, 16, 64});
    out.burst_bytes = pick({1, 8, 16, 32, 64});
    out.page_miss = pick({0, 12, 40});
    out.scratchpad_banks = pick({1, 2, 4, 32});
    return out;
  }

  std::mt19937_64 random_;
};

}  // namespace polaris::test
