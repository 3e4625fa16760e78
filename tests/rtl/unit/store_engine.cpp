// store_engine: tiles leave as int8 or int32, whole, in as few aligned bursts as there can be; a
// buffer comes back only when its bytes are in DRAM.
// verilate: store_engine -GDim=4 --prefix Vstore4
// verilate: store_engine -GDim=64 --prefix Vstore64
#include <algorithm>
#include <deque>
#include <map>

#include "Vstore4.h"
#include "Vstore64.h"
#include "tests/rtl/unit/walkers.hpp"

namespace unit {

long tiles_stored = 0, bursts_written = 0, clamped = 0;

template <class Top>
void run(std::uint32_t dim) {
  using namespace polaris::rtl;
  constexpr std::uint32_t kRow0 = 5, kRow1 = 300, kRows = 600;
  Clocked<Top> bench;
  Top& top = bench.top;
  Tile final_tile = any_tile(1, dim);
  Tile psum_tile = final_tile;  // the same rows, four bytes a sum
  psum_tile.row_bytes *= 4;
  psum_tile.chunk_bytes *= 4;
  for (std::uint32_t& stride : psum_tile.stride) stride *= 4;
  psum_tile.base = 4 * static_cast<std::uint32_t>(below(100));
  final_tile.program(bench, kGroupOutputTile);
  psum_tile.program(bench, kGroupPsumTile);
  const bool two = chance(2);
  bench.configure_buffers(kGroupOutputBuffers, two, kRow0, kRow1);
  const std::uint32_t burst = 1u << below(7), shift = static_cast<std::uint32_t>(below(32));
  const std::uint64_t wait = any_of<std::uint64_t>({0, 2, 6});
  top.data_on_i = 1;
  top.requant_shift_i = shift;
  top.burst_bytes_i = burst;
  top.tile_valid_i = top.tile_filled_i = 0;
  top.writes_done_i = 1;
  bench.reset();

  std::vector<std::uint32_t> memory(kRows * dim);
  std::map<std::uint32_t, std::uint8_t> dram;
  int in_flight = 0;  // bursts on their way to DRAM
  for (int number = 0; number < 6; ++number) {
    for (std::uint32_t& sum : memory)
      sum = chance(3) ? static_cast<std::uint32_t>(static_cast<std::int32_t>(between(0, 600)) - 300)
                      : word();
    const bool final_sum = chance(2);
    const std::uint32_t offset = static_cast<std::uint32_t>(below(1000));
    const Tile& tile = final_sum ? final_tile : psum_tile;
    const std::uint32_t first_row = two && number % 2 == 1 ? kRow1 : kRow0;
    dram.clear();
    // The bursts that have to come.
    std::deque<std::pair<std::uint32_t, std::uint32_t>> want;
    for (const std::uint32_t chunk : tile.chunks(final_sum ? offset : 4 * offset))
      for (std::uint32_t at = 0, bytes = 0; at < tile.chunk_bytes; at += bytes) {
        bytes = std::min(tile.chunk_bytes - at, burst - (chunk + at) % burst);
        want.push_back({chunk + at, bytes});
      }
    bool released = false, taken = false;
    std::uint32_t reads = 0;
    for (int guard = 0; !released && guard < 100'000; ++guard) {
      top.tile_valid_i = !taken;
      top.tile_final_i = final_sum;
      top.tile_offset_i = offset;
      top.tile_filled_i = !taken && chance(3);
      top.burst_ready_i = wait == 0 || !chance(wait);
      if (in_flight > 0 && chance(3)) --in_flight;
      top.writes_done_i = in_flight == 0;
      bench.settle();
      CHECK_EQ(top.tile_ready_o, top.tile_filled_i && !taken);
      CHECK_EQ(top.idle_o, !taken);
      released = top.tile_release_o;
      if (released) CHECK(taken && want.empty() && in_flight == 0 && reads == tile.rows);
      if (top.burst_valid_o && top.burst_ready_i) {
        CHECK(!want.empty());
        if (want.empty()) return;
        CHECK_EQ(top.burst_addr_o, want.front().first);
        CHECK_EQ(top.burst_bytes_o, want.front().second);
        want.pop_front();
        for (std::uint32_t i = 0; i < top.burst_bytes_o; ++i)
          dram[top.burst_addr_o + i] = get_byte(top.burst_data_o, i);
        ++in_flight;
        ++bursts_written;
      }
      const bool reads_row = top.read_valid_o;
      const std::uint32_t row = top.read_row_o;
      if (reads_row) CHECK_EQ(row, first_row + reads);
      taken |= top.tile_valid_i && top.tile_ready_o;
      bench.edge();
      if (reads_row) {
        ++reads;
        for (std::uint32_t k = 0; k < dim; ++k)
          set_word(top.read_data_i, k, memory[(row % kRows) * dim + k]);
      }
    }
    CHECK(released);
    std::uint32_t row = first_row;
    for (const std::uint32_t chunk : tile.chunks(final_sum ? offset : 4 * offset))
      for (std::uint32_t at = 0; at < tile.chunk_bytes; at += tile.row_bytes, ++row)
        for (std::uint32_t i = 0; i < tile.row_bytes; ++i) {
          const std::uint32_t sum = memory[row * dim + (final_sum ? i : i / 4)];
          const std::int32_t shifted = static_cast<std::int32_t>(sum) >> shift;
          clamped += final_sum && (shifted > 127 || shifted < -128);
          const int want_byte =
              final_sum ? std::clamp(shifted, -128, 127) : static_cast<int>(sum >> (8 * (i % 4)));
          CHECK_EQ(dram[chunk + at + i], static_cast<std::uint8_t>(want_byte));
        }
    ++tiles_stored;
  }
}

}  // namespace unit

int main() {
  using namespace unit;
  for (int i = 0; i < 150; ++i) run<Vstore4>(4);
  for (int i = 0; i < 60; ++i) run<Vstore64>(64);
  CHECK(clamped > 1000);
  return report(std::to_string(tiles_stored) + " tiles in " + std::to_string(bursts_written) +
                " bursts, " + std::to_string(clamped) + " sums clamped");
}
