// The array as it would be built: Dim x Dim processing elements. Lane c of an input row is delayed
// by c cycles, weights of column k by k cycles, and column k of the result by Dim - k, so that rows
// go in and come out whole.
//
// | parameter | meaning                        |
// |-----------|--------------------------------|
// | Dim       | rows (C) and columns (K)       |
//
// Latency: row to result 2*Dim cycles.
module systolic_mesh #(
  parameter int unsigned Dim = 4
) (
  input  logic              clk_i,
  input  logic              weight_valid_i,
  input  logic [5:0]        weight_row_i,
  input  logic [8*Dim-1:0]  weight_data_i,
  input  logic              row_swap_i,
  input  logic [8*Dim-1:0]  row_data_i,
  output logic [32*Dim-1:0] result_data_o
);
  // Entry d: the value of d cycles ago.
  logic [Dim-1:0] swap_past;
  logic [8*Dim-1:0] row_past [Dim];
  logic [Dim-1:0] shift_past;
  logic [5:0] shift_row_past [Dim];
  logic [8*Dim-1:0] weight_past [Dim];
  logic [Dim-2:0] swap_q, shift_q;
  logic [8*Dim-1:0] row_q [Dim-1];
  logic [5:0] shift_row_q [Dim-1];
  logic [8*Dim-1:0] weight_q [Dim-1];
  assign swap_past = {swap_q, row_swap_i};
  assign shift_past = {shift_q, weight_valid_i};
  always_comb begin
    row_past[0] = row_data_i;
    shift_row_past[0] = weight_row_i;
    weight_past[0] = weight_data_i;
    for (int d = 1; d < Dim; d++) begin
      row_past[d] = row_q[d-1];
      shift_row_past[d] = shift_row_q[d-1];
      weight_past[d] = weight_q[d-1];
    end
  end
  always_ff @(posedge clk_i) begin
    swap_q <= swap_past[Dim-2:0];
    shift_q <= shift_past[Dim-2:0];
    for (int d = 0; d < Dim - 1; d++) begin
      row_q[d] <= row_past[d];
      shift_row_q[d] <= shift_row_past[d];
      weight_q[d] <= weight_past[d];
    end
  end

  logic swap [Dim][Dim+1];
  logic signed [7:0] x [Dim][Dim+1];
  int sum [Dim+1][Dim];
  for (genvar c = 0; c < Dim; c++) begin : g_row
    assign swap[c][0] = swap_past[c];
    assign x[c][0] = row_past[c][8*c+:8];
    for (genvar k = 0; k < Dim; k++) begin : g_column
      processing_element u_pe (
        .clk_i,
        .shift_i(shift_past[k] && 32'(shift_row_past[k]) == c),
        .weight_i(weight_past[k][8*k+:8]),
        .swap_i(swap[c][k]),
        .x_i(x[c][k]),
        .sum_i(sum[c][k]),
        .swap_o(swap[c][k+1]),
        .x_o(x[c][k+1]),
        .sum_o(sum[c+1][k])
      );
    end
  end

  for (genvar k = 0; k < Dim; k++) begin : g_result
    localparam int unsigned Delay = Dim - k;
    int delayed_q [Delay];
    assign sum[0][k] = 0;
    assign result_data_o[32*k+:32] = delayed_q[Delay-1];
    always_ff @(posedge clk_i) begin
      delayed_q[0] <= sum[Dim][k];
      for (int d = 1; d < Delay; d++) delayed_q[d] <= delayed_q[d-1];
    end
  end
endmodule
