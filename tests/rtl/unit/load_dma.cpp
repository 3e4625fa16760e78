// load_dma: tiles arrive complete, in order, in the right buffer, and never in one that is in use.
// verilate: load_dma -GRowBytes=16 -GTileGroup=2 -GBufferGroup=4 -GOnlyPsums=0 --prefix Vload_tiles
// verilate: load_dma -GRowBytes=64 -GTileGroup=4 -GBufferGroup=6 -GOnlyPsums=1 --prefix Vload_psums
#include <algorithm>
#include <deque>

#include "Vload_psums.h"
#include "Vload_tiles.h"
#include "tests/rtl/unit/walkers.hpp"

namespace unit {

long tiles_loaded = 0, tiles_without = 0, waited_for_buffer = 0, both_in_flight = 0;

std::uint8_t dram_byte(std::uint32_t address) {
  return static_cast<std::uint8_t>((address * 2654435761u) >> 24);
}

template <class Top>
void run(std::uint32_t row_capacity, bool psums, std::uint32_t tile_group,
         std::uint32_t buffer_group) {
  using namespace polaris::rtl;
  constexpr std::uint32_t kRow0 = 3, kRow1 = 700, kMemoryRows = 1400;
  Clocked<Top> bench;
  Top& top = bench.top;
  const Tile tile = any_tile(psums ? 4 : 1, row_capacity);
  const bool two = chance(2);
  tile.program(bench, tile_group);
  bench.configure_buffers(buffer_group, two, kRow0, kRow1);
  const std::uint32_t burst = 1u << below(7), bus = 1u << below(7);
  const std::uint64_t wait = any_of<std::uint64_t>({0, 2, 6});
  const auto ready = [&] { return wait == 0 || !chance(wait); };
  top.data_on_i = 1;
  top.burst_bytes_i = burst;
  top.tile_valid_i = top.release_i = top.beat_valid_i = 0;
  bench.reset();

  struct Burst {
    std::uint32_t address, bytes;
  };
  std::deque<Burst> requests;                         // accepted, not yet answered
  std::deque<std::pair<int, std::uint32_t>> to_fill;  // tile number and offset, taken
  std::vector<std::uint8_t> memory(std::size_t{kMemoryRows} * row_capacity);
  int taken = 0, filled = 0, free_buffers = two ? 2 : 1;
  std::uint32_t offset = 4 * static_cast<std::uint32_t>(below(1000)), beat = 0;
  bool loads = !psums || chance(2);
  std::deque<bool> taken_loads;
  constexpr int kTiles = 12;
  for (int guard = 0; filled < kTiles && guard < 200'000; ++guard) {
    top.tile_valid_i = taken < kTiles;
    top.tile_offset_i = offset;
    top.tile_psum_i = loads && psums;
    const int used = (two ? 2 : 1) - free_buffers - static_cast<int>(to_fill.size());
    top.release_i = used > 0 && chance(8);
    top.request_ready_i = ready();
    if (beat == 0 && !requests.empty() && ready()) {
      const Burst& head = requests.front();
      beat = std::min(head.bytes, bus - head.address % bus);
      for (std::uint32_t i = 0; i < 64; ++i)
        set_byte(top.beat_data_i, i,
                 i < beat ? dram_byte(head.address + i) : static_cast<std::uint8_t>(word()));
    }
    top.beat_valid_i = beat != 0;
    top.beat_bytes_i = beat;
    top.write_ready_i = psums || ready();
    bench.settle();

    const bool takes = top.tile_valid_i && top.tile_ready_o;
    if (takes) CHECK(free_buffers > 0);
    waited_for_buffer += top.tile_valid_i && free_buffers == 0;
    both_in_flight += to_fill.size() == 2;
    if (takes && !loads) CHECK(to_fill.empty());
    if (top.request_valid_o && top.request_ready_i) {
      CHECK((top.request_addr_o % burst) + top.request_bytes_o <= burst);
      requests.push_back({top.request_addr_o, top.request_bytes_o});
    }
    if (beat != 0 && top.beat_ready_o) {
      Burst& head = requests.front();
      head.address += beat;
      head.bytes -= beat;
      if (head.bytes == 0) requests.pop_front();
      beat = 0;
    }
    if (top.write_valid_o && top.write_ready_i) {
      CHECK(top.write_row_o < kMemoryRows);
      for (std::uint32_t i = 0; i < row_capacity; ++i) {
        std::uint8_t& cell = memory[top.write_row_o * row_capacity + i];
        const std::uint8_t byte = get_byte(top.write_data_o, i);
        cell = top.write_first_o ? byte : cell | byte;
      }
    }
    const bool fills = top.filled_o;
    if (takes) {
      to_fill.push_back({taken, offset});
      taken_loads.push_back(loads);
    }
    free_buffers += top.release_i - takes;
    if (fills) {
      CHECK(!to_fill.empty());
      if (to_fill.empty()) return;
      const auto [number, at] = to_fill.front();
      to_fill.pop_front();
      if (taken_loads.front()) {
        std::uint32_t row = two && number % 2 == 1 ? kRow1 : kRow0;
        for (const std::uint32_t chunk : tile.chunks(at))
          for (std::uint32_t byte = 0; byte < tile.chunk_bytes; byte += tile.row_bytes, ++row)
            for (std::uint32_t i = 0; i < row_capacity; ++i)
              CHECK_EQ(memory[row * row_capacity + i],
                       i < tile.row_bytes ? dram_byte(chunk + byte + i) : 0);
        ++tiles_loaded;
      } else {
        ++tiles_without;
      }
      taken_loads.pop_front();
      ++filled;
    }
    bench.edge();
    if (takes) {
      ++taken;
      offset = 4 * static_cast<std::uint32_t>(below(1000));
      loads = !psums || chance(2);
    }
  }
  CHECK_EQ(filled, kTiles);
  expect_assertion("FreeBuffersExist", [&] {
    top.tile_valid_i = 0;
    top.release_i = 1;
    for (int i = 0; i < 4; ++i) bench.cycle();
  });
}

}  // namespace unit

int main() {
  using namespace unit;
  using namespace polaris::rtl;
  for (int i = 0; i < 150; ++i) {
    run<Vload_tiles>(16, false, kGroupInputTile, kGroupInputBuffers);
    run<Vload_psums>(64, true, kGroupPsumTile, kGroupOutputBuffers);
  }
  CHECK(waited_for_buffer > 100);
  CHECK(both_in_flight > 100);
  CHECK(tiles_without > 100);
  return report(std::to_string(tiles_loaded) + " tiles loaded, " + std::to_string(tiles_without) +
                " taken without partial sums");
}
