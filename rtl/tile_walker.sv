// Walks the three loops of a tile descriptor: the DRAM addresses of its contiguous chunks.
//
// Latency: addr_o is the chunk selected by the start_i or advance_i of the cycle before.
module tile_walker
  import accelerator_pkg::*;
(
  input  logic  clk_i,
  input  tile_t tile_i,
  input  logic  start_i,
  input  word_t start_addr_i,
  input  logic  advance_i,  // to the next chunk
  output word_t addr_o,
  output logic  last_o      // the chunk is the last
);
  // Loop 2 is the innermost; addrX_q is the address summed over the loops 0..X.
  word_t index0_q, index1_q, index2_q, addr0_q, addr1_q, addr2_q;
  logic end0, end1, end2;
  assign end0 = index0_q + 1 == tile_i.count0;
  assign end1 = index1_q + 1 == tile_i.count1;
  assign end2 = index2_q + 1 == tile_i.count2;
  assign addr_o = addr2_q;
  assign last_o = end0 && end1 && end2;

  always_ff @(posedge clk_i) begin
    if (start_i) begin
      index0_q <= '0;
      index1_q <= '0;
      index2_q <= '0;
      addr0_q <= start_addr_i;
      addr1_q <= start_addr_i;
      addr2_q <= start_addr_i;
    end else if (advance_i) begin
      if (!end2) begin
        index2_q <= index2_q + 1;
        addr2_q <= addr2_q + tile_i.stride2;
      end else if (!end1) begin
        index2_q <= '0;
        index1_q <= index1_q + 1;
        addr1_q <= addr1_q + tile_i.stride1;
        addr2_q <= addr1_q + tile_i.stride1;
      end else begin
        index2_q <= '0;
        index1_q <= '0;
        index0_q <= index0_q + 1;
        addr0_q <= addr0_q + tile_i.stride0;
        addr1_q <= addr0_q + tile_i.stride0;
        addr2_q <= addr0_q + tile_i.stride0;
      end
    end
  end
endmodule
