// Streams input rows from the scratchpad through the array, pass by pass, and says where each
// result row goes. A pass is the register nest under one iteration of the accumulator nest.
//
// Latency: one row a cycle; a row read in cycle t enters the array at t+1, with its tag.
`include "assertions.svh"
module streamer
  import accelerator_pkg::*;
(
  input  logic         clk_i,
  input  logic         rst_ni,
  input  logic         cfg_clk_i,
  input  config_bus_t  cfg_i,
  input  logic         reload_weights_i,
  // steps and tiles
  input  logic         step_valid_i,
  output logic         step_ready_o,
  input  stream_step_t step_i,
  input  logic         input_filled_i,
  input  logic         output_ready_i,   // an output buffer is free, its partial sums are loaded
  output logic         input_taken_o,
  output logic         output_taken_o,
  output logic         input_release_o,
  // weights
  input  logic         shadow_full_i,
  output logic         shadow_taken_o,
  // scratchpad: always granted
  output logic         read_valid_o,
  output word_t        read_row_o,
  // array, one cycle after the read
  output logic         row_valid_o,
  output logic         row_swap_o,       // the weights change with this row
  output result_tag_t  row_tag_o,
  // state
  output logic         idle_o,
  output logic         weight_stall_o,
  output logic         input_stall_o,
  output logic         output_stall_o
);
  buffers_t input_buffers, output_buffers;
  buffer_registers #(
    .Group(GroupInputBuffers)
  ) u_input_buffers (.cfg_clk_i, .cfg_i, .buffers_o(input_buffers));
  buffer_registers #(
    .Group(GroupOutputBuffers)
  ) u_output_buffers (.cfg_clk_i, .cfg_i, .buffers_o(output_buffers));

  logic active_q, first_q, pass_start_q, second_input_q, second_output_q;
  stream_step_t current_q;
  logic taken, swaps, row_last, pass_end, nest_last, first_sum;
  relevance_t entered;
  word_t nest_input, nest_output, walk_input, walk_output;

  assign step_ready_o = !active_q && !(step_i.new_input && !input_filled_i) &&
      !(step_i.new_output && !output_ready_i);
  assign taken = step_valid_i && step_ready_o;
  assign input_taken_o = taken && step_i.new_input;
  assign output_taken_o = taken && step_i.new_output;

  loop_nest #(
    .Registers(RegAccumulatorNest)
  ) u_nest (
    .clk_i,
    .cfg_clk_i,
    .cfg_i,
    .init_i(taken),
    .advance_i(pass_end),
    .last_o(nest_last),
    .entered_o(entered),
    .leaving_o(),
    .first_sum_o(first_sum),
    .last_sum_o(),
    .input_o(nest_input),
    .weight_o(),
    .output_o(nest_output)
  );

  row_walker u_rows (
    .clk_i,
    .cfg_clk_i,
    .cfg_i,
    .init_i(taken),
    .advance_i(read_valid_o),
    .last_o(row_last),
    .input_row_o(walk_input),
    .output_row_o(walk_output)
  );

  // The same condition as in the preloader: both agree on which passes bring new weights.
  assign swaps = pass_start_q && entered[RelevantWeight] &&
      (!first_q || current_q.new_weight || reload_weights_i);
  assign read_valid_o = active_q && (!swaps || shadow_full_i);
  assign shadow_taken_o = read_valid_o && swaps;
  assign pass_end = read_valid_o && row_last;
  assign input_release_o = pass_end && nest_last && current_q.last_input;
  assign read_row_o =
      (second_input_q ? input_buffers.row1 : input_buffers.row0) + nest_input + walk_input;

  assign idle_o = !active_q && !row_valid_o;
  assign weight_stall_o = active_q && !read_valid_o;
  assign input_stall_o = !active_q && step_valid_i && step_i.new_input && !input_filled_i;
  assign output_stall_o = !active_q && step_valid_i && step_i.new_output && !output_ready_i;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      active_q <= 1'b0;
      second_input_q <= 1'b1;
      second_output_q <= 1'b1;
      row_valid_o <= 1'b0;
    end else begin
      if (taken) begin
        active_q <= 1'b1;
        current_q <= step_i;
        first_q <= 1'b1;
        pass_start_q <= 1'b1;
        if (step_i.new_input) second_input_q <= input_buffers.two && !second_input_q;
        if (step_i.new_output) second_output_q <= output_buffers.two && !second_output_q;
      end else if (read_valid_o) begin
        pass_start_q <= row_last;
        if (row_last) begin
          first_q <= 1'b0;
          if (nest_last) active_q <= 1'b0;
        end
      end
      row_valid_o <= read_valid_o;
      if (read_valid_o) begin
        row_swap_o <= swaps;
        row_tag_o <= '{
          // The first product of a fresh tile overwrites what an earlier tile left.
          accumulate: !(first_sum && current_q.new_output && !current_q.load_psum),
          tile_last: row_last && nest_last && current_q.last_output,
          row: (second_output_q ? output_buffers.row1 : output_buffers.row0) + nest_output +
              walk_output
        };
      end
    end
  end

  `ASSERT(TakesOnlyFilledTiles, !input_taken_o || input_filled_i)
  `ASSERT(TakesOnlyFreeOutputs, !output_taken_o || output_ready_i)
  `ASSERT(SwapsOnlyFullShadow, !shadow_taken_o || shadow_full_i)
endmodule
