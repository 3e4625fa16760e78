// The retimed mesh and the systolic one under the same random rows, gaps and weight changes; the
// results must be equal in every cycle that has one.
//
// | parameter | meaning                        |
// |-----------|--------------------------------|
// | Dim       | rows and columns of both       |
module mesh_twins
  import accelerator_pkg::*;
#(
  parameter int unsigned Dim = 4
) (
  input  logic clk_i,
  input  logic rst_ni,
  output int   compared_o,  // result rows compared
  output int   swaps_o,
  output int   failures_o
);
  logic weight_valid, row_valid, row_swap, shadow_full_q, swapped_q, result_valid;
  logic [5:0] weight_row_q;
  logic [8*Dim-1:0] weight_data, row_data;
  logic [32*Dim-1:0] retimed, systolic;
  int unsigned dice_q;

  // As preloader and streamer do: rows in order, a swap once all are shifted in, the next load from
  // the swap's cycle on.
  assign weight_valid = rst_ni && (!shadow_full_q || row_swap) && dice_q[1:0] != 2'd0;
  assign row_valid = rst_ni && (swapped_q || row_swap) && dice_q[3:2] != 2'd0;
  assign row_swap = rst_ni && shadow_full_q && dice_q[6:4] == 3'd1 && dice_q[3:2] != 2'd0;

  always_ff @(posedge clk_i) begin
    dice_q <= $urandom();
    for (int lane = 0; lane < Dim; lane++) begin
      weight_data[8*lane+:8] <= 8'($urandom());
      row_data[8*lane+:8] <= 8'($urandom());
    end
    if (!rst_ni) begin
      weight_row_q <= '0;
      shadow_full_q <= 1'b0;
      swapped_q <= 1'b0;
      compared_o <= 0;
      swaps_o <= 0;
      failures_o <= 0;
    end else begin
      if (row_swap) swapped_q <= 1'b1;
      if (weight_valid) weight_row_q <= 32'(weight_row_q) == Dim - 1 ? '0 : weight_row_q + 1'b1;
      shadow_full_q <= (shadow_full_q && !row_swap) ||
          (weight_valid && 32'(weight_row_q) == Dim - 1);
      swaps_o <= swaps_o + 32'(row_swap);
      if (result_valid) begin
        compared_o <= compared_o + 1;
        if (retimed != systolic) failures_o <= failures_o + 1;
      end
    end
  end

  mesh #(
    .Dim(Dim)
  ) u_retimed (
    .clk_i,
    .rst_ni,
    .data_on_i(1'b1),
    .short_i(1'b0),
    .wide_preload_i(1'b0),
    .weight_valid_i(weight_valid),
    .weight_row_i(weight_row_q),
    .weight_data_i(weight_data),
    .weight_rows_i('0),
    .row_valid_i(row_valid),
    .row_swap_i(row_swap),
    .row_data_i(row_data),
    .row_tag_i('0),
    .result_valid_o(result_valid),
    .result_tag_o(),
    .result_data_o(retimed),
    .idle_o()
  );

  systolic_mesh #(
    .Dim(Dim)
  ) u_systolic (
    .clk_i,
    .weight_valid_i(weight_valid),
    .weight_row_i(weight_row_q),
    .weight_data_i(weight_data),
    .row_swap_i(row_swap),
    .row_data_i(row_data),
    .result_data_o(systolic)
  );
endmodule
