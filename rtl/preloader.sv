// Brings the next weights from the scratchpad into the shadow registers of the array while the
// streamer still uses the current ones.
//
// Latency: one weight row a cycle; a row read in cycle t is shifted into the array at t+1.
`include "assertions.svh"
module preloader
  import accelerator_pkg::*;
(
  input  logic        clk_i,
  input  logic        rst_ni,
  input  logic        cfg_clk_i,
  input  config_bus_t cfg_i,
  input  logic [6:0]  spatial_c_i,
  input  word_t       row_step_i,        // scratchpad rows between two array rows
  input  logic        reload_weights_i,  // the accumulator nest walks weights
  input  logic        wide_i,            // switch: one read brings all rows
  input  logic        hold_i,            // read nothing now
  // steps and tiles
  input  logic        step_valid_i,
  output logic        step_ready_o,
  input  logic        step_new_i,        // the step has another weight tile than the one before
  input  logic        step_last_i,       // the next step has another
  input  logic        tile_filled_i,
  output logic        tile_taken_o,
  output logic        tile_release_o,
  // scratchpad
  output logic        read_valid_o,
  input  logic        read_ready_i,
  output word_t       read_row_o,
  // array
  output logic        shift_valid_o,     // the row read in the cycle before is on the data port
  output logic [5:0]  shift_row_o,
  output logic        shadow_full_o,     // all rows have been read
  input  logic        shadow_taken_i,    // the streamer swaps the weights in
  output logic        idle_o
);
  buffers_t buffers;
  buffer_registers #(
    .Group(GroupWeightBuffers)
  ) u_buffers (.cfg_clk_i, .cfg_i, .buffers_o(buffers));

  logic active_q, first_q, second_q, new_weight_q, last_weight_q;
  logic [6:0] row_q;   // array row
  word_t row_offset_q;
  logic taken, needed, shifted, rows_end, advance, last;
  relevance_t entered;
  word_t nest_row;

  assign step_ready_o = !active_q && (!step_new_i || tile_filled_i);
  assign taken = step_valid_i && step_ready_o;
  assign tile_taken_o = taken && step_new_i;

  loop_nest #(
    .Registers(RegAccumulatorNest)
  ) u_nest (
    .clk_i,
    .cfg_clk_i,
    .cfg_i,
    .init_i(taken),
    .advance_i(advance),
    .last_o(last),
    .entered_o(entered),
    .leaving_o(),
    .first_sum_o(),
    .last_sum_o(),
    .input_o(),
    .weight_o(nest_row),
    .output_o()
  );

  // The first iteration of a step needs a load only if the array may hold other weights.
  assign needed = entered[RelevantWeight] && (!first_q || new_weight_q || reload_weights_i);
  assign read_valid_o = active_q && needed && (!shadow_full_o || shadow_taken_i) &&
      !hold_i;
  assign read_row_o = (second_q ? buffers.row1 : buffers.row0) + nest_row + row_offset_q;
  assign shifted = read_valid_o && read_ready_i;
  assign rows_end = shifted && (wide_i || row_q + 1'b1 == spatial_c_i);
  assign advance = active_q && (rows_end || !needed);
  assign tile_release_o = advance && last && last_weight_q;
  assign idle_o = !active_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      active_q <= 1'b0;
      second_q <= 1'b1;
      row_q <= '0;
      row_offset_q <= '0;
      shift_valid_o <= 1'b0;
      shadow_full_o <= 1'b0;
    end else begin
      if (taken) begin
        active_q <= 1'b1;
        first_q <= 1'b1;
        new_weight_q <= step_new_i;
        last_weight_q <= step_last_i;
        if (step_new_i) second_q <= buffers.two && !second_q;
      end else if (advance) begin
        first_q <= 1'b0;
        if (last) active_q <= 1'b0;
      end
      if (shifted) begin
        row_q <= rows_end ? '0 : row_q + 1'b1;
        row_offset_q <= rows_end ? '0 : row_offset_q + row_step_i;
      end
      shift_valid_o <= shifted;
      shift_row_o <= row_q[5:0];
      if (rows_end) shadow_full_o <= 1'b1;
      else if (shadow_taken_i) shadow_full_o <= 1'b0;
    end
  end

  `ASSERT(SwapsOnlyFullShadow, !shadow_taken_i || shadow_full_o)
  `ASSERT(ReleasesWhatItHolds, !tile_release_o || active_q)
  `ASSERT(TakesOnlyFilledTiles, !tile_taken_o || tile_filled_i)
  `ASSERT_HOLD(ReadHeld, read_valid_o, read_ready_i, read_row_o)
endmodule
