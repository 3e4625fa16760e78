// One multiply-accumulate unit of the systolic array: keeps a weight, passes its input and the mark
// that swaps weights to the right and the growing sum down.
//
// Latency: 1 cycle in each direction.
module processing_element (
  input  logic              clk_i,
  input  logic              shift_i,   // take weight_i as the shadow weight
  input  logic signed [7:0] weight_i,
  input  logic              swap_i,    // the shadow weight becomes the weight, from this input on
  input  logic signed [7:0] x_i,
  input  int                sum_i,
  output logic              swap_o,
  output logic signed [7:0] x_o,
  output int                sum_o
);
  logic signed [7:0] shadow_q, weight_q, weight;
  assign weight = swap_i ? shadow_q : weight_q;

  always_ff @(posedge clk_i) begin
    if (shift_i) shadow_q <= weight_i;
    weight_q <= weight;
    swap_o <= swap_i;
    x_o <= x_i;
    sum_o <= sum_i + 32'(x_i) * 32'(weight);
  end
endmodule
