// burst_walker: every chunk length at every alignment; bytes exactly once, in order, never across
// an aligned burst boundary, as few bursts as that allows.
// verilate: burst_walker
#include "Vburst_walker.h"
#include "tests/rtl/unit/walkers.hpp"

namespace unit {

class Bench : public Clocked<Vburst_walker> {
 public:
  Bench() {
    top.start_i = top.ready_i = 0;
    reset();
  }

  /// Walks one tile and checks every request; `refuse`: one in so many cycles is not ready.
  void walk(const Tile& tile, std::uint32_t offset, std::uint32_t burst, std::uint64_t refuse) {
    tile.drive(top.tile_i);
    top.burst_bytes_i = burst;
    top.offset_i = offset;
    top.start_i = 1;
    top.ready_i = chance(2);
    settle();
    CHECK_EQ(top.busy_o, 0);
    edge();
    top.start_i = 0;
    for (const std::uint32_t chunk : tile.chunks(offset))
      for (std::uint32_t at = 0, bytes = 0; at < tile.chunk_bytes; at += bytes) {
        bytes = std::min(tile.chunk_bytes - at, burst - (chunk + at) % burst);
        do {
          top.ready_i = refuse == 0 || !chance(refuse);
          settle();
          CHECK_EQ(top.busy_o, 1);
          CHECK_EQ(top.valid_o, 1);
          CHECK_EQ(top.addr_o, chunk + at);
          CHECK_EQ(top.bytes_o, bytes);
          edge();
        } while (!top.ready_i);
        ++bursts;
      }
    settle();
    CHECK_EQ(top.busy_o, 0);
    CHECK_EQ(top.valid_o, 0);
    ++tiles;
  }

  long bursts = 0, tiles = 0;
};

}  // namespace unit

int main() {
  using namespace unit;
  Bench bench;
  for (std::uint32_t burst = 1; burst <= 64; burst *= 2)
    for (std::uint32_t bytes = 1; bytes <= 2 * burst + 2; ++bytes)
      for (std::uint32_t align = 0; align < burst; ++align) {
        Tile tile;
        tile.chunk_bytes = bytes;
        bench.walk(tile, align, burst, 0);
      }
  const long single = bench.tiles;
  for (int i = 0; i < 2000; ++i)
    bench.walk(any_tile(1, 64), word() & 0xFFFF, 1u << below(7), any_of<std::uint64_t>({0, 2, 5}));
  expect_assertion("StartsOnlyWhenIdle", [&] {
    bench.top.ready_i = 0;
    bench.top.start_i = 1;
    bench.cycle();
    bench.cycle();
  });
  expect_assertion("RequestHeld", [&] {
    bench.top.start_i = 0;
    bench.top.ready_i = 0;
    bench.cycle();
    bench.top.tile_i[2] ^= 1;  // the chunk shrinks under an offer
    bench.top.burst_bytes_i = 1;
    bench.cycle();
  });
  return report("all " + std::to_string(single) +
                " pairs of length and alignment of 7 burst sizes, " +
                std::to_string(bench.tiles - single) + " random tiles, " +
                std::to_string(bench.bursts) + " bursts");
}
