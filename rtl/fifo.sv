// First-in first-out queue of registers.
//
// | parameter | meaning                       |
// |-----------|-------------------------------|
// | Width     | bits of an entry              |
// | Depth     | entries, a power of two >= 2  |
//
// Latency: an entry pushed in cycle t is at the head from t+1. A full queue refuses a push even
// where it is popped in the same cycle.
`include "assertions.svh"
module fifo #(
  parameter int unsigned Width = 8,
  parameter int unsigned Depth = 4
) (
  input  logic             clk_i,
  input  logic             rst_ni,
  input  logic             valid_i,
  output logic             ready_o,
  input  logic [Width-1:0] data_i,
  output logic             valid_o,
  input  logic             ready_i,
  output logic [Width-1:0] data_o
);
  localparam int unsigned PointerW = $clog2(Depth);

  logic [Width-1:0] entry_q [Depth];
  logic [PointerW:0] write_q, read_q;

  assign ready_o = (write_q ^ read_q) != {1'b1, PointerW'(0)};
  assign valid_o = write_q != read_q;
  assign data_o = entry_q[read_q[PointerW-1:0]];

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      write_q <= '0;
      read_q <= '0;
    end else begin
      if (valid_i && ready_o) begin
        entry_q[write_q[PointerW-1:0]] <= data_i;
        write_q <= write_q + 1'b1;
      end
      if (ready_i && valid_o) read_q <= read_q + 1'b1;
    end
  end

  `ASSERT(OccupancyWithinDepth, 32'((PointerW+1)'(write_q - read_q)) <= Depth)
  `ASSERT_HOLD(HeadHeld, valid_o, ready_i, data_o)
endmodule
