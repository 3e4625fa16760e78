// Weight-stationary systolic array of Dim x Dim multiply-accumulate units, retimed.
//
// At its boundary it behaves, cycle by cycle, as the array with skewed inputs: an input row that
// enters at t leaves as a row of sums at t + 2*Dim, and weights change with the first row that is
// marked to swap them. Inside, the dot products are taken when a row enters and the results wait
// in a ring, which simulates about 20 times faster than one process a unit.
//
// | parameter | meaning                        |
// |-----------|--------------------------------|
// | Dim       | rows (C) and columns (K)       |
//
// Latency: row to result 2*Dim cycles; weights shifted in at t are usable by a swap at t+1.
`include "assertions.svh"
module mesh
  import accelerator_pkg::*;
#(
  parameter int unsigned Dim = 16
) (
  input  logic              clk_i,
  input  logic              rst_ni,
  input  logic              data_on_i,
  input  logic              short_i,         // switch: row to result 1 cycle
  input  logic              wide_preload_i,  // switch: all rows of weights in one cycle
  // shadow weights, one array row a cycle
  input  logic              weight_valid_i,
  input  logic [5:0]        weight_row_i,
  input  logic [8*Dim-1:0]  weight_data_i,
  input  logic [8*Dim*Dim-1:0] weight_rows_i,  // of a wide preload
  // input rows
  input  logic              row_valid_i,
  input  logic              row_swap_i,
  input  logic [8*Dim-1:0]  row_data_i,
  input  result_tag_t       row_tag_i,
  // results
  output logic              result_valid_o,
  output result_tag_t       result_tag_o,
  output logic [32*Dim-1:0] result_data_o,
  output logic              idle_o
);
  localparam int unsigned Latency = 2 * Dim;
  localparam int unsigned SlotW = $clog2(Latency);

  logic [Latency-1:0] valid_q;
  result_tag_t tag_q [Latency];
  logic [32*Dim-1:0] sums_q [Latency];
  logic [SlotW-1:0] slot_q;
  logic [7:0] flying_q;
  logic [SlotW-1:0] last_slot;
  logic moves;

  assign last_slot = short_i ? '0 : SlotW'(Latency - 1);
  assign moves = row_valid_i || flying_q != '0;
  assign idle_o = !moves;
  assign result_valid_o = valid_q[slot_q];
  assign result_tag_o = tag_q[slot_q];
  assign result_data_o = sums_q[slot_q];

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      valid_q <= '0;
      slot_q <= '0;
      flying_q <= '0;
    end else if (moves) begin
      valid_q[slot_q] <= row_valid_i;
      tag_q[slot_q] <= row_tag_i;
      slot_q <= slot_q == last_slot ? '0 : slot_q + 1'b1;
      flying_q <= flying_q + 8'(row_valid_i) - 8'(result_valid_o);
    end
  end

  // Sign-extended once when they arrive, so that the product loop runs on native integers.
  int shadow [Dim*Dim];
  int weight [Dim*Dim];
  int sum [Dim];
  logic [32*Dim-1:0] sums;

  always_ff @(posedge clk_i) begin
    if (data_on_i) begin
      if (row_valid_i && row_swap_i) begin
        for (int i = 0; i < Dim * Dim; i++) weight[i] = shadow[i];
      end
      if (weight_valid_i) begin
        if (wide_preload_i) begin
          for (int i = 0; i < Dim * Dim; i++) shadow[i] = 32'(signed'(weight_rows_i[8*i+:8]));
        end else begin
          for (int k = 0; k < Dim; k++)
            shadow[32'(weight_row_i)*Dim+k] = 32'(signed'(weight_data_i[8*k+:8]));
        end
      end
      if (row_valid_i) begin
        for (int k = 0; k < Dim; k++) sum[k] = 0;
        for (int c = 0; c < Dim; c++)
          for (int k = 0; k < Dim; k++)
            sum[k] = sum[k] + 32'(signed'(row_data_i[8*c+:8])) * weight[c*Dim+k];
        for (int k = 0; k < Dim; k++) sums[32*k+:32] = sum[k];
        sums_q[slot_q] <= sums;
      end
    end
  end

  `ASSERT(WeightRowExists, !weight_valid_i || 32'(weight_row_i) < Dim)
  `ASSERT(RingHoldsAllRows, 32'(flying_q) <= Latency)
endmodule
