// Loads tiles of one tensor from DRAM into a local memory, as far ahead as there are free buffers.
//
// | parameter   | meaning                                                              |
// |-------------|----------------------------------------------------------------------|
// | RowBytes    | bytes of a row of the local memory                                   |
// | TileGroup   | registers of the tile descriptor                                     |
// | BufferGroup | registers of the tile buffers                                        |
// | OnlyPsums   | output tiles: a tile without partial sums takes a buffer, loads      |
// |             | nothing, and must not overtake a tile that is still being loaded     |
//
// Latency: the first request is offered 1 cycle after a step is taken.
`include "assertions.svh"
module load_dma
  import accelerator_pkg::*;
#(
  parameter int unsigned RowBytes = 16,
  parameter logic [3:0] TileGroup = GroupInputTile,
  parameter logic [5:0] BufferGroup = GroupInputBuffers,
  parameter bit OnlyPsums = 1'b0
) (
  input  logic                  clk_i,
  input  logic                  rst_ni,
  input  logic                  cfg_clk_i,
  input  config_bus_t           cfg_i,
  input  logic                  data_on_i,
  input  word_t                 burst_bytes_i,
  // tiles to load
  input  logic                  tile_valid_i,
  output logic                  tile_ready_o,
  input  word_t                 tile_offset_i,  // bytes
  input  logic                  tile_psum_i,    // holds partial sums (OnlyPsums)
  // buffers
  input  logic                  release_i,      // a buffer has become free
  output logic                  filled_o,       // the next buffer is ready for use
  // DRAM requests and beats
  output logic                  request_valid_o,
  input  logic                  request_ready_i,
  output word_t                 request_addr_o,
  output burst_len_t            request_bytes_o,
  input  logic                  beat_valid_i,
  output logic                  beat_ready_o,
  input  burst_len_t            beat_bytes_i,
  input  logic [BeatBits-1:0]   beat_data_i,
  // local memory
  output logic                  write_valid_o,
  input  logic                  write_ready_i,
  output word_t                 write_row_o,
  output logic                  write_first_o,
  output logic [8*RowBytes-1:0] write_data_o
);
  tile_t tile;
  buffers_t buffers;
  tile_registers #(.Group(TileGroup)) u_tile (.cfg_clk_i, .cfg_i, .tile_o(tile));
  buffer_registers #(.Group(BufferGroup)) u_buffers (.cfg_clk_i, .cfg_i, .buffers_o(buffers));

  logic [1:0] free_q;   // free buffers
  logic second_q;       // the next tile goes to the second buffer
  logic taken, loads, walking, queue_ready, filling, tile_done;
  word_t fill_row;

  assign loads = !OnlyPsums || tile_psum_i;
  assign tile_ready_o = !walking && free_q != '0 && queue_ready && (loads || !filling);
  assign taken = tile_valid_i && tile_ready_o;
  assign filled_o = tile_done || (taken && !loads);

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      free_q <= buffers.two ? 2'd2 : 2'd1;
      second_q <= 1'b0;
    end else begin
      free_q <= free_q - 2'(taken) + 2'(release_i);
      if (taken) second_q <= buffers.two && !second_q;
    end
  end

  burst_walker u_walker (
    .clk_i,
    .rst_ni,
    .burst_bytes_i,
    .tile_i(tile),
    .start_i(taken && loads),
    .offset_i(tile_offset_i),
    .busy_o(walking),
    .valid_o(request_valid_o),
    .ready_i(request_ready_i),
    .addr_o(request_addr_o),
    .bytes_o(request_bytes_o)
  );

  // Where the tiles in flight go: the requests of the second may overlap the beats of the first.
  fifo #(
    .Width($bits(word_t)),
    .Depth(2)
  ) u_filling (
    .clk_i,
    .rst_ni,
    .valid_i(taken && loads),
    .ready_o(queue_ready),
    .data_i(second_q ? buffers.row1 : buffers.row0),
    .valid_o(filling),
    .ready_i(tile_done),
    .data_o(fill_row)
  );

  row_packer #(
    .RowBytes(RowBytes)
  ) u_packer (
    .clk_i,
    .rst_ni,
    .data_on_i,
    .row_bytes_i(tile.row_bytes),
    .tile_rows_i(tile.rows),
    .tile_valid_i(filling),
    .tile_row_i(fill_row),
    .tile_done_o(tile_done),
    .beat_valid_i,
    .beat_ready_o,
    .beat_bytes_i,
    .beat_data_i,
    .write_valid_o,
    .write_ready_i,
    .write_row_o,
    .write_first_o,
    .write_data_o
  );

  `ASSERT(FreeBuffersExist, free_q <= (buffers.two ? 2'd2 : 2'd1))
  `ASSERT(TilesStayInOrder, !(taken && !loads && filling))
endmodule
