// Activity counters; energy and stall analysis read them after a run.
//
// Latency: an event of cycle t is counted at t+1; data_o is the counter addressed in the cycle
// before.
`include "assertions.svh"
module counters
  import accelerator_pkg::*;
(
  input  logic        clk_i,
  input  logic        rst_ni,
  input  logic        running_i,
  input  events_t     events_i,
  input  burst_len_t  read_bytes_i,   // useful bytes of the beat in this cycle, 0 if there is none
  input  burst_len_t  write_bytes_i,
  input  logic        read_i,
  input  logic [4:0]  addr_i,
  output logic [63:0] data_o
);
  // Blocking state of one block: cheaper to simulate than a shadow of each counter.
  logic [63:0] count [Events + 3];

  always_ff @(posedge clk_i) begin
    if (read_i) data_o <= count[addr_i];
    if (!rst_ni) begin
      for (int i = 0; i < Events + 3; i++) count[i] = '0;
    end else if (running_i) begin
      count[CounterCycles] = count[CounterCycles] + 1;
      for (int i = 0; i < Events; i++)
        count[32'(CounterFirstEvent)+i] += 64'(events_i[i]);
      if (read_bytes_i != '0)
        count[CounterReadBytes] = count[CounterReadBytes] + 64'(read_bytes_i);
      if (write_bytes_i != '0)
        count[CounterWriteBytes] = count[CounterWriteBytes] + 64'(write_bytes_i);
    end
  end

  `ASSERT(CounterExists, !read_i || addr_i <= CounterWriteBytes)
endmodule
