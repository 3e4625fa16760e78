// A Gemmini-like weight-stationary accelerator that executes any mapping written to its registers.
//
// | parameter | meaning                                                              |
// |-----------|----------------------------------------------------------------------|
// | Dim       | the array is Dim x Dim; 4, 8, 16, 32 or 64                           |
//
//   sequencer --steps--> queues --> load DMAs (input, weight, partial sums) --> scratchpad,
//                              \                                            \-> accumulator
//                               +-> preloader (weights --> array)
//                               +-> streamer  (inputs --> array --> accumulator)
//                               +-> store engine (accumulator --> DRAM)
//
// Units run as far ahead as free buffers and finished tiles (tokens) allow. Registers keep their
// values through reset; their clock cfg_clk_i runs only while they are written, so that the
// decoders cost nothing later. Use: hold reset and clock the registers in, reset once more with
// clk_i, start_i for one cycle, wait for done_o, read the counters.
`include "assertions.svh"
module accelerator
  import accelerator_pkg::*;
#(
  parameter int unsigned Dim = 16
) (
  input  logic        clk_i,
  input  logic        rst_ni,
  input  logic        cfg_clk_i,
  input  logic [7:0]  cfg_addr_i,
  input  word_t       cfg_data_i,
  input  logic        start_i,
  output logic        done_o,
  output logic [2:0]  error_o,          // sticky: ErrorScratchpad, ErrorAccumulator, ErrorDram
  input  logic        counter_read_i,
  input  logic [4:0]  counter_addr_i,
  output logic [63:0] counter_data_o
);
  localparam int unsigned ScratchpadRows = ScratchpadBytes / Dim;
  localparam int unsigned AccumulatorRows = AccumulatorBytes / (4 * Dim);

  config_bus_t cfg;
  assign cfg = '{addr: cfg_addr_i, data: cfg_data_i};

  logic data_on, reload_weights;
  logic [4:0] requant_shift, bank_shift;
  logic [6:0] spatial_c;
  word_t scratchpad_rows, accumulator_rows, burst_bytes, weight_row_step;
  switches_t switches;
  config_registers #(
    .ScratchpadRows(ScratchpadRows),
    .AccumulatorRows(AccumulatorRows)
  ) u_config (
    .cfg_clk_i,
    .cfg_i(cfg),
    .data_on_o(data_on),
    .requant_shift_o(requant_shift),
    .spatial_c_o(spatial_c),
    .bank_shift_o(bank_shift),
    .scratchpad_rows_o(scratchpad_rows),
    .accumulator_rows_o(accumulator_rows),
    .burst_bytes_o(burst_bytes),
    .reload_weights_o(reload_weights),
    .weight_row_step_o(weight_row_step),
    .switches_o(switches)
  );

  // Steps, as each unit sees them.
  stream_step_t stream_step;
  word_t input_offset, weight_offset, psum_offset, store_offset;
  logic psum_load, store_final, preload_new, preload_last, steps_done;
  logic input_step_valid, weight_step_valid, psum_step_valid;
  logic preload_step_valid, stream_step_valid, store_step_valid;
  logic input_step_ready, weight_step_ready, psum_step_ready;
  logic preload_step_ready, stream_step_ready, store_step_ready;
  logic idle;
  step_dispatch u_steps (
    .clk_i,
    .rst_ni,
    .cfg_clk_i,
    .cfg_i(cfg),
    .start_i,
    .hold_i(switches.serial_steps && !idle),
    .done_o(steps_done),
    .input_valid_o(input_step_valid),
    .input_ready_i(input_step_ready),
    .input_offset_o(input_offset),
    .weight_valid_o(weight_step_valid),
    .weight_ready_i(weight_step_ready),
    .weight_offset_o(weight_offset),
    .psum_valid_o(psum_step_valid),
    .psum_ready_i(psum_step_ready),
    .psum_load_o(psum_load),
    .psum_offset_o(psum_offset),
    .preload_valid_o(preload_step_valid),
    .preload_ready_i(preload_step_ready),
    .preload_new_o(preload_new),
    .preload_last_o(preload_last),
    .stream_valid_o(stream_step_valid),
    .stream_ready_i(stream_step_ready),
    .stream_step_o(stream_step),
    .store_valid_o(store_step_valid),
    .store_ready_i(store_step_ready),
    .store_final_o(store_final),
    .store_offset_o(store_offset)
  );

  // Tokens: tiles loaded and not yet taken, output tiles computed and not yet stored.
  logic input_filled, weight_filled, psum_filled, output_filled;
  logic input_put, weight_put, psum_put, output_put;
  logic input_taken, weight_taken, output_taken, store_taken;
  logic input_release, weight_release, output_release;
  token_counter u_input_tokens (
    .clk_i,
    .rst_ni,
    .put_i(input_put),
    .take_i(input_taken),
    .available_o(input_filled)
  );
  token_counter u_weight_tokens (
    .clk_i,
    .rst_ni,
    .put_i(weight_put),
    .take_i(weight_taken),
    .available_o(weight_filled)
  );
  token_counter u_psum_tokens (
    .clk_i,
    .rst_ni,
    .put_i(psum_put),
    .take_i(output_taken),
    .available_o(psum_filled)
  );
  token_counter u_output_tokens (
    .clk_i,
    .rst_ni,
    .put_i(output_put),
    .take_i(store_taken),
    .available_o(output_filled)
  );

  // Loads.
  logic [Channels-1:0] request_valid, request_ready, beat_valid, beat_ready;
  word_t input_request_addr, weight_request_addr, psum_request_addr;
  burst_len_t input_request_bytes, weight_request_bytes, psum_request_bytes;
  burst_len_t beat_bytes;
  logic [BeatBits-1:0] beat_data;
  logic input_write_valid, input_write_ready, input_write_first;
  logic weight_write_valid, weight_write_ready, weight_write_first;
  logic psum_write_valid, psum_write_first;
  word_t input_write_row, weight_write_row, psum_write_row;
  logic [8*Dim-1:0] input_write_data, weight_write_data;
  logic [32*Dim-1:0] psum_write_data;

  load_dma #(
    .RowBytes(Dim),
    .TileGroup(GroupInputTile),
    .BufferGroup(GroupInputBuffers),
    .OnlyPsums(1'b0)
  ) u_input_load (
    .clk_i,
    .rst_ni,
    .cfg_clk_i,
    .cfg_i(cfg),
    .data_on_i(data_on),
    .burst_bytes_i(burst_bytes),
    .tile_valid_i(input_step_valid),
    .tile_ready_o(input_step_ready),
    .tile_offset_i(input_offset),
    .tile_psum_i(1'b0),
    .release_i(input_release),
    .filled_o(input_put),
    .request_valid_o(request_valid[ChannelInput]),
    .request_ready_i(request_ready[ChannelInput]),
    .request_addr_o(input_request_addr),
    .request_bytes_o(input_request_bytes),
    .beat_valid_i(beat_valid[ChannelInput]),
    .beat_ready_o(beat_ready[ChannelInput]),
    .beat_bytes_i(beat_bytes),
    .beat_data_i(beat_data),
    .write_valid_o(input_write_valid),
    .write_ready_i(input_write_ready),
    .write_row_o(input_write_row),
    .write_first_o(input_write_first),
    .write_data_o(input_write_data)
  );

  load_dma #(
    .RowBytes(Dim),
    .TileGroup(GroupWeightTile),
    .BufferGroup(GroupWeightBuffers),
    .OnlyPsums(1'b0)
  ) u_weight_load (
    .clk_i,
    .rst_ni,
    .cfg_clk_i,
    .cfg_i(cfg),
    .data_on_i(data_on),
    .burst_bytes_i(burst_bytes),
    .tile_valid_i(weight_step_valid),
    .tile_ready_o(weight_step_ready),
    .tile_offset_i(weight_offset),
    .tile_psum_i(1'b0),
    .release_i(weight_release),
    .filled_o(weight_put),
    .request_valid_o(request_valid[ChannelWeight]),
    .request_ready_i(request_ready[ChannelWeight]),
    .request_addr_o(weight_request_addr),
    .request_bytes_o(weight_request_bytes),
    .beat_valid_i(beat_valid[ChannelWeight]),
    .beat_ready_o(beat_ready[ChannelWeight]),
    .beat_bytes_i(beat_bytes),
    .beat_data_i(beat_data),
    .write_valid_o(weight_write_valid),
    .write_ready_i(weight_write_ready),
    .write_row_o(weight_write_row),
    .write_first_o(weight_write_first),
    .write_data_o(weight_write_data)
  );

  load_dma #(
    .RowBytes(4 * Dim),
    .TileGroup(GroupPsumTile),
    .BufferGroup(GroupOutputBuffers),
    .OnlyPsums(1'b1)
  ) u_psum_load (
    .clk_i,
    .rst_ni,
    .cfg_clk_i,
    .cfg_i(cfg),
    .data_on_i(data_on),
    .burst_bytes_i(burst_bytes),
    .tile_valid_i(psum_step_valid),
    .tile_ready_o(psum_step_ready),
    .tile_offset_i(psum_offset << 2),
    .tile_psum_i(psum_load),
    .release_i(output_release),
    .filled_o(psum_put),
    .request_valid_o(request_valid[ChannelPsum]),
    .request_ready_i(request_ready[ChannelPsum]),
    .request_addr_o(psum_request_addr),
    .request_bytes_o(psum_request_bytes),
    .beat_valid_i(beat_valid[ChannelPsum]),
    .beat_ready_o(beat_ready[ChannelPsum]),
    .beat_bytes_i(beat_bytes),
    .beat_data_i(beat_data),
    .write_valid_o(psum_write_valid),
    .write_ready_i(1'b1),
    .write_row_o(psum_write_row),
    .write_first_o(psum_write_first),
    .write_data_o(psum_write_data)
  );

  // Array and local memories.
  logic preload_read_valid, preload_read_ready, stream_read_valid;
  word_t preload_read_row, stream_read_row;
  logic [8*Dim-1:0] weight_row_data, input_row_data;
  logic [8*Dim*Dim-1:0] weight_rows_data;
  logic shift_valid, shadow_full, shadow_taken, row_valid, row_swap;
  logic [5:0] shift_row;
  result_tag_t row_tag, result_tag;
  logic result_valid;
  logic [32*Dim-1:0] result_data;
  logic preload_idle, stream_idle, mesh_idle, store_idle;
  logic weight_stall, input_stall, output_stall;
  logic scratchpad_error, accumulator_error, dram_error;

  preloader u_preloader (
    .clk_i,
    .rst_ni,
    .cfg_clk_i,
    .cfg_i(cfg),
    .spatial_c_i(spatial_c),
    .row_step_i(weight_row_step),
    .reload_weights_i(reload_weights),
    .wide_i(switches.wide_preload),
    .hold_i(switches.serial_passes && (stream_read_valid || !mesh_idle)),
    .step_valid_i(preload_step_valid),
    .step_ready_o(preload_step_ready),
    .step_new_i(preload_new),
    .step_last_i(preload_last),
    .tile_filled_i(weight_filled),
    .tile_taken_o(weight_taken),
    .tile_release_o(weight_release),
    .read_valid_o(preload_read_valid),
    .read_ready_i(preload_read_ready),
    .read_row_o(preload_read_row),
    .shift_valid_o(shift_valid),
    .shift_row_o(shift_row),
    .shadow_full_o(shadow_full),
    .shadow_taken_i(shadow_taken),
    .idle_o(preload_idle)
  );

  streamer u_streamer (
    .clk_i,
    .rst_ni,
    .cfg_clk_i,
    .cfg_i(cfg),
    .reload_weights_i(reload_weights),
    .step_valid_i(stream_step_valid),
    .step_ready_o(stream_step_ready),
    .step_i(stream_step),
    .input_filled_i(input_filled),
    .output_ready_i(psum_filled),
    .input_taken_o(input_taken),
    .output_taken_o(output_taken),
    .input_release_o(input_release),
    .shadow_full_i(shadow_full),
    .shadow_taken_o(shadow_taken),
    .read_valid_o(stream_read_valid),
    .read_row_o(stream_read_row),
    .row_valid_o(row_valid),
    .row_swap_o(row_swap),
    .row_tag_o(row_tag),
    .idle_o(stream_idle),
    .weight_stall_o(weight_stall),
    .input_stall_o(input_stall),
    .output_stall_o(output_stall)
  );

  scratchpad #(
    .Dim(Dim),
    .Rows(ScratchpadRows)
  ) u_scratchpad (
    .clk_i,
    .rst_ni,
    .data_on_i(data_on),
    .bank_shift_i(bank_shift),
    .multi_port_i(switches.multi_port),
    .wide_preload_i(switches.wide_preload),
    .row_step_i(weight_row_step),
    .capacity_i(scratchpad_rows),
    .error_o(scratchpad_error),
    .stream_valid_i(stream_read_valid),
    .stream_row_i(stream_read_row),
    .stream_data_o(input_row_data),
    .preload_valid_i(preload_read_valid),
    .preload_ready_o(preload_read_ready),
    .preload_row_i(preload_read_row),
    .preload_data_o(weight_row_data),
    .preload_rows_o(weight_rows_data),
    .input_valid_i(input_write_valid),
    .input_ready_o(input_write_ready),
    .input_row_i(input_write_row),
    .input_first_i(input_write_first),
    .input_data_i(input_write_data),
    .weight_valid_i(weight_write_valid),
    .weight_ready_o(weight_write_ready),
    .weight_row_i(weight_write_row),
    .weight_first_i(weight_write_first),
    .weight_data_i(weight_write_data)
  );

  mesh #(
    .Dim(Dim)
  ) u_mesh (
    .clk_i,
    .rst_ni,
    .data_on_i(data_on),
    .short_i(switches.short_array),
    .wide_preload_i(switches.wide_preload),
    .weight_valid_i(shift_valid),
    .weight_row_i(shift_row),
    .weight_data_i(weight_row_data),
    .weight_rows_i(weight_rows_data),
    .row_valid_i(row_valid),
    .row_swap_i(row_swap),
    .row_data_i(input_row_data),
    .row_tag_i(row_tag),
    .result_valid_o(result_valid),
    .result_tag_o(result_tag),
    .result_data_o(result_data),
    .idle_o(mesh_idle)
  );
  assign output_put = result_valid && result_tag.tile_last;

  logic store_read_valid;
  word_t store_read_row;
  logic [32*Dim-1:0] store_read_data;
  accumulator #(
    .Dim(Dim),
    .Rows(AccumulatorRows)
  ) u_accumulator (
    .clk_i,
    .rst_ni,
    .cfg_clk_i,
    .cfg_i(cfg),
    .data_on_i(data_on),
    .capacity_i(accumulator_rows),
    .error_o(accumulator_error),
    .result_valid_i(result_valid),
    .result_tag_i(result_tag),
    .result_data_i(result_data),
    .psum_valid_i(psum_write_valid),
    .psum_row_i(psum_write_row),
    .psum_first_i(psum_write_first),
    .psum_data_i(psum_write_data),
    .store_valid_i(store_read_valid),
    .store_row_i(store_read_row),
    .store_data_o(store_read_data)
  );

  logic burst_valid, burst_ready, writes_done;
  word_t burst_addr;
  burst_len_t burst_len;
  logic burst_psum;
  logic [BeatBits-1:0] burst_data;
  assign store_taken = store_step_valid && store_step_ready;
  store_engine #(
    .Dim(Dim)
  ) u_store (
    .clk_i,
    .rst_ni,
    .cfg_clk_i,
    .cfg_i(cfg),
    .data_on_i(data_on),
    .requant_shift_i(requant_shift),
    .burst_bytes_i(burst_bytes),
    .tile_valid_i(store_step_valid),
    .tile_ready_o(store_step_ready),
    .tile_final_i(store_final),
    .tile_offset_i(store_offset),
    .tile_filled_i(output_filled),
    .tile_release_o(output_release),
    .read_valid_o(store_read_valid),
    .read_row_o(store_read_row),
    .read_data_i(store_read_data),
    .burst_valid_o(burst_valid),
    .burst_ready_i(burst_ready),
    .burst_addr_o(burst_addr),
    .burst_bytes_o(burst_len),
    .burst_psum_o(burst_psum),
    .burst_data_o(burst_data),
    .writes_done_i(writes_done),
    .idle_o(store_idle)
  );

  logic read_beat, write_beat, read_miss, write_miss;
  channel_e beat_channel;
  dram_model u_dram (
    .clk_i,
    .rst_ni,
    .cfg_clk_i,
    .cfg_i(cfg),
    .data_on_i(data_on),
    .packed_bus_i(switches.packed_bus),
    .thin_psums_i(switches.thin_psums),
    .error_o(dram_error),
    .read_valid_i(request_valid),
    .read_ready_o(request_ready),
    .input_addr_i(input_request_addr),
    .input_bytes_i(input_request_bytes),
    .weight_addr_i(weight_request_addr),
    .weight_bytes_i(weight_request_bytes),
    .psum_addr_i(psum_request_addr),
    .psum_bytes_i(psum_request_bytes),
    .beat_valid_o(beat_valid),
    .beat_ready_i(beat_ready),
    .beat_bytes_o(beat_bytes),
    .beat_data_o(beat_data),
    .write_valid_i(burst_valid),
    .write_ready_o(burst_ready),
    .write_addr_i(burst_addr),
    .write_bytes_i(burst_len),
    .write_psum_i(burst_psum),
    .write_data_i(burst_data),
    .writes_done_o(writes_done),
    .read_beat_o(read_beat),
    .write_beat_o(write_beat),
    .beat_channel_o(beat_channel),
    .read_miss_o(read_miss),
    .write_miss_o(write_miss)
  );

  // Completion, errors, counters.
  logic running_q;
  assign idle = !input_step_valid && !weight_step_valid && !psum_step_valid &&
      !preload_step_valid && !stream_step_valid && !store_step_valid && stream_idle &&
      preload_idle && mesh_idle && store_idle && !output_filled;
  assign done_o = running_q && steps_done && idle;
  always_ff @(posedge clk_i) begin
    if (!rst_ni) running_q <= 1'b0;
    else if (start_i) running_q <= 1'b1;
  end

  assign error_o[ErrorScratchpad] = scratchpad_error;
  assign error_o[ErrorAccumulator] = accumulator_error;
  assign error_o[ErrorDram] = dram_error;

  events_t events;
  assign events = '{
    step: stream_step_valid && stream_step_ready,
    preload_conflict: preload_read_valid && !preload_read_ready,
    weight_conflict: weight_write_valid && !weight_write_ready,
    input_conflict: input_write_valid && !input_write_ready,
    output_stall: output_stall,
    input_stall: input_stall,
    weight_stall: weight_stall,
    page_miss_write: write_miss,
    page_miss_read: read_miss,
    write_beat: write_beat,
    psum_beat: read_beat && beat_channel == ChannelPsum,
    weight_beat: read_beat && beat_channel == ChannelWeight,
    input_beat: read_beat && beat_channel == ChannelInput,
    psum_row_write: psum_write_valid,
    store_row_read: store_read_valid,
    accumulate_read: result_valid && result_tag.accumulate,
    weight_row_write: weight_write_valid && weight_write_ready,
    input_row_write: input_write_valid && input_write_ready,
    weight_row_read: preload_read_valid && preload_read_ready,
    mesh_row: stream_read_valid
  };

  counters u_counters (
    .clk_i,
    .rst_ni,
    .running_i(running_q && !done_o),
    .events_i(events),
    .read_bytes_i(read_beat ? beat_bytes : '0),
    .write_bytes_i(write_beat ? beat_bytes : '0),
    .read_i(counter_read_i),
    .addr_i(counter_addr_i),
    .data_o(counter_data_o)
  );

  `ASSERT(DoneWithAllBuffersBack, !done_o || (!input_filled && !weight_filled && !psum_filled))
endmodule
