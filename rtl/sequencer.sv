// Walks the DRAM loop nest and tells all units, step by step, which tiles come next.
//
// A step carries the offsets of its tiles and, for each tensor, whether the tile is new and
// whether the next step leaves it. Output tiles that are visited again before their sums are
// complete are spilled as int32 partial sums and loaded back.
//
// Latency: the first step is offered 1 cycle after start_i, then one step a cycle.
`include "assertions.svh"
module sequencer
  import accelerator_pkg::*;
(
  input  logic        clk_i,
  input  logic        rst_ni,
  input  logic        cfg_clk_i,
  input  config_bus_t cfg_i,
  input  logic        start_i,
  output logic        valid_o,
  input  logic        ready_i,
  output step_t       step_o,
  output logic        done_o  // the last step has been taken
);
  logic last, first_sum, last_sum, taken;
  relevance_t entered, leaving;
  word_t input_offset, weight_offset, output_offset;

  assign taken = valid_o && ready_i;

  loop_nest #(
    .Registers(RegDramNest)
  ) u_nest (
    .clk_i,
    .cfg_clk_i,
    .cfg_i,
    .init_i(start_i),
    .advance_i(taken),
    .last_o(last),
    .entered_o(entered),
    .leaving_o(leaving),
    .first_sum_o(first_sum),
    .last_sum_o(last_sum),
    .input_o(input_offset),
    .weight_o(weight_offset),
    .output_o(output_offset)
  );

  assign step_o = '{
    new_input: entered[RelevantInput],
    last_input: last | leaving[RelevantInput],
    new_weight: entered[RelevantWeight],
    last_weight: last | leaving[RelevantWeight],
    new_output: entered[RelevantOutput],
    last_output: last | leaving[RelevantOutput],
    load_psum: entered[RelevantOutput] & !first_sum,
    final_sum: last_sum,
    input_offset: input_offset,
    weight_offset: weight_offset,
    output_offset: output_offset
  };

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      valid_o <= 1'b0;
      done_o <= 1'b0;
    end else if (start_i) begin
      valid_o <= 1'b1;
    end else if (taken && last) begin
      valid_o <= 1'b0;
      done_o <= 1'b1;
    end
  end

  `ASSERT_HOLD(StepHeld, valid_o, ready_i, step_o)
endmodule
