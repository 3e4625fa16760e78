// Walks a nest of seven loops with affine steps: the DRAM nest (which tiles) and, at the preloader
// and the streamer, the accumulator nest (which rows of the tiles).
//
// | parameter | meaning                                        |
// |-----------|------------------------------------------------|
// | Registers | address of the nest's first register           |
//
// Latency: outputs describe the iteration selected by the init_i or advance_i of the cycle before.
module loop_nest
  import accelerator_pkg::*;
#(
  parameter logic [7:0] Registers = RegDramNest
) (
  input  logic        clk_i,
  input  logic        cfg_clk_i,
  input  config_bus_t cfg_i,
  input  logic        init_i,       // go to the first iteration
  input  logic        advance_i,    // go to the next
  output logic        last_o,       // this iteration is the last
  output relevance_t  entered_o,    // what differs from the iteration before (init: everything)
  output relevance_t  leaving_o,    // what differs in the next (last: nothing)
  output logic        first_sum_o,  // all reduction loops are at their first iteration
  output logic        last_sum_o,   // ... at their last
  output word_t       input_o,      // offsets: index times step, summed over the loops
  output word_t       weight_o,
  output word_t       output_o
);
  word_t bound_q [Loops];
  word_t input_step_q [Loops];
  word_t weight_step_q [Loops];
  word_t output_step_q [Loops];
  relevance_t relevance_q [Loops];

  logic [7:0] register;
  assign register = cfg_i.addr - Registers;
  always_ff @(posedge cfg_clk_i) begin
    if (register[7:3] < 5'(Loops)) begin
      case (register[2:0])
        LoopBound: bound_q[register[5:3]] <= cfg_i.data;
        LoopInputStep: input_step_q[register[5:3]] <= cfg_i.data;
        LoopWeightStep: weight_step_q[register[5:3]] <= cfg_i.data;
        LoopOutputStep: output_step_q[register[5:3]] <= cfg_i.data;
        LoopRelevance: relevance_q[register[5:3]] <= cfg_i.data[3:0];
        default: ;
      endcase
    end
  end

  // Blocking state: used by the block below only, and only when the nest moves, so that an idle
  // cycle costs the simulator nothing. Entry i of a sum covers the loops 0..i.
  word_t index [Loops];
  word_t input_sum [Loops];
  word_t weight_sum [Loops];
  word_t output_sum [Loops];
  word_t input_next, weight_next, output_next;
  relevance_t leaving;
  logic more, first_sum, last_sum;
  logic [2:0] moving;  // innermost loop with iterations left: the one that moves next

  always_ff @(posedge clk_i) begin
    if (init_i || advance_i) begin
      if (init_i) begin
        entered_o <= '1;
        for (int i = 0; i < Loops; i++) begin
          index[i] = '0;
          input_sum[i] = '0;
          weight_sum[i] = '0;
          output_sum[i] = '0;
        end
      end else begin
        entered_o <= leaving;
        input_next = input_sum[moving] + input_step_q[moving];
        weight_next = weight_sum[moving] + weight_step_q[moving];
        output_next = output_sum[moving] + output_step_q[moving];
        for (int i = 0; i < Loops; i++) begin
          if (3'(i) == moving) index[i] = index[i] + 1;
          else if (3'(i) > moving) index[i] = '0;
          if (3'(i) >= moving) begin
            input_sum[i] = input_next;
            weight_sum[i] = weight_next;
            output_sum[i] = output_next;
          end
        end
      end
      more = 1'b0;
      moving = '0;
      leaving = '0;
      first_sum = 1'b1;
      last_sum = 1'b1;
      for (int i = 0; i < Loops; i++) begin
        if (index[i] + 1 < bound_q[i]) begin
          more = 1'b1;
          moving = 3'(i);
          leaving = relevance_q[i];
        end else if (more && bound_q[i] > 1) begin
          leaving |= relevance_q[i];  // wraps to 0 when an outer loop moves
        end
        if (relevance_q[i][Reduction]) begin
          first_sum &= index[i] == 0;
          last_sum &= index[i] + 1 == bound_q[i];
        end
      end
      last_o <= !more;
      leaving_o <= leaving;
      first_sum_o <= first_sum;
      last_sum_o <= last_sum;
      input_o <= input_sum[Loops-1];
      weight_o <= weight_sum[Loops-1];
      output_o <= output_sum[Loops-1];
    end
  end
endmodule
