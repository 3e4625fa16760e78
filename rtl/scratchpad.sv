// The scratchpad: input and weight tiles, rows of Dim bytes in single-port banks.
//
// | parameter | meaning                                  |
// |-----------|------------------------------------------|
// | Dim       | bytes of a row                           |
// | Rows      | rows that physically exist, power of two |
//
// Latency: a read granted in cycle t has its data at t+1. Writes take part of a row (byte
// enables: the bytes written so far are or-ed, the first write of a row clears it).
`include "assertions.svh"
module scratchpad
  import accelerator_pkg::*;
#(
  parameter int unsigned Dim = 16,
  parameter int unsigned Rows = 1024
) (
  input  logic             clk_i,
  input  logic             rst_ni,
  input  logic             data_on_i,
  input  logic [4:0]       bank_shift_i,
  input  logic             multi_port_i,    // switch: no bank conflicts
  input  logic             wide_preload_i,  // switch: a preload reads Dim rows, row_step_i apart
  input  word_t            row_step_i,
  input  word_t            capacity_i,  // rows
  output logic             error_o,     // sticky: a row beyond the capacity was used
  // streamer
  input  logic             stream_valid_i,
  input  word_t            stream_row_i,
  output logic [8*Dim-1:0] stream_data_o,
  // preloader
  input  logic             preload_valid_i,
  output logic             preload_ready_o,
  input  word_t            preload_row_i,
  output logic [8*Dim-1:0] preload_data_o,
  output logic [8*Dim*Dim-1:0] preload_rows_o,  // those of a wide preload, the first lowest
  // input load
  input  logic             input_valid_i,
  output logic             input_ready_o,
  input  word_t            input_row_i,
  input  logic             input_first_i,
  input  logic [8*Dim-1:0] input_data_i,
  // weight load
  input  logic             weight_valid_i,
  output logic             weight_ready_o,
  input  word_t            weight_row_i,
  input  logic             weight_first_i,
  input  logic [8*Dim-1:0] weight_data_i
);
  localparam int unsigned RowW = $clog2(Rows);
  logic [8*Dim-1:0] row_q [Rows];

  bank_arbiter u_arbiter (
    .bank_shift_i,
    .multi_port_i,
    .stream_valid_i,
    .stream_row_i,
    .preload_valid_i,
    .preload_row_i,
    .preload_ready_o,
    .input_valid_i,
    .input_row_i,
    .input_ready_o,
    .weight_row_i,
    .weight_ready_o
  );

  always_ff @(posedge clk_i) begin
    if (data_on_i) begin
      if (stream_valid_i) stream_data_o <= row_q[stream_row_i[RowW-1:0]];
      if (preload_valid_i && preload_ready_o) preload_data_o <= row_q[preload_row_i[RowW-1:0]];
      if (input_valid_i && input_ready_o) begin
        row_q[input_row_i[RowW-1:0]] <=
            input_first_i ? input_data_i : row_q[input_row_i[RowW-1:0]] | input_data_i;
      end
      if (weight_valid_i && weight_ready_o) begin
        row_q[weight_row_i[RowW-1:0]] <=
            weight_first_i ? weight_data_i : row_q[weight_row_i[RowW-1:0]] | weight_data_i;
      end
    end
  end

  // An array of one entry: the simulator then touches it only when it is written.
  logic [8*Dim*Dim-1:0] preload_rows_q [1];
  assign preload_rows_o = preload_rows_q[0];
  always_ff @(posedge clk_i) begin
    if (data_on_i && wide_preload_i && preload_valid_i && preload_ready_o) begin
      automatic logic [8*Dim*Dim-1:0] rows;
      for (int i = 0; i < Dim; i++)
        rows[8*Dim*i+:8*Dim] = row_q[RowW'(preload_row_i + 32'(i) * row_step_i)];
      preload_rows_q[0] <= rows;
    end
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      error_o <= 1'b0;
    end else if ((stream_valid_i && stream_row_i >= capacity_i) ||
                 (preload_valid_i && preload_row_i >= capacity_i) ||
                 (input_valid_i && input_row_i >= capacity_i) ||
                 (weight_valid_i && weight_row_i >= capacity_i)) begin
      error_o <= 1'b1;
    end
  end

  // Every port's access, by bank: single-port banks serve one a cycle.
  logic [3:0] serves;
  word_t bank [4];
  logic banks_apart;
  assign serves = {stream_valid_i, preload_valid_i && preload_ready_o,
                   input_valid_i && input_ready_o, weight_valid_i && weight_ready_o};
  always_comb begin
    bank[3] = stream_row_i >> bank_shift_i;
    bank[2] = preload_row_i >> bank_shift_i;
    bank[1] = input_row_i >> bank_shift_i;
    bank[0] = weight_row_i >> bank_shift_i;
    banks_apart = 1'b1;
    for (int a = 1; a < 4; a++)
      for (int b = 0; b < a; b++) banks_apart &= !(serves[a] && serves[b] && bank[a] == bank[b]);
  end
  `ASSERT(OneAccessABank, multi_port_i || banks_apart)
  `ASSERT(OneWriterARow, !(input_valid_i && input_ready_o && weight_valid_i && weight_ready_o &&
                           input_row_i == weight_row_i))
endmodule
