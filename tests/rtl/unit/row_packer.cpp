// row_packer: the bytes of a tile's beats end up in its rows, whatever the beats and the waits.
// verilate: row_packer -GRowBytes=16 --prefix Vrow_packer16
// verilate: row_packer -GRowBytes=256 --prefix Vrow_packer256
#include <algorithm>
#include <deque>

#include "Vrow_packer16.h"
#include "Vrow_packer256.h"
#include "tests/rtl/unit/bench.hpp"

namespace unit {

template <class Top>
void exercise(std::uint32_t row_capacity, int tiles) {
  Clocked<Top> bench;
  Top& top = bench.top;
  top.beat_valid_i = top.tile_valid_i = 0;
  top.data_on_i = 1;
  bench.reset();
  long writes = 0, waits = 0, refused = 0;
  for (int n = 0; n < tiles; ++n) {
    const auto row_bytes =
        static_cast<std::uint32_t>(chance(3) ? row_capacity : between(1, row_capacity));
    const auto rows = static_cast<std::uint32_t>(between(1, 12));
    const std::uint64_t longest = any_of<std::uint64_t>({1, 2, 8, 64});
    const std::uint32_t first_row = word();
    const std::uint64_t write_wait = any_of<std::uint64_t>({0, 2, 4}),
                        beat_wait = any_of<std::uint64_t>({0, 2, 4});
    std::deque<std::uint8_t> bytes;  // not yet offered
    for (std::uint32_t i = 0; i < rows * row_bytes; ++i)
      bytes.push_back(static_cast<std::uint8_t>(random_bits()));
    const std::vector<std::uint8_t> want(bytes.begin(), bytes.end());
    std::vector<std::uint8_t> memory(rows * row_capacity, 0xAA);
    std::uint32_t offered = 0, held = 0, written = 0;
    top.row_bytes_i = row_bytes;
    top.tile_rows_i = rows;
    top.tile_row_i = first_row;
    top.tile_valid_i = 1;
    bool done = false;
    for (int guard = 0; !done && guard < 100'000; ++guard) {
      if (offered == 0 && !bytes.empty() && (beat_wait == 0 || !chance(beat_wait))) {
        offered =
            static_cast<std::uint32_t>(std::min<std::uint64_t>(between(1, longest), bytes.size()));
        for (std::size_t i = 0; i < 64; ++i)
          set_byte(top.beat_data_i, i, i < offered ? bytes[i] : static_cast<std::uint8_t>(word()));
      }
      top.beat_valid_i = offered != 0;
      top.beat_bytes_i = offered;
      top.write_ready_i = write_wait == 0 || !chance(write_wait);
      bench.settle();
      CHECK_EQ(top.write_valid_o, held != 0);
      const std::uint32_t at = written % row_bytes, part = std::min(held, row_bytes - at);
      const bool fires = held != 0 && top.write_ready_i;
      if (held != 0) {
        CHECK_EQ(top.write_row_o, first_row + written / row_bytes);
        CHECK_EQ(top.write_first_o, at == 0);
        for (std::size_t i = 0; i < row_capacity; ++i) {
          const std::uint8_t byte = get_byte(top.write_data_o, i);
          CHECK_EQ(byte, i >= at && i < at + part ? want[written + i - at] : 0);
          if (!fires) continue;
          std::uint8_t& cell = memory[written / row_bytes * row_capacity + i];
          cell = top.write_first_o ? byte : cell | byte;
        }
        refused += !top.write_ready_i;
      }
      CHECK_EQ(top.beat_ready_o, held == 0 || (fires && part == held));
      done = fires && written + part == rows * row_bytes;
      CHECK_EQ(top.tile_done_o, done);
      waits += offered != 0 && !top.beat_ready_o;
      if (fires) {
        written += part;
        held -= part;
        ++writes;
      }
      if (offered != 0 && top.beat_ready_o) {
        held = offered;
        bytes.erase(bytes.begin(), bytes.begin() + offered);
        offered = 0;
      }
      bench.edge();
    }
    CHECK(done);
    for (std::uint32_t row = 0; row < rows; ++row)
      for (std::uint32_t i = 0; i < row_capacity; ++i)
        CHECK_EQ(memory[row * row_capacity + i], i < row_bytes ? want[row * row_bytes + i] : 0);
  }
  CHECK(waits > 100);
  CHECK(refused > 100);
  std::printf("rows of %u: %d tiles, %ld writes\n", row_capacity, tiles, writes);
  expect_assertion("BytesBelongToATile", [&] {
    top.tile_valid_i = 0;
    top.beat_valid_i = 1;
    top.beat_bytes_i = 1;
    top.write_ready_i = 0;
    bench.cycle();
    top.beat_valid_i = 0;
    bench.cycle();
    bench.cycle();
  });
  expect_assertion("WriteHeld", [&] {
    top.tile_row_i += 1;
    bench.cycle();
    bench.cycle();
  });
}

}  // namespace unit

int main() {
  using namespace unit;
  exercise<Vrow_packer16>(16, 600);
  exercise<Vrow_packer256>(256, 100);
  return report("rows of 16 and 256 bytes");
}
