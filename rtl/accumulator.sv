// The accumulator memory: output tiles, rows of Dim 32-bit sums; one bank a tile buffer.
//
// | parameter | meaning                                  |
// |-----------|------------------------------------------|
// | Dim       | sums of a row, one a column of the array |
// | Rows      | rows that physically exist, power of two |
//
// Results (read, add, write), partial-sum loads and stores never meet in one buffer: a buffer
// passes from load to array to store and back, by tokens. So no one waits; assertions watch.
// Latency: a store read in cycle t has its data at t+1.
`include "assertions.svh"
module accumulator
  import accelerator_pkg::*;
#(
  parameter int unsigned Dim = 16,
  parameter int unsigned Rows = 1024
) (
  input  logic              clk_i,
  input  logic              rst_ni,
  input  logic              cfg_clk_i,
  input  config_bus_t       cfg_i,
  input  logic              data_on_i,
  input  word_t             capacity_i,  // rows
  output logic              error_o,     // sticky: a row beyond the capacity was used
  // results of the array
  input  logic              result_valid_i,
  input  result_tag_t       result_tag_i,
  input  logic [32*Dim-1:0] result_data_i,
  // partial sums loaded from DRAM
  input  logic              psum_valid_i,
  input  word_t             psum_row_i,
  input  logic              psum_first_i,
  input  logic [32*Dim-1:0] psum_data_i,
  // store engine
  input  logic              store_valid_i,
  input  word_t             store_row_i,
  output logic [32*Dim-1:0] store_data_o
);
  localparam int unsigned RowW = $clog2(Rows);
  logic [32*Dim-1:0] row_q [Rows];

  buffers_t buffers;
  buffer_registers #(
    .Group(GroupOutputBuffers)
  ) u_buffers (.cfg_clk_i, .cfg_i, .buffers_o(buffers));

  logic result_bank, psum_bank, store_bank;
  assign result_bank = buffers.two && result_tag_i.row >= buffers.row1;
  assign psum_bank = buffers.two && psum_row_i >= buffers.row1;
  assign store_bank = buffers.two && store_row_i >= buffers.row1;

  always_ff @(posedge clk_i) begin
    if (data_on_i) begin
      if (result_valid_i) begin
        automatic logic [32*Dim-1:0] sums = result_data_i;
        if (result_tag_i.accumulate) begin
          for (int k = 0; k < Dim; k++)
            sums[32*k+:32] = sums[32*k+:32] + row_q[result_tag_i.row[RowW-1:0]][32*k+:32];
        end
        row_q[result_tag_i.row[RowW-1:0]] <= sums;
      end
      if (psum_valid_i) begin
        row_q[psum_row_i[RowW-1:0]] <=
            psum_first_i ? psum_data_i : row_q[psum_row_i[RowW-1:0]] | psum_data_i;
      end
      if (store_valid_i) store_data_o <= row_q[store_row_i[RowW-1:0]];
    end
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      error_o <= 1'b0;
    end else if ((result_valid_i && result_tag_i.row >= capacity_i) ||
                 (psum_valid_i && psum_row_i >= capacity_i) ||
                 (store_valid_i && store_row_i >= capacity_i)) begin
      error_o <= 1'b1;
    end
  end

  `ASSERT(ResultsAndPsumsApart, !(result_valid_i && psum_valid_i && result_bank == psum_bank))
  `ASSERT(ResultsAndStoresApart, !(result_valid_i && store_valid_i && result_bank == store_bank))
  `ASSERT(PsumsAndStoresApart, !(psum_valid_i && store_valid_i && psum_bank == store_bank))
endmodule
