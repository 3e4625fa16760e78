// Walks the register loop nest: the rows that stream through the array under one set of weights.
//
// Latency: outputs describe the row selected by the init_i or advance_i of the cycle before; after
// the last row comes the first again.
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

  // Blocking state of one block, as in loop_nest: an idle cycle costs the simulator nothing.
  // Loop 2 is the innermost; entry i of a sum covers the loops 0..i.
  word_t index [RegisterLoops];
  word_t input_sum [RegisterLoops];
  word_t output_sum [RegisterLoops];
  logic end0, end1, end2;

  always_ff @(posedge clk_i) begin
    if (init_i || advance_i) begin
      if (init_i || last_o) begin
        for (int i = 0; i < RegisterLoops; i++) begin
          index[i] = '0;
          input_sum[i] = '0;
          output_sum[i] = '0;
        end
      end else if (!end2) begin
        index[2] = index[2] + 1;
        input_sum[2] = input_sum[2] + input_step_q[2];
        output_sum[2] = output_sum[2] + output_step_q[2];
      end else if (!end1) begin
        index[2] = '0;
        index[1] = index[1] + 1;
        input_sum[1] = input_sum[1] + input_step_q[1];
        input_sum[2] = input_sum[1];
        output_sum[1] = output_sum[1] + output_step_q[1];
        output_sum[2] = output_sum[1];
      end else begin
        index[2] = '0;
        index[1] = '0;
        index[0] = index[0] + 1;
        input_sum[0] = input_sum[0] + input_step_q[0];
        input_sum[1] = input_sum[0];
        input_sum[2] = input_sum[0];
        output_sum[0] = output_sum[0] + output_step_q[0];
        output_sum[1] = output_sum[0];
        output_sum[2] = output_sum[0];
      end
      end0 = index[0] + 1 == bound_q[0];
      end1 = index[1] + 1 == bound_q[1];
      end2 = index[2] + 1 == bound_q[2];
      last_o <= end0 && end1 && end2;
      input_row_o <= input_sum[2];
      output_row_o <= output_sum[2];
    end
  end
endmodule
