// Walks the register loop nest: the rows that stream through the array under one set of weights.
//
// Latency: none; outputs describe the current row, advance_i moves on at the clock edge and wraps
// to the first row after the last.
module row_walker
  import accelerator_pkg::*;
(
  input  logic        clk_i,
  input  logic        cfg_clk_i,
  input  config_bus_t cfg_i,
  input  logic        init_i,
  input  logic        advance_i,
  output logic        last_o,       // the current row is the last
  output word_t       input_row_o,  // rows from the start of the accumulator loop's position
  output word_t       output_row_o
);
  word_t bound_q [RegisterLoops];
  word_t input_step_q [RegisterLoops];
  word_t output_step_q [RegisterLoops];

  logic [7:0] nest_addr;
  assign nest_addr = cfg_i.addr - RegRegisterNest;
  always_ff @(posedge cfg_clk_i) begin
    if (nest_addr[7:2] < 6'(RegisterLoops)) begin
      case (nest_addr[1:0])
        RowLoopBound: bound_q[nest_addr[3:2]] <= cfg_i.data;
        RowLoopInputStep: input_step_q[nest_addr[3:2]] <= cfg_i.data;
        RowLoopOutputStep: output_step_q[nest_addr[3:2]] <= cfg_i.data;
        default: ;
      endcase
    end
  end

  // Loop 2 is the innermost. inX_q, outX_q: offsets summed over loops 0..X.
  word_t index0_q, index1_q, index2_q;
  word_t in0_q, in1_q, in2_q, out0_q, out1_q, out2_q;
  logic end0, end1, end2;
  assign end0 = index0_q + 1 == bound_q[0];
  assign end1 = index1_q + 1 == bound_q[1];
  assign end2 = index2_q + 1 == bound_q[2];
  assign last_o = end0 && end1 && end2;
  assign input_row_o = in2_q;
  assign output_row_o = out2_q;

  always_ff @(posedge clk_i) begin
    if (init_i || (advance_i && last_o)) begin
      index0_q <= '0;
      index1_q <= '0;
      index2_q <= '0;
      {in0_q, in1_q, in2_q} <= '0;
      {out0_q, out1_q, out2_q} <= '0;
    end else if (advance_i) begin
      if (!end2) begin
        index2_q <= index2_q + 1;
        in2_q <= in2_q + input_step_q[2];
        out2_q <= out2_q + output_step_q[2];
      end else if (!end1) begin
        index2_q <= '0;
        index1_q <= index1_q + 1;
        in1_q <= in1_q + input_step_q[1];
        in2_q <= in1_q + input_step_q[1];
        out1_q <= out1_q + output_step_q[1];
        out2_q <= out1_q + output_step_q[1];
      end else begin
        index2_q <= '0;
        index1_q <= '0;
        index0_q <= index0_q + 1;
        in0_q <= in0_q + input_step_q[0];
        in1_q <= in0_q + input_step_q[0];
        in2_q <= in0_q + input_step_q[0];
        out0_q <= out0_q + output_step_q[0];
        out1_q <= out0_q + output_step_q[0];
        out2_q <= out0_q + output_step_q[0];
      end
    end
  end
endmodule
