// The scalar registers, as one bundle for the units that read them.
//
// | parameter       | meaning                                                     |
// |-----------------|-------------------------------------------------------------|
// | ScratchpadRows  | rows that physically exist: a larger programmed capacity is |
// | AccumulatorRows | cut to it, so no register can reach past the arrays         |
module config_registers
  import accelerator_pkg::*;
#(
  parameter int unsigned ScratchpadRows = 1024,
  parameter int unsigned AccumulatorRows = 1024
) (
  input  logic        cfg_clk_i,
  input  config_bus_t cfg_i,
  output logic        data_on_o,  // functional mode: data moves
  output logic [4:0]  requant_shift_o,
  output logic [6:0]  spatial_c_o,
  output logic [4:0]  bank_shift_o,
  output word_t       scratchpad_rows_o,
  output word_t       accumulator_rows_o,
  output word_t       burst_bytes_o,
  output logic        reload_weights_o,
  output word_t       weight_row_step_o,
  output switches_t   switches_o
);
  always_ff @(posedge cfg_clk_i) begin
    case (cfg_i.addr)
      RegTimingOnly: data_on_o <= !cfg_i.data[0];
      RegRequantShift: requant_shift_o <= cfg_i.data[4:0];
      RegSpatialC: spatial_c_o <= cfg_i.data[6:0];
      RegBankShift: bank_shift_o <= cfg_i.data[4:0];
      RegScratchpadRows:
        scratchpad_rows_o <= cfg_i.data < ScratchpadRows ? cfg_i.data : ScratchpadRows;
      RegAccumulatorRows:
        accumulator_rows_o <= cfg_i.data < AccumulatorRows ? cfg_i.data : AccumulatorRows;
      RegBurstBytes: burst_bytes_o <= cfg_i.data;
      RegReloadWeights: reload_weights_o <= cfg_i.data[0];
      RegWeightRowStep: weight_row_step_o <= cfg_i.data;
      RegSwitches:
        switches_o <= '{
          thin_psums: cfg_i.data[SwitchThinPsums],
          serial_steps: cfg_i.data[SwitchSerialSteps],
          serial_passes: cfg_i.data[SwitchSerialPasses],
          short_array: cfg_i.data[SwitchShortArray],
          wide_preload: cfg_i.data[SwitchWidePreload],
          multi_port: cfg_i.data[SwitchMultiPort],
          packed_bus: cfg_i.data[SwitchPackedBus]
        };
      default: ;
    endcase
  end
endmodule
