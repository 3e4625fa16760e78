// Stores finished output tiles: complete sums as int8 (shifted right, clamped), others as int32
// partial sums, packed into bursts that never cross an aligned RegBurstBytes boundary.
//
// | parameter | meaning                                  |
// |-----------|------------------------------------------|
// | Dim       | sums of an accumulator row               |
//
// Latency: a row read in cycle t is packed from t+1; one row a cycle where a burst has room for it.
`include "assertions.svh"
module store_engine
  import accelerator_pkg::*;
#(
  parameter int unsigned Dim = 16
) (
  input  logic                clk_i,
  input  logic                rst_ni,
  input  logic                cfg_clk_i,
  input  config_bus_t         cfg_i,
  input  logic                data_on_i,
  input  logic [4:0]          requant_shift_i,
  input  word_t               burst_bytes_i,
  // tiles
  input  logic                tile_valid_i,
  output logic                tile_ready_o,
  input  logic                tile_final_i,
  input  word_t               tile_offset_i,  // elements
  input  logic                tile_filled_i,  // its sums are in the accumulator
  output logic                tile_release_o,
  // accumulator
  output logic                read_valid_o,
  output word_t               read_row_o,
  input  logic [32*Dim-1:0]   read_data_i,
  // DRAM
  output logic                burst_valid_o,
  input  logic                burst_ready_i,
  output word_t               burst_addr_o,
  output burst_len_t          burst_bytes_o,
  output logic                burst_psum_o,  // of partial sums
  output logic [BeatBits-1:0] burst_data_o,
  input  logic                writes_done_i,  // all bursts have reached DRAM
  output logic                idle_o
);
  localparam int unsigned RowBits = 32 * Dim;

  tile_t final_tile, psum_tile;
  buffers_t buffers;
  tile_registers #(.Group(GroupOutputTile)) u_final (.cfg_clk_i, .cfg_i, .tile_o(final_tile));
  tile_registers #(.Group(GroupPsumTile)) u_psum (.cfg_clk_i, .cfg_i, .tile_o(psum_tile));
  buffer_registers #(
    .Group(GroupOutputBuffers)
  ) u_buffers (.cfg_clk_i, .cfg_i, .buffers_o(buffers));

  // Reading rows.
  logic active_q, second_q, final_q, reading_q;
  tile_t tile_q;
  word_t chunk_addr, position_q, row_q;
  logic taken, read, chunk_end, last_chunk;

  // Packing the row that was read.
  logic held_q, chunk_end_q;
  row_len_t packed_q, row_left, bytes;
  word_t burst_addr_q, burst_room;
  burst_len_t burst_fill_q;
  logic [BeatBits-1:0] burst_q, burst;
  logic packs, row_done, burst_end, finished;

  assign tile_ready_o = !active_q && tile_filled_i;
  assign taken = tile_valid_i && tile_ready_o;
  assign read = active_q && reading_q && (!held_q || row_done);
  assign read_valid_o = read;
  assign read_row_o = (second_q ? buffers.row1 : buffers.row0) + row_q;
  assign chunk_end = position_q + tile_q.row_bytes == tile_q.chunk_bytes;
  assign finished = active_q && !reading_q && !held_q && writes_done_i;
  assign tile_release_o = finished;
  assign idle_o = !active_q;

  tile_walker u_chunks (
    .clk_i,
    .tile_i(tile_q),
    .start_i(taken),
    .start_addr_i(tile_final_i ? final_tile.base + tile_offset_i
                               : psum_tile.base + (tile_offset_i << 2)),
    .advance_i(read && chunk_end),
    .addr_o(chunk_addr),
    .last_o(last_chunk)
  );

  assign row_left = tile_q.row_bytes[9:0] - packed_q;
  assign burst_room =
      burst_bytes_i - ((burst_addr_q + 32'(burst_fill_q)) & (burst_bytes_i - 1));
  assign bytes = 32'(row_left) < burst_room ? row_left : burst_room[9:0];
  assign burst_end = 32'(bytes) == burst_room || (bytes == row_left && chunk_end_q);
  assign burst_valid_o = held_q && burst_end;
  assign packs = held_q && (!burst_end || burst_ready_i);
  assign row_done = packs && bytes == row_left;
  assign burst_addr_o = burst_addr_q;
  assign burst_bytes_o = burst_fill_q + bytes[6:0];
  assign burst_data_o = burst;
  assign burst_psum_o = !final_q;

  logic [RowBits-1:0] row_out;
  int sum;
  always_comb begin
    row_out = '0;
    sum = 0;
    burst = '0;
    if (held_q && data_on_i) begin
      if (final_q) begin
        for (int k = 0; k < Dim; k++) begin
          sum = signed'(read_data_i[32*k+:32]) >>> requant_shift_i;
          row_out[8*k+:8] = sum > 127 ? 8'h7F : sum < -128 ? 8'h80 : sum[7:0];
        end
      end else begin
        row_out = read_data_i;
      end
      row_out = row_out >> (32'(packed_q) * 8);
      burst = burst_q | ((BeatBits'(row_out) & ~({BeatBits{1'b1}} << (32'(bytes) * 8)))
                         << (32'(burst_fill_q) * 8));
    end
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      active_q <= 1'b0;
      second_q <= 1'b1;
      held_q <= 1'b0;
      burst_fill_q <= '0;
      burst_q <= '0;
    end else begin
      if (taken) begin
        active_q <= 1'b1;
        reading_q <= 1'b1;
        final_q <= tile_final_i;
        tile_q <= tile_final_i ? final_tile : psum_tile;
        second_q <= buffers.two && !second_q;
        position_q <= '0;
        row_q <= '0;
      end
      if (finished) active_q <= 1'b0;

      if (packs) begin
        packed_q <= packed_q + bytes;
        if (burst_end) begin
          burst_fill_q <= '0;
          burst_addr_q <= burst_addr_q + 32'(burst_fill_q) + 32'(bytes);
          if (data_on_i) burst_q <= '0;
        end else begin
          burst_fill_q <= burst_fill_q + bytes[6:0];
          if (data_on_i) burst_q <= burst;
        end
        if (row_done) held_q <= 1'b0;
      end

      if (read) begin
        held_q <= 1'b1;
        packed_q <= '0;
        chunk_end_q <= chunk_end;
        row_q <= row_q + 1;
        if (position_q == '0) burst_addr_q <= chunk_addr;
        position_q <= chunk_end ? '0 : position_q + tile_q.row_bytes;
        if (chunk_end && last_chunk) reading_q <= 1'b0;
      end
    end
  end

  `ASSERT(BurstFits, !burst_valid_o || (burst_bytes_o != 0 && 32'(burst_bytes_o) <= 32'(BeatBytes)))
  `ASSERT(TakesOnlyFilledTiles, !taken || tile_filled_i)
  `ASSERT(BurstWithinAlignment, !burst_valid_o ||
          (burst_addr_o & (burst_bytes_i - 1)) + 32'(burst_bytes_o) <= burst_bytes_i)
  `ASSERT_HOLD(BurstHeld, burst_valid_o, burst_ready_i, {burst_addr_o, burst_bytes_o, burst_data_o})
  // The preceding chunk's burst is complete before the next chunk's address replaces its own.
  `ASSERT(ChunksDoNotMix, !(read && position_q == '0) || burst_fill_q == '0 || (packs && burst_end))
endmodule
