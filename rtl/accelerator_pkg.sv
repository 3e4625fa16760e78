// Shared types and the register map. host/rtl/register_map.hpp mirrors the map; a test compares
// them.
package accelerator_pkg;

  // Sizes that no register can change.
  localparam int unsigned Loops = 7;          // positions of the DRAM and the accumulator loop nest
  localparam int unsigned RegisterLoops = 3;  // positions of the register loop nest: over N, P, Q
  localparam int unsigned BeatBytes = 64;     // widest DRAM bus and longest burst
  localparam int unsigned BeatBits = 8 * BeatBytes;
  localparam int unsigned ScratchpadBytes = 2 * 1024 * 1024;  // largest scratchpad
  localparam int unsigned AccumulatorBytes = 512 * 1024;      // largest accumulator, all columns

  typedef logic [31:0] word_t;      // register, DRAM byte address or memory row
  typedef logic [6:0] burst_len_t;  // bytes of a burst or beat: 1..BeatBytes
  typedef logic [9:0] row_len_t;    // byte position in a memory row, at most 4 * 64

  // Configuration bus: broadcast to every unit; each keeps the registers that it reads. Every edge
  // of its clock writes.
  typedef struct packed {
    logic [7:0] addr;
    word_t      data;
  } config_bus_t;

  // Register map: scalars.
  localparam logic [7:0] RegTimingOnly = 8'h00;       // 1: no data moves, cycles stay the same
  localparam logic [7:0] RegRequantShift = 8'h01;     // final sum >> shift, then clamped to int8
  localparam logic [7:0] RegSpatialC = 8'h02;         // array rows used
  localparam logic [7:0] RegBankShift = 8'h03;        // scratchpad bank = row >> shift
  localparam logic [7:0] RegScratchpadRows = 8'h04;   // capacity: first row not to be touched
  localparam logic [7:0] RegAccumulatorRows = 8'h05;  // capacity, as above
  localparam logic [7:0] RegDramBytes = 8'h06;        // first DRAM address not to be touched
  localparam logic [7:0] RegBusBytes = 8'h07;         // bytes per DRAM beat: 1..64, power of two
  localparam logic [7:0] RegBurstBytes = 8'h08;       // longest burst: 1..64, power of two
  localparam logic [7:0] RegDramLatency = 8'h09;      // cycles from accepted read to its first beat
  localparam logic [7:0] RegMaxOutstanding = 8'h0A;   // read bursts in flight: 1..64
  localparam logic [7:0] RegPageMiss = 8'h0B;         // cycles to open another DRAM row
  localparam logic [7:0] RegReloadWeights = 8'h0C;    // 1: the accumulator nest walks weights
  localparam logic [7:0] RegWeightRowStep = 8'h0D;    // scratchpad rows between array rows
  localparam logic [7:0] RegSwitches = 8'h0E;         // bits below

  // Switches take one mechanism each from the machine, to measure what it costs or saves; results
  // stay the same. All 0: the machine as it would be built.
  localparam int unsigned SwitchPackedBus = 0;     // a burst occupies the bus for its bytes only
  localparam int unsigned SwitchMultiPort = 1;     // no scratchpad access waits for another
  localparam int unsigned SwitchWidePreload = 2;   // all weights of a pass shift in in one cycle
  localparam int unsigned SwitchShortArray = 3;    // results one cycle behind their input row
  localparam int unsigned SwitchSerialPasses = 4;  // weights are read only while the array is empty
  localparam int unsigned SwitchSerialSteps = 5;   // a step begins when the one before has ended
  localparam int unsigned SwitchThinPsums = 6;     // the bus moves partial sums as if they were int8

  typedef struct packed {
    logic thin_psums;
    logic serial_steps;
    logic serial_passes;
    logic short_array;
    logic wide_preload;
    logic multi_port;
    logic packed_bus;
  } switches_t;

  // Tile buffers, one group per tensor: how many (1 or 2) and their first rows.
  localparam logic [5:0] GroupInputBuffers = 6'h04;   // addr[7:2] = 0x10..0x12
  localparam logic [5:0] GroupWeightBuffers = 6'h05;  // 0x14..0x16
  localparam logic [5:0] GroupOutputBuffers = 6'h06;  // 0x18..0x1A
  localparam logic [1:0] BufferCount = 2'h0;
  localparam logic [1:0] BufferRow0 = 2'h1;
  localparam logic [1:0] BufferRow1 = 2'h2;

  typedef struct packed {
    logic  two;   // double buffering
    word_t row0;
    word_t row1;
  } buffers_t;

  // Tile descriptors: three loops around a contiguous chunk of DRAM bytes. The rows of the tile in
  // the local memory follow each other in the order of that walk.
  localparam logic [3:0] GroupInputTile = 4'h2;   // addr[7:4] = 0x20..0x29
  localparam logic [3:0] GroupWeightTile = 4'h3;
  localparam logic [3:0] GroupPsumTile = 4'h4;    // int32 partial sums, loaded and stored
  localparam logic [3:0] GroupOutputTile = 4'h5;  // int8 results, stored
  localparam logic [3:0] TileBase = 4'h0;
  localparam logic [3:0] TileCount0 = 4'h1;       // outermost of the three loops
  localparam logic [3:0] TileCount1 = 4'h2;
  localparam logic [3:0] TileCount2 = 4'h3;
  localparam logic [3:0] TileStride0 = 4'h4;      // bytes
  localparam logic [3:0] TileStride1 = 4'h5;
  localparam logic [3:0] TileStride2 = 4'h6;
  localparam logic [3:0] TileChunkBytes = 4'h7;   // a multiple of the row bytes
  localparam logic [3:0] TileRowBytes = 4'h8;     // bytes used of each local row
  localparam logic [3:0] TileRows = 4'h9;         // local rows of the whole tile

  typedef struct packed {
    word_t base;
    word_t count0, count1, count2;
    word_t stride0, stride1, stride2;
    word_t chunk_bytes;
    word_t row_bytes;
    word_t rows;
  } tile_t;

  typedef logic [3:0] relevance_t;  // which tensors a loop steps; whether it is a reduction loop

  // Loop nests, 8 registers a position, outermost first.
  localparam logic [7:0] RegDramNest = 8'h60;         // 0x60..0x97
  localparam logic [7:0] RegAccumulatorNest = 8'hA0;  // 0xA0..0xD7
  localparam logic [2:0] LoopBound = 3'h0;
  localparam logic [2:0] LoopInputStep = 3'h1;        // DRAM nest: elements; accumulator nest: rows
  localparam logic [2:0] LoopWeightStep = 3'h2;
  localparam logic [2:0] LoopOutputStep = 3'h3;
  localparam logic [2:0] LoopRelevance = 3'h4;        // bits below
  localparam int unsigned RelevantInput = 0;
  localparam int unsigned RelevantWeight = 1;
  localparam int unsigned RelevantOutput = 2;
  localparam int unsigned Reduction = 3;

  // Register nest, 4 registers a position, outermost first.
  localparam logic [7:0] RegRegisterNest = 8'hE0;     // 0xE0..0xEB
  localparam logic [1:0] RowLoopBound = 2'h0;
  localparam logic [1:0] RowLoopInputStep = 2'h1;
  localparam logic [1:0] RowLoopOutputStep = 2'h2;

  // One iteration of the DRAM nest: what every unit must know of it.
  typedef struct packed {
    logic  new_input;    // another input tile than in the step before
    logic  last_input;   // the next step has another input tile
    logic  new_weight;
    logic  last_weight;
    logic  new_output;
    logic  last_output;
    logic  load_psum;    // the new output tile holds partial sums of earlier steps
    logic  final_sum;    // after this step the sums are complete
    word_t input_offset;   // elements from the start of the tensor
    word_t weight_offset;
    word_t output_offset;
  } step_t;

  // What the streamer keeps of a step.
  typedef struct packed {
    logic new_input;
    logic last_input;
    logic new_weight;
    logic new_output;
    logic last_output;
    logic load_psum;
  } stream_step_t;

  // What travels with an input row through the array to the accumulator.
  typedef struct packed {
    logic  accumulate;  // add to the row (else overwrite)
    logic  tile_last;   // the output tile is complete after this row
    word_t row;         // accumulator row
  } result_tag_t;

  // DRAM read channels.
  localparam int unsigned Channels = 3;
  typedef enum logic [1:0] {
    ChannelInput  = 2'd0,
    ChannelWeight = 2'd1,
    ChannelPsum   = 2'd2
  } channel_e;

  // Events that the counters count, one bit a counter (cycles aside).
  typedef struct packed {
    logic step;               // DRAM nest iteration begun by the streamer
    logic preload_conflict;   // bank taken by the streamer
    logic weight_conflict;
    logic input_conflict;
    logic output_stall;       // streamer waits for an output buffer or its partial sums
    logic input_stall;        // ... for an input tile
    logic weight_stall;       // ... for weights in the array
    logic page_miss_write;
    logic page_miss_read;
    logic write_beat;
    logic psum_beat;
    logic weight_beat;
    logic input_beat;
    logic psum_row_write;     // accumulator
    logic store_row_read;     // accumulator
    logic accumulate_read;    // accumulator
    logic weight_row_write;   // scratchpad
    logic input_row_write;    // scratchpad
    logic weight_row_read;    // scratchpad, and a row of weights shifted into the array
    logic mesh_row;           // scratchpad input read, and a row through the array
  } events_t;
  localparam int unsigned Events = $bits(events_t);

  // Counter numbers of the read port: the cycles, the events from bit 0 up, the useful bytes.
  localparam logic [4:0] CounterCycles = 5'd0;
  localparam logic [4:0] CounterFirstEvent = 5'd1;
  localparam logic [4:0] CounterReadBytes = 5'(Events + 1);
  localparam logic [4:0] CounterWriteBytes = 5'(Events + 2);

  // Sticky error bits.
  localparam int unsigned ErrorScratchpad = 0;   // row beyond the capacity
  localparam int unsigned ErrorAccumulator = 1;
  localparam int unsigned ErrorDram = 2;         // address beyond the image

endpackage
