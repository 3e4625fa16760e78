// accumulator: sums that wrap, overwrite, loads and stores in both buffers.
// verilate: accumulator -GDim=4 -GRows=16
#include "Vaccumulator.h"
#include "tests/rtl/unit/bench.hpp"

namespace unit {

constexpr std::uint32_t kDim = 4, kRows = 16, kRow1 = 6;

class Bench : public Clocked<Vaccumulator> {
 public:
  explicit Bench(bool two) {
    using namespace polaris::rtl;
    idle();
    top.data_on_i = 1;
    top.capacity_i = kRows;
    configure_buffers(kGroupOutputBuffers, two, 0, kRow1);
    reset();
  }
  void idle() { top.result_valid_i = top.psum_valid_i = top.store_valid_i = 0; }
  void tag(std::uint32_t row, bool accumulate) {
    top.result_tag_i = QData{accumulate} << 33 | QData{chance(2)} << 32 | row;
  }
};

}  // namespace unit

int main() {
  using namespace unit;
  long results = 0, psums = 0, stores = 0, wraps = 0;
  for (const bool two : {false, true}) {
    Bench bench(two);
    auto& top = bench.top;
    std::uint32_t memory[kRows][kDim] = {};
    const auto fill = [&](auto& port) {
      for (std::size_t k = 0; k < kDim; ++k)
        set_word(
            port, k,
            chance(3) ? any_of<std::uint32_t>({0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 1}) : word());
    };
    for (std::uint32_t row = 0; row < kRows; ++row) {
      top.psum_valid_i = top.psum_first_i = 1;
      top.psum_row_i = row;
      fill(top.psum_data_i);
      for (std::size_t k = 0; k < kDim; ++k) memory[row][k] = get_word(top.psum_data_i, k);
      bench.cycle();
    }
    std::uint32_t stored[kDim] = {};
    bool known = false;
    for (int i = 0; i < 50'000; ++i) {
      // Each buffer has at most one user.
      bench.idle();
      for (std::uint32_t buffer = 0; buffer < (two ? 2u : 1u); ++buffer) {
        const std::uint64_t user = below(4);
        const auto row = static_cast<std::uint32_t>(!two          ? below(kRows)
                                                    : buffer == 0 ? below(kRow1)
                                                                  : between(kRow1, kRows - 1));
        if (user == 0 && !top.result_valid_i) {
          top.result_valid_i = 1;
          bench.tag(row, chance(2));
          fill(top.result_data_i);
        } else if (user == 1 && !top.psum_valid_i) {
          top.psum_valid_i = 1;
          top.psum_first_i = chance(2);
          top.psum_row_i = row;
          fill(top.psum_data_i);
        } else if (user == 2 && !top.store_valid_i) {
          top.store_valid_i = 1;
          top.store_row_i = row;
        }
      }
      bench.cycle();
      if (top.store_valid_i) {
        known = true;
        ++stores;
        for (std::size_t k = 0; k < kDim; ++k) stored[k] = memory[top.store_row_i][k];
      }
      for (std::size_t k = 0; k < kDim; ++k) {
        if (known) CHECK_EQ(get_word(top.store_data_o, k), stored[k]);
        if (top.result_valid_i) {
          std::uint32_t& cell = memory[static_cast<std::uint32_t>(top.result_tag_i)][k];
          const std::uint32_t add = get_word(top.result_data_i, k);
          const bool accumulates = top.result_tag_i >> 33;
          const auto wide =
              std::int64_t{static_cast<std::int32_t>(cell)} + static_cast<std::int32_t>(add);
          wraps += accumulates && wide != static_cast<std::int32_t>(wide);
          cell = accumulates ? cell + add : add;
        }
        if (top.psum_valid_i) {
          std::uint32_t& cell = memory[top.psum_row_i][k];
          cell = (top.psum_first_i ? 0 : cell) | get_word(top.psum_data_i, k);
        }
      }
      results += top.result_valid_i;
      psums += top.psum_valid_i;
      CHECK_EQ(top.error_o, 0);
    }
  }
  CHECK(wraps > 1000);
  for (int user = 0; user < 3; ++user) {
    Bench bench(false);
    auto& top = bench.top;
    const auto use = [&](std::uint32_t row) {
      bench.idle();
      (user == 0 ? top.result_valid_i : user == 1 ? top.psum_valid_i : top.store_valid_i) = 1;
      bench.tag(row, false);
      top.psum_row_i = top.store_row_i = row;
      bench.cycle();
    };
    top.capacity_i = 5;
    use(4);
    CHECK_EQ(top.error_o, 0);
    use(5);
    CHECK_EQ(top.error_o, 1);
    bench.idle();
    bench.cycle();
    CHECK_EQ(top.error_o, 1);
  }
  const auto meet = [](bool result, bool psum, bool store) {
    Bench bench(true);
    bench.top.result_valid_i = result;
    bench.top.psum_valid_i = psum;
    bench.top.store_valid_i = store;
    bench.tag(kRow1, false);
    bench.top.psum_row_i = bench.top.store_row_i = kRow1 + 1;
    bench.cycle();
    bench.cycle();
  };
  expect_assertion("ResultsAndPsumsApart", [&] { meet(true, true, false); });
  expect_assertion("ResultsAndStoresApart", [&] { meet(true, false, true); });
  expect_assertion("PsumsAndStoresApart", [&] { meet(false, true, true); });
  return report(std::to_string(results) + " results, " + std::to_string(psums) + " loads, " +
                std::to_string(stores) + " stores, " + std::to_string(wraps) + " sums wrapped");
}
