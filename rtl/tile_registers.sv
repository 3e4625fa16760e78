// Registers of one tile descriptor.
//
// | parameter | meaning                                |
// |-----------|----------------------------------------|
// | Group     | addr[7:4] of its registers             |
module tile_registers
  import accelerator_pkg::*;
#(
  parameter logic [3:0] Group = GroupInputTile
) (
  input  logic        cfg_clk_i,
  input  config_bus_t cfg_i,
  output tile_t       tile_o
);
  tile_t tile_q;
  assign tile_o = tile_q;

  always_ff @(posedge cfg_clk_i) begin
    if (cfg_i.addr[7:4] == Group) begin
      case (cfg_i.addr[3:0])
        TileBase: tile_q.base <= cfg_i.data;
        TileCount0: tile_q.count0 <= cfg_i.data;
        TileCount1: tile_q.count1 <= cfg_i.data;
        TileCount2: tile_q.count2 <= cfg_i.data;
        TileStride0: tile_q.stride0 <= cfg_i.data;
        TileStride1: tile_q.stride1 <= cfg_i.data;
        TileStride2: tile_q.stride2 <= cfg_i.data;
        TileChunkBytes: tile_q.chunk_bytes <= cfg_i.data;
        TileRowBytes: tile_q.row_bytes <= cfg_i.data;
        TileRows: tile_q.rows <= cfg_i.data;
        default: ;
      endcase
    end
  end
endmodule
