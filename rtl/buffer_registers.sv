// Registers of one tensor's tile buffers.
//
// | parameter | meaning                                |
// |-----------|----------------------------------------|
// | Group     | addr[7:2] of its registers             |
module buffer_registers
  import accelerator_pkg::*;
#(
  parameter logic [5:0] Group = GroupInputBuffers
) (
  input  logic        cfg_clk_i,
  input  config_bus_t cfg_i,
  output buffers_t    buffers_o
);
  buffers_t buffers_q;
  assign buffers_o = buffers_q;

  always_ff @(posedge cfg_clk_i) begin
    if (cfg_i.addr[7:2] == Group) begin
      case (cfg_i.addr[1:0])
        BufferCount: buffers_q.two <= cfg_i.data == 32'd2;
        BufferRow0: buffers_q.row0 <= cfg_i.data;
        BufferRow1: buffers_q.row1 <= cfg_i.data;
        default: ;
      endcase
    end
  end
endmodule
