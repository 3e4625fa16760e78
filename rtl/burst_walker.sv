// Walks a tile descriptor and asks DRAM for its bytes in bursts that never cross an aligned
// RegBurstBytes boundary.
//
// Latency: the first request is offered 1 cycle after start_i, then one a cycle.
`include "assertions.svh"
module burst_walker
  import accelerator_pkg::*;
(
  input  logic       clk_i,
  input  logic       rst_ni,
  input  word_t      burst_bytes_i,
  input  tile_t      tile_i,
  input  logic       start_i,   // only while not busy
  input  word_t      offset_i,  // bytes from tile_i.base, taken with start_i
  output logic       busy_o,
  output logic       valid_o,
  input  logic       ready_i,
  output word_t      addr_o,
  output burst_len_t bytes_o
);
  word_t chunk_addr, position_q, left, room, bytes;
  logic fire, chunk_end, last_chunk;

  assign left = tile_i.chunk_bytes - position_q;
  assign addr_o = chunk_addr + position_q;
  assign room = burst_bytes_i - (addr_o & (burst_bytes_i - 1));
  assign bytes = left < room ? left : room;
  assign bytes_o = bytes[6:0];
  assign valid_o = busy_o;
  assign fire = valid_o && ready_i;
  assign chunk_end = bytes == left;

  tile_walker u_chunks (
    .clk_i,
    .tile_i,
    .start_i,
    .start_addr_i(tile_i.base + offset_i),
    .advance_i(fire && chunk_end),
    .addr_o(chunk_addr),
    .last_o(last_chunk)
  );

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      busy_o <= 1'b0;
    end else if (start_i) begin
      busy_o <= 1'b1;
      position_q <= '0;
    end else if (fire) begin
      position_q <= chunk_end ? '0 : position_q + bytes;
      if (chunk_end && last_chunk) busy_o <= 1'b0;
    end
  end

  `ASSERT(StartsOnlyWhenIdle, !start_i || !busy_o)
  `ASSERT(BurstFits, !valid_o || (bytes != 0 && bytes <= 32'(BeatBytes)))
  `ASSERT(BurstWithinAlignment, !valid_o ||
          (addr_o & (burst_bytes_i - 1)) + bytes <= burst_bytes_i)
  `ASSERT_HOLD(RequestHeld, valid_o, ready_i, {addr_o, bytes_o})
endmodule
