// Who may use the single-port banks of the scratchpad. Priority: streamer, preloader, input load,
// weight load; the streamer is never refused.
//
// Latency: none.
module bank_arbiter
  import accelerator_pkg::*;
(
  input  logic [4:0] bank_shift_i,  // bank = row >> shift
  input  logic       multi_port_i,  // switch: no one waits
  input  logic       stream_valid_i,
  input  word_t      stream_row_i,
  input  logic       preload_valid_i,
  input  word_t      preload_row_i,
  output logic       preload_ready_o,
  input  logic       input_valid_i,
  input  word_t      input_row_i,
  output logic       input_ready_o,
  input  word_t      weight_row_i,
  output logic       weight_ready_o
);
  word_t stream_bank, preload_bank, input_bank, weight_bank;
  assign stream_bank = stream_row_i >> bank_shift_i;
  assign preload_bank = preload_row_i >> bank_shift_i;
  assign input_bank = input_row_i >> bank_shift_i;
  assign weight_bank = weight_row_i >> bank_shift_i;

  // A refused preload still keeps its bank from the loads: it goes first as soon as it is free.
  assign preload_ready_o = multi_port_i || !(stream_valid_i && stream_bank == preload_bank);
  assign input_ready_o = multi_port_i || (!(stream_valid_i && stream_bank == input_bank) &&
      !(preload_valid_i && preload_bank == input_bank));
  assign weight_ready_o = multi_port_i || (!(stream_valid_i && stream_bank == weight_bank) &&
      !(preload_valid_i && preload_bank == weight_bank) &&
      !(input_valid_i && input_ready_o && input_bank == weight_bank));
endmodule
