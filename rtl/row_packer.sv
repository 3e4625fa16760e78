// Cuts the byte stream of DRAM beats into the rows of a local memory.
//
// | parameter | meaning                       |
// |-----------|-------------------------------|
// | RowBytes  | bytes of a memory row         |
//
// Rows of a tile follow each other; one write a cycle covers as much as one beat and one row allow.
// The bytes of a row arrive in order, so a write at offset 0 may clear the rest of the row.
// Latency: a beat taken in cycle t is written from t+1.
`include "assertions.svh"
module row_packer
  import accelerator_pkg::*;
#(
  parameter int unsigned RowBytes = 16
) (
  input  logic                  clk_i,
  input  logic                  rst_ni,
  input  logic                  data_on_i,
  input  word_t                 row_bytes_i,   // bytes used of each row
  input  word_t                 tile_rows_i,
  input  logic                  tile_valid_i,  // a tile is expected
  input  word_t                 tile_row_i,    // ... and begins at this row
  output logic                  tile_done_o,   // its last byte is written in this cycle
  input  logic                  beat_valid_i,
  output logic                  beat_ready_o,
  input  burst_len_t            beat_bytes_i,
  input  logic [BeatBits-1:0]   beat_data_i,   // bytes beyond beat_bytes_i are not zero
  output logic                  write_valid_o,
  input  logic                  write_ready_i,
  output word_t                 write_row_o,
  output logic                  write_first_o, // first bytes of the row: clears the others
  output logic [8*RowBytes-1:0] write_data_o   // zero outside the bytes written
);
  localparam int unsigned RowBits = 8 * RowBytes;

  logic held_q;
  burst_len_t held_bytes_q;
  logic [BeatBits-1:0] held_data_q;
  word_t row_q;
  row_len_t filled_q, room, bytes;
  logic fire, row_done;

  assign room = row_bytes_i[9:0] - filled_q;
  assign bytes = 10'(held_bytes_q) < room ? 10'(held_bytes_q) : room;
  assign row_done = bytes == room;
  assign write_valid_o = held_q;
  assign write_row_o = tile_row_i + row_q;
  assign write_first_o = filled_q == '0;
  assign fire = write_valid_o && write_ready_i;
  assign tile_done_o = fire && row_done && row_q + 1 == tile_rows_i;
  assign beat_ready_o = !held_q || (fire && bytes == 10'(held_bytes_q));

  always_comb begin
    write_data_o = '0;
    if (data_on_i && write_valid_o) begin
      write_data_o = (RowBits'(held_data_q) & ~({RowBits{1'b1}} << (32'(bytes) * 8)))
          << (32'(filled_q) * 8);
    end
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      held_q <= 1'b0;
      filled_q <= '0;
      row_q <= '0;
    end else begin
      if (fire) begin
        filled_q <= row_done ? '0 : filled_q + bytes;
        if (row_done) row_q <= tile_done_o ? '0 : row_q + 1;
        held_bytes_q <= held_bytes_q - bytes[6:0];
        if (bytes == 10'(held_bytes_q)) held_q <= 1'b0;
        if (data_on_i) held_data_q <= held_data_q >> (32'(bytes) * 8);
      end
      if (beat_valid_i && beat_ready_o) begin
        held_q <= 1'b1;
        held_bytes_q <= beat_bytes_i;
        if (data_on_i) held_data_q <= beat_data_i;
      end
    end
  end

  `ASSERT(BytesBelongToATile, !write_valid_o || tile_valid_i)
  // Without the data: Verilator 5.006 generates broken code for $past of more than 63 words.
  `ASSERT_HOLD(WriteHeld, write_valid_o, write_ready_i, {write_row_o, write_first_o})
endmodule
