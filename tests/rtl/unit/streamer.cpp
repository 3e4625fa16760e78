// streamer: input rows of every pass in order, weights swapped where a pass brings new ones, each
// result tagged with its place.
// verilate: streamer
#include <deque>

#include "Vstreamer.h"
#include "tests/rtl/unit/nest.hpp"

namespace unit {

long rows_streamed = 0, weight_stalls = 0, input_stalls = 0, output_stalls = 0, swaps = 0,
     overwrites = 0;

void run() {
  using namespace polaris::rtl;
  constexpr std::uint32_t kInputRow[2] = {7, 50'000}, kOutputRow[2] = {11, 9'000};
  Clocked<Vstreamer> bench;
  auto& top = bench.top;
  const Nest nest = any_nest(12);
  nest.program(bench, kRegAccumulatorNest);
  struct RowLoop {
    std::uint32_t bound, input, output;
  } row_loop[3];
  for (std::uint32_t i = 0; i < 3; ++i) {
    row_loop[i] = {static_cast<std::uint32_t>(between(1, 3)), static_cast<std::uint32_t>(below(20)),
                   static_cast<std::uint32_t>(below(20))};
    bench.configure(kRegRegisterNest + 4 * i + kRowLoopBound, row_loop[i].bound);
    bench.configure(kRegRegisterNest + 4 * i + kRowLoopInputStep, row_loop[i].input);
    bench.configure(kRegRegisterNest + 4 * i + kRowLoopOutputStep, row_loop[i].output);
  }
  const bool two_inputs = chance(2), two_outputs = chance(2);
  bench.configure_buffers(kGroupInputBuffers, two_inputs, kInputRow[0], kInputRow[1]);
  bench.configure_buffers(kGroupOutputBuffers, two_outputs, kOutputRow[0], kOutputRow[1]);
  bool reload = false;
  for (const NestLoop& loop : nest.loop)
    reload |= loop.bound > 1 && (loop.relevance >> kRelevantWeight & 1);
  top.reload_weights_i = reload;
  top.step_valid_i = top.input_filled_i = top.output_ready_i = top.shadow_full_i = 0;
  bench.reset();

  struct Row {
    std::uint32_t read, result;
    bool swap, accumulate, tile_last, step_last;
  };
  std::deque<Row> rows;  // of the step under way
  constexpr int kSteps = 8;
  int number = 0, input_buffer = 1, output_buffer = 1;
  bool new_input = true, new_output = true, new_weight = true, busy = false, row_due = false,
       full = false, releases = false;
  Row due{};
  for (int guard = 0; (number < kSteps || busy || row_due) && guard < 100'000; ++guard) {
    const bool last_input = number + 1 == kSteps || number % 3 == 0,
               last_output = number + 1 == kSteps || number % 2 == 0, load_psum = number % 4 == 1;
    top.step_valid_i = number < kSteps;
    top.step_i = new_input << 5 | last_input << 4 | new_weight << 3 | new_output << 2 |
                 last_output << 1 | load_psum;
    top.input_filled_i = chance(3);
    top.output_ready_i = chance(3);
    full |= chance(3);
    top.shadow_full_i = full;
    bench.settle();
    CHECK_EQ(top.row_valid_o, row_due);
    if (row_due) {
      CHECK_EQ(top.row_swap_o, due.swap);
      CHECK_EQ(top.row_tag_o,
               QData{due.accumulate} << 33 | QData{due.tile_last} << 32 | due.result);
    }
    CHECK_EQ(top.idle_o, !busy && !row_due);
    const bool takes = top.step_valid_i && top.step_ready_o;
    CHECK_EQ(top.step_ready_o,
             !busy && (!new_input || top.input_filled_i) && (!new_output || top.output_ready_i));
    CHECK_EQ(top.input_taken_o, takes && new_input);
    CHECK_EQ(top.output_taken_o, takes && new_output);
    CHECK_EQ(top.input_stall_o, !busy && top.step_valid_i && new_input && !top.input_filled_i);
    CHECK_EQ(top.output_stall_o, !busy && top.step_valid_i && new_output && !top.output_ready_i);
    const bool reads = busy && (!rows.front().swap || full);
    CHECK_EQ(top.read_valid_o, reads);
    CHECK_EQ(top.weight_stall_o, busy && !reads);
    CHECK_EQ(top.shadow_taken_o, reads && rows.front().swap);
    CHECK_EQ(top.input_release_o, reads && rows.front().step_last && releases);
    weight_stalls += busy && !reads;
    input_stalls += top.input_stall_o;
    output_stalls += top.output_stall_o;
    row_due = reads;
    if (reads) {
      due = rows.front();
      rows.pop_front();
      CHECK_EQ(top.read_row_o, due.read);
      if (due.swap) full = false;
      busy = !due.step_last;
      ++rows_streamed;
      swaps += due.swap;
      overwrites += !due.accumulate;
    }
    bench.edge();
    if (!takes) continue;
    if (new_input) input_buffer = two_inputs ? 1 - input_buffer : 0;
    if (new_output) output_buffer = two_outputs ? 1 - output_buffer : 0;
    bool first_pass = true;
    for (const Nest::Iteration& it : nest.walk()) {
      const bool brings =
          (it.entered >> kRelevantWeight & 1) && (!first_pass || new_weight || reload);
      bool first_row = true;
      for (std::uint32_t i = 0; i < row_loop[0].bound; ++i)
        for (std::uint32_t j = 0; j < row_loop[1].bound; ++j)
          for (std::uint32_t k = 0; k < row_loop[2].bound; ++k) {
            const bool pass_end = i + 1 == row_loop[0].bound && j + 1 == row_loop[1].bound &&
                                  k + 1 == row_loop[2].bound;
            Row row;
            row.read = kInputRow[input_buffer] + it.input + i * row_loop[0].input +
                       j * row_loop[1].input + k * row_loop[2].input;
            row.result = kOutputRow[output_buffer] + it.output + i * row_loop[0].output +
                         j * row_loop[1].output + k * row_loop[2].output;
            row.swap = brings && first_row;
            row.accumulate = !(it.first_sum && new_output && !load_psum);
            row.step_last = pass_end && it.last;
            row.tile_last = row.step_last && last_output;
            rows.push_back(row);
            first_row = false;
          }
      first_pass = false;
    }
    busy = true;
    releases = last_input;
    ++number;
    new_input = last_input;
    new_output = last_output;
    new_weight = chance(2);
  }
  CHECK(number == kSteps && !busy);
}

}  // namespace unit

int main() {
  using namespace unit;
  for (int i = 0; i < 300; ++i) run();
  for (const long seen : {weight_stalls, input_stalls, output_stalls, swaps, overwrites})
    CHECK(seen > 100);
  return report(std::to_string(rows_streamed) + " rows, " + std::to_string(swaps) + " swaps");
}
