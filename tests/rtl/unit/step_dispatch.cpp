// step_dispatch: every unit sees the steps that concern it, all of them, in order.
// verilate: step_dispatch
#include <deque>

#include "Vstep_dispatch.h"
#include "tests/rtl/unit/steps.hpp"

int main() {
  using namespace unit;
  Clocked<Vstep_dispatch> bench;
  auto& top = bench.top;
  long steps = 0, blocked = 0;
  for (int run = 0; run < 200; ++run) {
    top.start_i = 0;
    top.input_ready_i = top.weight_ready_i = top.psum_ready_i = 0;
    top.preload_ready_i = top.stream_ready_i = top.store_ready_i = 0;
    bench.reset();
    const Nest nest = any_nest(60);
    nest.program(bench, polaris::rtl::kRegDramNest);
    std::deque<std::uint64_t> want[6];
    for (const Step& s : steps_of(nest)) {
      if (s.new_input) want[0].push_back(s.input);
      if (s.new_weight) want[1].push_back(s.weight);
      if (s.new_output) want[2].push_back(std::uint64_t{s.load_psum} << 32 | s.output);
      want[3].push_back(s.new_weight << 1 | s.last_weight);
      want[4].push_back(s.new_input << 5 | s.last_input << 4 | s.new_weight << 3 |
                        s.new_output << 2 | s.last_output << 1 | s.load_psum);
      if (s.last_output) want[5].push_back(std::uint64_t{s.final_sum} << 32 | s.output);
      ++steps;
    }
    top.start_i = 1;
    bench.cycle();
    top.start_i = 0;
    const std::uint64_t slow = below(7);  // one unit that takes its steps rarely, or none
    int cycles = 0;
    for (bool left = true; left && cycles < 10'000; ++cycles) {
      bool ready[6];
      for (std::uint64_t i = 0; i < 6; ++i) ready[i] = i == slow ? chance(12) : !chance(3);
      top.input_ready_i = ready[0];
      top.weight_ready_i = ready[1];
      top.psum_ready_i = ready[2];
      top.preload_ready_i = ready[3];
      top.stream_ready_i = ready[4];
      top.store_ready_i = ready[5];
      bench.settle();
      const bool valid[6] = {top.input_valid_o != 0,  top.weight_valid_o != 0,
                             top.psum_valid_o != 0,   top.preload_valid_o != 0,
                             top.stream_valid_o != 0, top.store_valid_o != 0};
      const std::uint64_t got[6] = {
          top.input_offset_o,
          top.weight_offset_o,
          std::uint64_t{top.psum_load_o} << 32 | top.psum_offset_o,
          static_cast<std::uint64_t>(top.preload_new_o << 1 | top.preload_last_o),
          top.stream_step_o,
          std::uint64_t{top.store_final_o} << 32 | top.store_offset_o};
      left = !top.done_o;
      for (std::size_t i = 0; i < 6; ++i) {
        if (valid[i]) {
          CHECK(!want[i].empty());
          if (!want[i].empty()) CHECK_EQ(got[i], want[i].front());
        }
        if (valid[i] && ready[i] && !want[i].empty()) want[i].pop_front();
        left |= !want[i].empty();
      }
      blocked += slow < 6 && !valid[(slow + 1) % 6] && valid[slow];
      bench.edge();
    }
    for (const auto& queue : want) CHECK(queue.empty());
  }
  CHECK(blocked > 100);
  return report(std::to_string(steps) + " steps");
}
