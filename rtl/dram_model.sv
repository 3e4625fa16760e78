// Behavioural model of DRAM behind one data bus; not meant for synthesis.
//
// Reads of the three channels are accepted round robin, at most RegMaxOutstanding in flight, and
// answered in order, RegDramLatency after acceptance or later. Writes are posted. A burst that
// meets another open row in its DRAM bank waits RegPageMiss for it; that happens when it is
// accepted, so misses of different banks and of bursts in the queue overlap. The bus moves one beat
// a cycle, at most up to the next aligned RegBusBytes boundary; reads and writes alternate burst by
// burst. A read beat that its channel refuses blocks the bus. With packed_bus_i a burst occupies the
// bus for its bytes only, however they are aligned: what a burst's end leaves of a cycle's bytes, up
// to one beat, serves the next. One burst a cycle remains the limit. With thin_psums_i the bus is four
// times as wide for partial sums, up to BeatBytes: a sum of four bytes costs one.
//
// Data lies with the harness, behind dram_read and dram_write; timing-only mode calls neither.
//
// Latency: accepted read to first beat RegDramLatency (+ RegPageMiss) + 1, write to its beat 1.
`include "assertions.svh"
module dram_model
  import accelerator_pkg::*;
(
  input  logic                clk_i,
  input  logic                rst_ni,
  input  logic                cfg_clk_i,
  input  config_bus_t         cfg_i,
  input  logic                data_on_i,
  input  logic                packed_bus_i,    // switches: below
  input  logic                thin_psums_i,
  output logic                error_o,         // sticky: an address beyond the image was used
  // read requests, one bit a channel
  input  logic [Channels-1:0] read_valid_i,
  output logic [Channels-1:0] read_ready_o,
  input  word_t               input_addr_i,
  input  burst_len_t          input_bytes_i,
  input  word_t               weight_addr_i,
  input  burst_len_t          weight_bytes_i,
  input  word_t               psum_addr_i,
  input  burst_len_t          psum_bytes_i,
  // read beats; the data is the same for all channels
  output logic [Channels-1:0] beat_valid_o,
  input  logic [Channels-1:0] beat_ready_i,
  output burst_len_t          beat_bytes_o,
  output logic [BeatBits-1:0] beat_data_o,
  // write bursts
  input  logic                write_valid_i,
  output logic                write_ready_o,
  input  word_t               write_addr_i,
  input  burst_len_t          write_bytes_i,
  input  logic                write_psum_i,    // the burst holds partial sums
  input  logic [BeatBits-1:0] write_data_i,
  output logic                writes_done_o,
  // events
  output logic                read_beat_o,
  output logic                write_beat_o,
  output channel_e            beat_channel_o,
  output logic                read_miss_o,
  output logic                write_miss_o
);
  import "DPI-C" function void dram_read(input int unsigned addr, input int unsigned bytes,
                                         output bit [BeatBits-1:0] data);
  import "DPI-C" function void dram_write(input int unsigned addr, input int unsigned bytes,
                                          input bit [BeatBits-1:0] data);

  // 8 banks with rows of 2 KiB: a DDR4 device seen through a 16-bit bus has as many of that size.
  localparam int unsigned Banks = 8;
  localparam int unsigned BankW = $clog2(Banks);
  localparam int unsigned PageW = 11;
  localparam int unsigned MaxReads = 64;
  localparam int unsigned MaxWrites = 8;

  word_t image_bytes_q, bus_bytes_q, latency_q, max_outstanding_q, page_miss_q;
  always_ff @(posedge cfg_clk_i) begin
    case (cfg_i.addr)
      RegDramBytes: image_bytes_q <= cfg_i.data;
      RegBusBytes: bus_bytes_q <= cfg_i.data;
      RegDramLatency: latency_q <= cfg_i.data;
      RegMaxOutstanding: max_outstanding_q <= cfg_i.data;
      RegPageMiss: page_miss_q <= cfg_i.data;
      default: ;
    endcase
  end

  // Arbitration of reads.
  logic [1:0] turn_q;  // channel that goes first
  channel_e granted;
  logic any_read, accepts_read, read_queue_ready;
  logic [6:0] outstanding_q;
  word_t read_addr;
  burst_len_t read_bytes;
  assign accepts_read =
      any_read && read_queue_ready && 32'(outstanding_q) < max_outstanding_q;

  always_comb begin
    any_read = |read_valid_i;
    case (turn_q)
      2'd0:
        granted = read_valid_i[0] ? ChannelInput : read_valid_i[1] ? ChannelWeight : ChannelPsum;
      2'd1:
        granted = read_valid_i[1] ? ChannelWeight : read_valid_i[2] ? ChannelPsum : ChannelInput;
      default:
        granted = read_valid_i[2] ? ChannelPsum : read_valid_i[0] ? ChannelInput : ChannelWeight;
    endcase
    case (granted)
      ChannelInput: {read_addr, read_bytes} = {input_addr_i, input_bytes_i};
      ChannelWeight: {read_addr, read_bytes} = {weight_addr_i, weight_bytes_i};
      default: {read_addr, read_bytes} = {psum_addr_i, psum_bytes_i};
    endcase
    read_ready_o = '0;
    if (accepts_read) read_ready_o[granted] = 1'b1;
  end

  // Opening rows. A read and a write accepted together in one bank: the write's row stays open.
  word_t now_q;
  word_t open_row_q [Banks];
  word_t bank_free_q [Banks];
  logic [BankW-1:0] read_bank, write_bank;
  word_t read_row, write_row, read_open, write_open;
  logic accepts_write;
  assign accepts_write = write_valid_i && write_ready_o;
  assign read_bank = read_addr[PageW+:BankW];
  assign write_bank = write_addr_i[PageW+:BankW];
  assign read_row = read_addr >> (PageW + BankW);
  assign write_row = write_addr_i >> (PageW + BankW);
  assign read_miss_o = accepts_read && open_row_q[read_bank] != read_row;
  assign write_miss_o = accepts_write && open_row_q[write_bank] != write_row;

  function automatic word_t later(word_t a, word_t b);
    return signed'(a - b) > 0 ? a : b;
  endfunction
  assign read_open = later(now_q, bank_free_q[read_bank]) + (read_miss_o ? page_miss_q : '0);
  assign write_open = later(now_q, bank_free_q[write_bank]) + (write_miss_o ? page_miss_q : '0);

  // Queues, and the burst that owns the bus.
  logic read_waiting, write_waiting, data_waiting, read_pop, write_pop, head_write_psum;
  word_t head_read_ready, head_read_addr, head_write_ready, head_write_addr;
  burst_len_t head_read_bytes, head_write_bytes;
  channel_e head_channel;
  logic [BeatBits-1:0] head_data;

  // The words stand lowest: aligned, they cost the simulator no shifts.
  fifo #(
    .Width(2 * $bits(word_t) + $bits(burst_len_t) + $bits(channel_e)),
    .Depth(MaxReads)
  ) u_reads (
    .clk_i,
    .rst_ni,
    .valid_i(accepts_read),
    .ready_o(read_queue_ready),
    .data_i({granted, read_bytes, read_open + latency_q, read_addr}),
    .valid_o(read_waiting),
    .ready_i(read_pop),
    .data_o({head_channel, head_read_bytes, head_read_ready, head_read_addr})
  );

  fifo #(
    .Width(2 * $bits(word_t) + $bits(burst_len_t) + 1),
    .Depth(MaxWrites)
  ) u_writes (
    .clk_i,
    .rst_ni,
    .valid_i(write_valid_i),
    .ready_o(write_ready_o),
    .data_i({write_psum_i, write_bytes_i, write_open, write_addr_i}),
    .valid_o(write_waiting),
    .ready_i(write_pop),
    .data_o({head_write_psum, head_write_bytes, head_write_ready, head_write_addr})
  );
  fifo #(
    .Width(BeatBits),
    .Depth(MaxWrites)
  ) u_write_data (
    .clk_i,
    .rst_ni,
    .valid_i(write_valid_i && data_on_i),
    .ready_o(),
    .data_i(write_data_i),
    .valid_o(data_waiting),
    .ready_i(write_pop && data_on_i),
    .data_o(head_data)
  );
  assign writes_done_o = !write_waiting;

  logic busy_q, writing_q, reads_ready, writes_ready, writes;
  burst_len_t moved_q, left, room, beat, spare, unused_q;
  word_t width, budget;
  logic [1:0] thin;  // log2 of what a byte of the bus carries now
  word_t beat_addr;
  logic beat_offered, beat_moves, burst_end;
  assign reads_ready = read_waiting && signed'(now_q - head_read_ready) >= 0;
  assign writes_ready = write_waiting && signed'(now_q - head_write_ready) >= 0;
  // writing_q: the burst on the bus, else the last one; the other kind goes first.
  assign writes = busy_q ? writing_q : writes_ready && (!reads_ready || !writing_q);
  assign beat_offered = writes ? writes_ready : reads_ready;
  assign beat_addr = (writes ? head_write_addr : head_read_addr) + 32'(moved_q);
  assign left = (writes ? head_write_bytes : head_read_bytes) - moved_q;
  assign thin = thin_psums_i && (writes ? head_write_psum : head_channel == ChannelPsum) ? 2'd2 : 2'd0;
  assign width = bus_bytes_q << thin < BeatBytes ? bus_bytes_q << thin : BeatBytes;
  assign budget = (bus_bytes_q + 32'(unused_q)) << thin;
  assign room = packed_bus_i ? (budget < BeatBytes ? 7'(budget) : 7'(BeatBytes))
                             : 7'(width) - 7'(beat_addr & (width - 1));
  assign beat = left < room ? left : room;
  assign spare = (room - beat) >> thin;
  assign burst_end = beat == left;
  assign write_beat_o = beat_offered && writes;
  assign read_beat_o = |(beat_valid_o & beat_ready_i);
  assign beat_moves = write_beat_o || read_beat_o;
  assign read_pop = read_beat_o && burst_end;
  assign write_pop = write_beat_o && burst_end;
  assign beat_channel_o = head_channel;
  assign beat_bytes_o = beat;
  assign beat_valid_o = beat_offered && !writes ? 3'b001 << head_channel : 3'b000;

  bit [BeatBits-1:0] beat_data;
  assign beat_data_o = beat_data;
  always_comb begin
    beat_data = '0;
    if (data_on_i && |beat_valid_o) dram_read(beat_addr, 32'(beat), beat_data);
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      now_q <= '0;
      turn_q <= '0;
      outstanding_q <= '0;
      busy_q <= 1'b0;
      writing_q <= 1'b0;
      moved_q <= '0;
      unused_q <= '0;
      error_o <= 1'b0;
      for (int i = 0; i < Banks; i++) begin
        open_row_q[i] <= '1;
        bank_free_q[i] <= '0;
      end
    end else begin
      now_q <= now_q + 1;
      outstanding_q <= outstanding_q + 7'(accepts_read) - 7'(read_pop);
      if (accepts_read) begin
        turn_q <= granted == ChannelPsum ? 2'd0 : 2'(granted) + 1'b1;
        open_row_q[read_bank] <= read_row;
        bank_free_q[read_bank] <= read_open;
        if (33'(read_addr) + 33'(read_bytes) > 33'(image_bytes_q)) error_o <= 1'b1;
      end
      if (accepts_write) begin
        open_row_q[write_bank] <= write_row;
        bank_free_q[write_bank] <= write_open;
        if (33'(write_addr_i) + 33'(write_bytes_i) > 33'(image_bytes_q)) error_o <= 1'b1;
      end
      if (beat_offered) begin
        writing_q <= writes;
        busy_q <= !(beat_moves && burst_end);
      end
      if (packed_bus_i) begin
        // Kept while a beat is refused: the beat must not change.
        if (!beat_offered) unused_q <= '0;
        else if (beat_moves) unused_q <= spare < 7'(bus_bytes_q) ? spare : 7'(bus_bytes_q);
      end
      if (beat_moves) begin
        moved_q <= burst_end ? '0 : moved_q + beat;
        if (writes && data_on_i)
          dram_write(beat_addr, 32'(beat), head_data >> (32'(moved_q) * 8));
      end
    end
  end

  `ASSERT(OutstandingWithinLimit, 32'(outstanding_q) <= max_outstanding_q)
  `ASSERT(BeatMovesSomething, !beat_offered || beat != 0)
  `ASSERT(GrantsOneOfTheRequests, (read_ready_o & (read_ready_o - 1'b1)) == '0 &&
          (read_ready_o & ~read_valid_i) == '0)
  `ASSERT_HOLD(BeatHeld, |beat_valid_o, |(beat_valid_o & beat_ready_i),
               {beat_valid_o, beat_bytes_o, beat_addr})
  `ASSERT(EveryWriteHasItsData, !data_on_i || data_waiting == write_waiting)
endmodule
