// The sequencer and the queue of each unit that follows its steps. A step is taken when every queue
// has room; units that do not care about it (no new tile) do not see it.
//
// | parameter | meaning                                        |
// |-----------|------------------------------------------------|
// | Depth     | steps that a unit may lag behind the sequencer |
//
// Latency: the first step is at the queues' heads 2 cycles after start_i.
module step_dispatch
  import accelerator_pkg::*;
#(
  parameter int unsigned Depth = 4
) (
  input  logic         clk_i,
  input  logic         rst_ni,
  input  logic         cfg_clk_i,
  input  config_bus_t  cfg_i,
  input  logic         start_i,
  input  logic         hold_i,           // take no step now
  output logic         done_o,           // the last step is in the queues
  // input tiles to load
  output logic         input_valid_o,
  input  logic         input_ready_i,
  output word_t        input_offset_o,   // elements, as all offsets
  // weight tiles to load
  output logic         weight_valid_o,
  input  logic         weight_ready_i,
  output word_t        weight_offset_o,
  // output tiles begun
  output logic         psum_valid_o,
  input  logic         psum_ready_i,
  output logic         psum_load_o,      // partial sums must be loaded
  output word_t        psum_offset_o,
  // all steps, for the preloader
  output logic         preload_valid_o,
  input  logic         preload_ready_i,
  output logic         preload_new_o,    // new weight tile
  output logic         preload_last_o,   // its last step
  // all steps, for the streamer
  output logic         stream_valid_o,
  input  logic         stream_ready_i,
  output stream_step_t stream_step_o,
  // output tiles ended
  output logic         store_valid_o,
  input  logic         store_ready_i,
  output logic         store_final_o,    // sums are complete
  output word_t        store_offset_o
);
  step_t step;
  stream_step_t stream_step;
  logic step_valid, step_taken, step_ready, queues_ready;
  logic input_queue_ready, weight_queue_ready, psum_queue_ready;
  logic preload_queue_ready, stream_queue_ready, store_queue_ready;
  assign queues_ready = input_queue_ready && weight_queue_ready && psum_queue_ready &&
      preload_queue_ready && stream_queue_ready && store_queue_ready;
  assign step_ready = queues_ready && !hold_i;
  assign step_taken = step_valid && step_ready;
  assign stream_step = '{
    new_input: step.new_input,
    last_input: step.last_input,
    new_weight: step.new_weight,
    new_output: step.new_output,
    last_output: step.last_output,
    load_psum: step.load_psum
  };

  sequencer u_sequencer (
    .clk_i,
    .rst_ni,
    .cfg_clk_i,
    .cfg_i,
    .start_i,
    .valid_o(step_valid),
    .ready_i(step_ready),
    .step_o(step),
    .done_o
  );

  fifo #(
    .Width($bits(word_t)),
    .Depth(Depth)
  ) u_input_queue (
    .clk_i,
    .rst_ni,
    .valid_i(step_taken && step.new_input),
    .ready_o(input_queue_ready),
    .data_i(step.input_offset),
    .valid_o(input_valid_o),
    .ready_i(input_ready_i),
    .data_o(input_offset_o)
  );
  fifo #(
    .Width($bits(word_t)),
    .Depth(Depth)
  ) u_weight_queue (
    .clk_i,
    .rst_ni,
    .valid_i(step_taken && step.new_weight),
    .ready_o(weight_queue_ready),
    .data_i(step.weight_offset),
    .valid_o(weight_valid_o),
    .ready_i(weight_ready_i),
    .data_o(weight_offset_o)
  );
  fifo #(
    .Width($bits(word_t) + 1),
    .Depth(Depth)
  ) u_psum_queue (
    .clk_i,
    .rst_ni,
    .valid_i(step_taken && step.new_output),
    .ready_o(psum_queue_ready),
    .data_i({step.load_psum, step.output_offset}),
    .valid_o(psum_valid_o),
    .ready_i(psum_ready_i),
    .data_o({psum_load_o, psum_offset_o})
  );
  fifo #(
    .Width(2),
    .Depth(Depth)
  ) u_preload_queue (
    .clk_i,
    .rst_ni,
    .valid_i(step_taken),
    .ready_o(preload_queue_ready),
    .data_i({step.new_weight, step.last_weight}),
    .valid_o(preload_valid_o),
    .ready_i(preload_ready_i),
    .data_o({preload_new_o, preload_last_o})
  );
  fifo #(
    .Width($bits(stream_step_t)),
    .Depth(Depth)
  ) u_stream_queue (
    .clk_i,
    .rst_ni,
    .valid_i(step_taken),
    .ready_o(stream_queue_ready),
    .data_i(stream_step),
    .valid_o(stream_valid_o),
    .ready_i(stream_ready_i),
    .data_o(stream_step_o)
  );
  fifo #(
    .Width($bits(word_t) + 1),
    .Depth(Depth)
  ) u_store_queue (
    .clk_i,
    .rst_ni,
    .valid_i(step_taken && step.last_output),
    .ready_o(store_queue_ready),
    .data_i({step.final_sum, step.output_offset}),
    .valid_o(store_valid_o),
    .ready_i(store_ready_i),
    .data_o({store_final_o, store_offset_o})
  );
endmodule
