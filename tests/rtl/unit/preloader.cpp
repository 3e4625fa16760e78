// preloader: the weight rows of every pass, in order, never into a shadow that is in use.
// verilate: preloader
#include <deque>

#include "Vpreloader.h"
#include "tests/rtl/unit/nest.hpp"

namespace unit {

long rows_read = 0, passes_loaded = 0, shadow_waits = 0, bank_waits = 0, same_cycle = 0;

void run() {
  using namespace polaris::rtl;
  constexpr std::uint32_t kRow[2] = {100, 90'000};
  Clocked<Vpreloader> bench;
  auto& top = bench.top;
  const Nest nest = any_nest(12);
  nest.program(bench, kRegAccumulatorNest);
  const bool two = chance(2);
  bench.configure_buffers(kGroupWeightBuffers, two, kRow[0], kRow[1]);
  bool reload = false;
  for (const NestLoop& loop : nest.loop)
    reload |= loop.bound > 1 && (loop.relevance >> kRelevantWeight & 1);
  const auto rows = static_cast<std::uint32_t>(between(1, 8)),
             step = static_cast<std::uint32_t>(between(1, 9));
  top.spatial_c_i = rows;
  top.row_step_i = step;
  top.reload_weights_i = reload;
  top.step_valid_i = top.tile_filled_i = top.shadow_taken_i = top.read_ready_i = 0;
  bench.reset();

  constexpr int kSteps = 8;
  int step_number = 0, buffer = 1;
  bool step_new = true, step_last = chance(2), shadow_full = false, shift_due = false;
  unsigned shift_row = 0;
  // Of the step under way: rows still to be read; reads that end it release the tile.
  struct Read {
    std::uint32_t row, array_row;
  };
  std::deque<Read> reads;
  bool busy = false, releases = false;
  const bool patient = chance(2);
  for (int guard = 0; (step_number < kSteps || busy) && guard < 100'000; ++guard) {
    top.step_valid_i = step_number < kSteps;
    top.step_new_i = step_new;
    top.step_last_i = step_last;
    top.tile_filled_i = chance(3);
    top.read_ready_i = patient || !chance(3);
    top.shadow_taken_i = shadow_full && chance(patient ? 1 : 4);
    bench.settle();
    CHECK_EQ(top.shadow_full_o, shadow_full);
    CHECK_EQ(top.shift_valid_o, shift_due);
    if (shift_due) CHECK_EQ(top.shift_row_o, shift_row);
    CHECK_EQ(top.idle_o, !busy);
    const bool takes = top.step_valid_i && top.step_ready_o;
    CHECK_EQ(top.step_ready_o, !busy && (!step_new || top.tile_filled_i));
    CHECK_EQ(top.tile_taken_o, takes && step_new);
    shift_due = top.read_valid_o && top.read_ready_i;
    if (top.read_valid_o) {
      CHECK(!reads.empty());
      CHECK(!shadow_full || top.shadow_taken_i);
      if (reads.empty()) return;
      CHECK_EQ(top.read_row_o, reads.front().row);
      bank_waits += !top.read_ready_i;
      same_cycle += top.shadow_taken_i;
    }
    shadow_waits += !reads.empty() && shadow_full;
    if (top.shadow_taken_i) shadow_full = false;
    if (shift_due) {
      shift_row = reads.front().array_row;
      reads.pop_front();
      ++rows_read;
      if (shift_row + 1 == rows) {
        shadow_full = true;
        ++passes_loaded;
      }
    }
    if (top.tile_release_o) {
      CHECK(busy && releases && reads.empty());
      releases = false;
    }
    bench.edge();
    // Passes that keep the weights take a cycle each: the end of a step is seen at the port.
    if (busy) {
      bench.settle();
      if (top.idle_o) {
        CHECK(reads.empty());
        CHECK(!releases);
        busy = false;
      }
    }
    if (takes) {
      if (step_new) buffer = two ? 1 - buffer : 0;
      bool first = true;
      for (const Nest::Iteration& it : nest.walk()) {
        if ((it.entered >> kRelevantWeight & 1) && (!first || step_new || reload))
          for (std::uint32_t r = 0; r < rows; ++r)
            reads.push_back({kRow[buffer] + it.weight + r * step, r});
        first = false;
      }
      busy = true;
      releases = step_last;
      ++step_number;
      step_new = step_last;  // a tile that is left is followed by another
      step_last = chance(2);
    }
  }
  CHECK(step_number == kSteps && !busy);
  expect_assertion("SwapsOnlyFullShadow", [&] {
    bench.reset();
    top.shadow_taken_i = 1;
    bench.cycle();
    bench.cycle();
  });
}

}  // namespace unit

int main() {
  using namespace unit;
  for (int i = 0; i < 300; ++i) run();
  CHECK(shadow_waits > 100);
  CHECK(bank_waits > 100);
  CHECK(same_cycle > 100);
  return report(std::to_string(rows_read) + " rows of " + std::to_string(passes_loaded) +
                " sets of weights");
}
