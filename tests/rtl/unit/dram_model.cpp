// dram_model: bytes, order, limits and exact times of the memory behind the accelerator.
// verilate: dram_model
#include <algorithm>
#include <deque>
#include <optional>

#include "Vdram_model.h"
#include "svdpi.h"
#include "tests/rtl/unit/bench.hpp"

namespace unit {

constexpr std::uint32_t kImageBytes = 1 << 18;
constexpr int kChannels = 3;
std::vector<std::uint8_t> image(kImageBytes);

struct Burst {
  std::uint32_t address = 0, bytes = 0;
  std::uint64_t earliest = 0;  ///< cycle of its first beat at best
};

struct Memory {
  std::uint32_t bus = 8, latency = 5, outstanding = 4, page_miss = 3;
};

class Bench : public Clocked<Vdram_model> {
 public:
  explicit Bench(const Memory& memory) : memory_(memory) {
    using namespace polaris::rtl;
    configure(kRegDramBytes, kImageBytes);
    configure(kRegBusBytes, memory.bus);
    configure(kRegDramLatency, memory.latency);
    configure(kRegMaxOutstanding, memory.outstanding);
    configure(kRegPageMiss, memory.page_miss);
    top.data_on_i = 1;
    top.read_valid_i = top.write_valid_i = top.beat_ready_i = 0;
    reset();
    for (std::uint64_t& row : open_row_) row = ~0ull;
  }

  /// Cycles that it takes to open the row of `address`, as the accesses of one cycle see it.
  std::uint64_t open(std::uint32_t address, bool missed, std::uint64_t now) {
    std::uint64_t& free = bank_free_[bank(address)];
    return std::max(now, free) + (missed ? memory_.page_miss : 0);
  }
  bool misses(std::uint32_t address) const { return open_row_[bank(address)] != address >> 14; }
  void opened(std::uint32_t address, std::uint64_t at) {
    open_row_[bank(address)] = address >> 14;
    bank_free_[bank(address)] = at;
  }
  void offer(int channel, const Burst& burst) {
    (channel == 0   ? top.input_addr_i
     : channel == 1 ? top.weight_addr_i
                    : top.psum_addr_i) = burst.address;
    (channel == 0   ? top.input_bytes_i
     : channel == 1 ? top.weight_bytes_i
                    : top.psum_bytes_i) = burst.bytes;
  }

 private:
  static std::size_t bank(std::uint32_t address) { return address >> 11 & 7; }

  Memory memory_;
  std::uint64_t open_row_[8], bank_free_[8] = {};
};

long beats = 0, misses = 0, limited = 0, switched = 0, refused = 0;

void random_traffic() {
  Memory memory;
  memory.bus = 1u << below(7);
  memory.latency = static_cast<std::uint32_t>(below(40));
  memory.outstanding = any_of<std::uint32_t>({1, 2, 7, 64});
  memory.page_miss = any_of<std::uint32_t>({0, 12, 40});
  Bench bench(memory);
  auto& top = bench.top;
  const std::uint64_t idle = any_of<std::uint64_t>({1, 2, 30}),
                      wait = any_of<std::uint64_t>({0, 3});
  const std::uint32_t window = any_of<std::uint32_t>({2048, 16 * 2048, kImageBytes});
  struct Read : Burst {
    int channel;
  };
  std::optional<Burst> offered[kChannels], write_offered;
  std::vector<std::uint8_t> write_data(64);
  std::deque<Read> reads;    // accepted
  std::deque<Burst> writes;  // accepted
  std::deque<std::vector<std::uint8_t>> written;
  int passed_over[kChannels] = {};
  std::uint32_t moved = 0;        // of the burst on the bus
  int on_bus = 0, last_kind = 0;  // 0: none, 1: read, 2: write
  const auto burst = [&] {
    Burst out;
    out.bytes = static_cast<std::uint32_t>(between(1, 64));
    out.address = static_cast<std::uint32_t>(below(window - 64)) / 64 * 64;
    out.address += static_cast<std::uint32_t>(below(65 - out.bytes));
    return out;
  };
  for (std::uint64_t now = 0; now < 3000; ++now) {
    top.read_valid_i = 0;
    for (int c = 0; c < kChannels; ++c) {
      if (!offered[c] && chance(idle)) offered[c] = burst();
      if (offered[c]) {
        top.read_valid_i |= 1 << c;
        bench.offer(c, *offered[c]);
      }
    }
    if (!write_offered && chance(idle)) {
      write_offered = burst();
      for (std::size_t i = 0; i < 64; ++i) {
        write_data[i] = static_cast<std::uint8_t>(word());
        set_byte(top.write_data_i, i, write_data[i]);
      }
    }
    top.write_valid_i = write_offered.has_value();
    if (write_offered) {
      top.write_addr_i = write_offered->address;
      top.write_bytes_i = write_offered->bytes;
    }
    top.beat_ready_i = 0;
    for (int c = 0; c < kChannels; ++c)
      if (wait == 0 || !chance(wait)) top.beat_ready_i |= 1 << c;
    bench.settle();

    // Who owns the bus: the burst under way; else, of the ready ones, the kind that did not go
    // last.
    const bool read_ready = !reads.empty() && reads.front().earliest <= now;
    const bool write_ready = !writes.empty() && writes.front().earliest <= now;
    int kind = on_bus;
    if (kind == 0) kind = write_ready && (!read_ready || last_kind != 2) ? 2 : read_ready ? 1 : 0;
    CHECK_EQ(top.write_beat_o, kind == 2);
    CHECK_EQ(top.beat_valid_o, kind == 1 ? 1 << reads.front().channel : 0);
    CHECK_EQ(top.writes_done_o, writes.empty());
    const bool moves = kind == 2 || (kind == 1 && (top.beat_ready_i >> reads.front().channel & 1));
    CHECK_EQ(top.read_beat_o, kind == 1 && moves);
    refused += kind == 1 && !moves;
    if (kind != 0) {
      const Burst& head = kind == 1 ? static_cast<const Burst&>(reads.front()) : writes.front();
      const std::uint32_t at = head.address + moved;
      const std::uint32_t bytes = std::min(head.bytes - moved, memory.bus - at % memory.bus);
      CHECK_EQ(top.beat_bytes_o, bytes);
      if (kind == 1) {
        CHECK_EQ(top.beat_channel_o, reads.front().channel);
        for (std::uint32_t i = 0; i < bytes; ++i)
          CHECK_EQ(get_byte(top.beat_data_o, i), image[at + i]);
      }
      switched += on_bus == 0 && last_kind != 0 && kind != last_kind;
      last_kind = kind;
      on_bus = kind;
      if (moves) {
        ++beats;
        moved += bytes;
        if (moved == head.bytes) on_bus = 0;
      }
    }

    // Acceptance: round robin, within the limit.
    const bool room = reads.size() < memory.outstanding && reads.size() < 64;
    CHECK_EQ(top.read_ready_o != 0, top.read_valid_i != 0 && room);
    CHECK((top.read_ready_o & (top.read_ready_o - 1)) == 0);
    CHECK((top.read_ready_o & ~top.read_valid_i) == 0);
    limited += top.read_valid_i != 0 && !room;
    CHECK_EQ(top.write_ready_o, writes.size() < 8);
    const bool writes_now = write_offered && writes.size() < 8;
    const bool write_missed = writes_now && bench.misses(write_offered->address);
    CHECK_EQ(top.write_miss_o, write_missed);
    bool read_missed = false;
    std::optional<Burst> write_accepted;
    if (writes_now) {
      write_accepted = write_offered;
      write_accepted->earliest = bench.open(write_offered->address, write_missed, now);
    }
    for (int c = 0; c < kChannels; ++c) {
      if (!(top.read_ready_o >> c & 1)) {
        if (top.read_ready_o != 0 && offered[c]) CHECK(++passed_over[c] < kChannels);
        continue;
      }
      passed_over[c] = 0;
      read_missed = bench.misses(offered[c]->address);
      Read read{*offered[c], c};
      const std::uint64_t opened = bench.open(read.address, read_missed, now);
      // In the queue one cycle later at the earliest.
      read.earliest = std::max(opened + memory.latency, now + 1);
      reads.push_back(read);
      bench.opened(read.address, opened);
    }
    CHECK_EQ(top.read_miss_o, read_missed);
    misses += read_missed + write_missed;
    if (write_accepted) {
      bench.opened(write_accepted->address, write_accepted->earliest);
      write_accepted->earliest = std::max(write_accepted->earliest, now + 1);
    }
    const std::uint32_t accepted_reads = top.read_ready_o;
    bench.edge();

    if (kind != 0 && moves && on_bus == 0) {
      if (kind == 1) {
        reads.pop_front();
      } else {
        for (std::uint32_t i = 0; i < moved; ++i)
          CHECK_EQ(image[writes.front().address + i], written.front()[i]);
        writes.pop_front();
        written.pop_front();
      }
      moved = 0;
    }
    for (int c = 0; c < kChannels; ++c)
      if (accepted_reads >> c & 1) offered[c].reset();
    if (write_accepted) {
      writes.push_back(*write_accepted);
      written.push_back(write_data);
      write_offered.reset();
    }
    CHECK_EQ(top.error_o, 0);
  }
}

/// Cycles from acceptance of one read to its first beat.
std::uint64_t read_time(const Memory& memory) {
  Bench bench(memory);
  auto& top = bench.top;
  top.read_valid_i = 1;
  top.beat_ready_i = 7;
  bench.offer(0, {64, 8});
  bench.settle();
  CHECK_EQ(top.read_ready_o, 1);
  bench.edge();
  top.read_valid_i = 0;
  for (std::uint64_t cycles = 1;; ++cycles) {
    bench.settle();
    if (top.beat_valid_o || cycles > 1000) return cycles;
    bench.edge();
  }
}

void errors() {
  for (const bool write : {false, true})
    for (const std::uint32_t beyond : {0u, 1u}) {
      Bench bench(Memory{});
      auto& top = bench.top;
      const Burst burst{kImageBytes - 8 + beyond, 8};
      bench.offer(1, burst);
      top.write_addr_i = burst.address;
      top.write_bytes_i = burst.bytes;
      top.read_valid_i = write ? 0 : 2;
      top.write_valid_i = write;
      bench.cycle();
      top.read_valid_i = top.write_valid_i = 0;
      bench.cycle();
      bench.cycle();
      CHECK_EQ(top.error_o, beyond);
    }
}

}  // namespace unit

extern "C" void dram_read(unsigned address, unsigned bytes, svBitVecVal* data) {
  for (unsigned i = 0; i < bytes; ++i)
    reinterpret_cast<std::uint8_t*>(data)[i] = unit::image[(address + i) % unit::kImageBytes];
}
extern "C" void dram_write(unsigned address, unsigned bytes, const svBitVecVal* data) {
  for (unsigned i = 0; i < bytes; ++i)
    unit::image[(address + i) % unit::kImageBytes] = reinterpret_cast<const std::uint8_t*>(data)[i];
}

int main() {
  using namespace unit;
  for (std::uint8_t& byte : image) byte = static_cast<std::uint8_t>(word());
  for (int i = 0; i < 60; ++i) random_traffic();
  for (const std::uint32_t latency : {0u, 1u, 20u})
    for (const std::uint32_t page_miss : {0u, 9u})
      CHECK_EQ(read_time({8, latency, 4, page_miss}),
               std::max<std::uint64_t>(1, latency + page_miss));
  errors();
  for (const long seen : {misses, limited, switched, refused}) CHECK(seen > 1000);
  return report(std::to_string(beats) + " beats, " + std::to_string(misses) + " page misses");
}
