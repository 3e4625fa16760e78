// Counts tiles that one unit has finished and the next has not yet taken.
//
// Latency: a token put in cycle t is available from t+1.
`include "assertions.svh"
module token_counter (
  input  logic clk_i,
  input  logic rst_ni,
  input  logic put_i,
  input  logic take_i,
  output logic available_o
);
  logic [2:0] count_q;

  assign available_o = count_q != '0;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) count_q <= '0;
    else count_q <= count_q + 3'(put_i) - 3'(take_i);
  end

  `ASSERT(TakesOnlyWhatIsThere, !take_i || available_o)
  // At most two buffers a tensor: a third token means that a tile overtook another.
  `ASSERT(AtMostTwo, count_q <= 3'd2)
endmodule
