// Reference for everything that walks loop nests: plain nested counting.
#pragma once

#include <array>
#include <cstdint>

#include "tests/rtl/unit/bench.hpp"

namespace unit {

constexpr int kLoops = 7;

struct NestLoop {
  std::uint32_t bound = 1, input = 0, weight = 0, output = 0, relevance = 0;
};

struct Nest {
  std::array<NestLoop, kLoops> loop;  ///< outermost first

  struct Iteration {
    std::uint32_t input = 0, weight = 0, output = 0;  ///< offsets
    std::uint32_t entered = 0;  ///< relevance of loops that differ from before
    std::uint32_t leaving = 0;  ///< ... from the next
    bool last = false, first_sum = true, last_sum = true;
  };

  /// All iterations in order.
  std::vector<Iteration> walk() const {
    std::vector<std::array<std::uint32_t, kLoops>> all;
    std::array<std::uint32_t, kLoops> index{};
    while (true) {
      all.push_back(index);
      int i = kLoops - 1;
      while (i >= 0 && ++index[static_cast<std::size_t>(i)] == at(i).bound)
        index[static_cast<std::size_t>(i--)] = 0;
      if (i < 0) break;
    }
    std::vector<Iteration> out;
    for (std::size_t n = 0; n < all.size(); ++n) {
      Iteration it;
      it.last = n + 1 == all.size();
      it.entered = n == 0 ? 0xF : 0;
      for (std::size_t i = 0; i < kLoops; ++i) {
        const std::uint32_t now = all[n][i];
        it.input += now * loop[i].input;
        it.weight += now * loop[i].weight;
        it.output += now * loop[i].output;
        if (n > 0 && all[n - 1][i] != now) it.entered |= loop[i].relevance;
        if (!it.last && all[n + 1][i] != now) it.leaving |= loop[i].relevance;
        if (loop[i].relevance >> polaris::rtl::kReduction & 1) {
          it.first_sum &= now == 0;
          it.last_sum &= now + 1 == loop[i].bound;
        }
      }
      out.push_back(it);
    }
    return out;
  }

  const NestLoop& at(int i) const { return loop[static_cast<std::size_t>(i)]; }

  template <class Bench>
  void program(Bench& bench, std::uint32_t first_register) const {
    using namespace polaris::rtl;
    for (std::uint32_t i = 0; i < kLoops; ++i) {
      bench.configure(first_register + 8 * i + kLoopBound, loop[i].bound);
      bench.configure(first_register + 8 * i + kLoopInputStep, loop[i].input);
      bench.configure(first_register + 8 * i + kLoopWeightStep, loop[i].weight);
      bench.configure(first_register + 8 * i + kLoopOutputStep, loop[i].output);
      bench.configure(first_register + 8 * i + kLoopRelevance, loop[i].relevance);
    }
  }
};

/// Bounds mostly 1, at most `iterations` in all; any relevance that a dimension of a convolution
/// has: R, S, C: inputs, weights, reduction; P, Q, N: inputs, outputs; K: weights, outputs.
inline Nest any_nest(std::uint32_t iterations) {
  Nest nest;
  std::uint32_t product = 1;
  for (NestLoop& loop : nest.loop) {
    loop.relevance = any_of<std::uint32_t>({0xB, 0x5, 0x6});
    loop.input = static_cast<std::uint32_t>(below(50));
    loop.weight = static_cast<std::uint32_t>(below(50));
    loop.output = static_cast<std::uint32_t>(below(50));
    loop.bound = chance(2) ? 1 : static_cast<std::uint32_t>(between(1, 4));
    if (product * loop.bound > iterations) loop.bound = 1;
    product *= loop.bound;
  }
  return nest;
}

}  // namespace unit
