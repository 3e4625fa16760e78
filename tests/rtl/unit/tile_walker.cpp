// tile_walker: chunk addresses against three nested loops.
// verilate: tile_walker
#include "Vtile_walker.h"
#include "tests/rtl/unit/walkers.hpp"

int main() {
  using namespace unit;
  Clocked<Vtile_walker> bench;
  auto& top = bench.top;
  long chunks = 0;
  for (std::uint32_t code = 0; code < 125; ++code)  // all counts of 1 to 5
    for (int repeat = 0; repeat < 20; ++repeat) {
      Tile tile;
      tile.base = word();
      for (std::uint32_t i = 0, rest = code; i < 3; ++i, rest /= 5) {
        tile.count[i] = 1 + rest % 5;
        tile.stride[i] = word();
      }
      tile.drive(top.tile_i);
      const std::uint32_t offset = word();
      top.start_i = 1;
      top.advance_i = chance(2);  // a start wins
      top.start_addr_i = tile.base + offset;
      bench.cycle();
      top.start_i = 0;
      const auto want = tile.chunks(offset);
      for (std::size_t n = 0; n < want.size(); ++n) {
        top.advance_i = 0;
        for (std::uint64_t wait = below(3); wait > 0; --wait) bench.cycle();
        bench.settle();
        CHECK_EQ(top.addr_o, want[n]);
        CHECK_EQ(top.last_o, n + 1 == want.size());
        top.advance_i = 1;
        if (n + 1 < want.size()) bench.cycle();
        ++chunks;
      }
    }
  return report("all counts of 1 to 5, " + std::to_string(chunks) + " chunks");
}
