// mesh: equal, value by value and cycle by cycle, to an array of Dim x Dim processing elements.
//
// The elements are ../mesh/processing_element.sv, simulated one by one and wired here as
// ../mesh/systolic_mesh.sv wires them: one small model serves every Dim, where one model of the
// whole array takes minutes to compile from Dim 32 on. (The whole array is compared by the twins.)
// verilate: processing_element
// verilate: mesh -GDim=4 --prefix Vmesh4
// verilate: mesh -GDim=8 --prefix Vmesh8
// verilate: mesh -GDim=16 --prefix Vmesh16
// verilate: mesh -GDim=32 --prefix Vmesh32
// verilate: mesh -GDim=64 --prefix Vmesh64
#include <algorithm>

#include "Vmesh16.h"
#include "Vmesh32.h"
#include "Vmesh4.h"
#include "Vmesh64.h"
#include "Vmesh8.h"
#include "Vprocessing_element.h"
#include "tests/rtl/unit/bench.hpp"

namespace unit {

/// What enters the array in one cycle.
struct Feed {
  bool weight_valid = false, row_valid = false, swap = false;
  unsigned weight_row = 0;
  std::vector<std::uint8_t> weights, row;
};

/// The array as it would be built, inputs and results skewed by shift registers.
class SystolicArray {
 public:
  explicit SystolicArray(std::size_t dim) : dim_(dim), past_(dim), sums_(dim) {
    for (std::size_t i = 0; i < dim * dim; ++i)
      elements_.push_back(std::make_unique<Vprocessing_element>(&context()));
    for (Feed& feed : past_) feed.weights = feed.row = std::vector<std::uint8_t>(dim);
    for (std::size_t k = 0; k < dim; ++k) sums_[k].resize(dim - k);
  }

  void cycle(const Feed& feed) {
    std::rotate(past_.rbegin(), past_.rbegin() + 1, past_.rend());
    past_[0] = feed;
    // Results leave their column before the edge that brings the next.
    for (std::size_t k = 0; k < dim_; ++k) {
      std::rotate(sums_[k].rbegin(), sums_[k].rbegin() + 1, sums_[k].rend());
      sums_[k][0] = at(dim_ - 1, k).sum_o;
    }
    // From the last element to the first: each reads what its neighbours held before the edge.
    for (std::size_t c = dim_; c-- > 0;)
      for (std::size_t k = dim_; k-- > 0;) {
        Vprocessing_element& e = at(c, k);
        e.shift_i = past_[k].weight_valid && past_[k].weight_row == c;
        e.weight_i = past_[k].weights[k];
        e.swap_i = k == 0 ? past_[c].swap : at(c, k - 1).swap_o;
        e.x_i = k == 0 ? past_[c].row[c] : at(c, k - 1).x_o;
        e.sum_i = c == 0 ? 0 : at(c - 1, k).sum_o;
        e.clk_i = 0;
        e.eval();
        e.clk_i = 1;
        e.eval();
      }
  }

  std::uint32_t result(std::size_t k) const { return sums_[k].back(); }

 private:
  Vprocessing_element& at(std::size_t c, std::size_t k) { return *elements_[c * dim_ + k]; }

  std::size_t dim_;
  std::vector<std::unique_ptr<Vprocessing_element>> elements_;
  std::vector<Feed> past_;                        ///< entry d: d cycles ago
  std::vector<std::vector<std::uint32_t>> sums_;  ///< per column, newest first
};

/// Legal stimulus, as preloader and streamer give it: weight rows in order, a swap once all are
/// shifted in, the next load from the swap's cycle on.
class Stimulus {
 public:
  /// Begins with the largest products of all, long enough to fill the array.
  explicit Stimulus(std::size_t dim)
      : dim_(dim), phase_left_(static_cast<int>(3 * dim)), extreme_(1) {}

  Feed next() {
    if (--phase_left_ < 0) {  // dense, sparse, quiet, back-to-back swaps, extreme values
      phase_left_ = static_cast<int>(between(1, 6 * dim_));
      gap_ = any_of<std::uint64_t>({0, 0, 2, 5});
      swap_gap_ = any_of<std::uint64_t>({0, 0, 3, 40});
      extreme_ = any_of<int>({0, 0, 1, 2});
      quiet_ = chance(8);
    }
    Feed feed;
    feed.weights.resize(dim_);
    feed.row.resize(dim_);
    for (auto* bytes : {&feed.weights, &feed.row})
      for (std::uint8_t& byte : *bytes) byte = value();
    const bool row = !quiet_ && (gap_ == 0 || !chance(gap_));
    feed.swap = row && full_ && (swap_gap_ == 0 || chance(swap_gap_));
    feed.row_valid = row && (loaded_ || feed.swap);
    feed.weight_valid = (!full_ || feed.swap) && (gap_ == 0 || !chance(gap_));
    feed.weight_row = next_row_;
    back_to_back += feed.swap && since_swap_ == dim_;
    preloads_in_swap_cycle += feed.swap && feed.weight_valid;
    bubbles += loaded_ && !feed.row_valid;
    swaps += feed.swap;
    since_swap_ = feed.swap ? 1 : since_swap_ + 1;
    loaded_ |= feed.swap;
    if (feed.swap) full_ = false;
    if (feed.weight_valid) {
      full_ = next_row_ + 1 == dim_;
      next_row_ = full_ ? 0 : next_row_ + 1;
    }
    return feed;
  }

  long swaps = 0, back_to_back = 0, preloads_in_swap_cycle = 0, bubbles = 0;

 private:
  std::uint8_t value() {
    if (extreme_ == 1) return 0x80;
    if (extreme_ == 2) return chance(2) ? 0x80 : 0x7F;
    return static_cast<std::uint8_t>(random_bits());
  }

  std::size_t dim_, since_swap_ = 0;
  unsigned next_row_ = 0;
  bool full_ = false, loaded_ = false, quiet_ = false;
  int phase_left_, extreme_;
  std::uint64_t gap_ = 0, swap_gap_ = 0;
};

template <class Top>
void compare(std::size_t dim, int cycles) {
  constexpr int kTagBits = 34;
  Clocked<Top> bench;
  Top& top = bench.top;
  top.row_valid_i = top.weight_valid_i = top.row_swap_i = 0;
  top.data_on_i = 1;
  bench.reset();
  SystolicArray array(dim);
  Stimulus stimulus(dim);
  std::vector<std::uint64_t> tags(2 * dim);  // of rows in flight, by cycle; bit 63: valid
  long rows = 0, extremes = 0, idle_cycles = 0, in_flight = 0;
  for (int cycle = 0; cycle < cycles; ++cycle) {
    const Feed feed = stimulus.next();
    top.weight_valid_i = feed.weight_valid;
    top.weight_row_i = feed.weight_row;
    top.row_valid_i = feed.row_valid;
    top.row_swap_i = feed.swap || (!feed.row_valid && chance(2));  // counts with a row only
    for (std::size_t i = 0; i < dim; ++i) {
      set_byte(top.weight_data_i, i, feed.weights[i]);
      set_byte(top.row_data_i, i, feed.row[i]);
    }
    const std::uint64_t tag = random_bits() >> (64 - kTagBits);
    top.row_tag_i = tag;
    bench.settle();
    const std::size_t slot = static_cast<std::size_t>(cycle) % tags.size();
    const bool due = tags[slot] >> 63;
    CHECK_EQ(top.result_valid_o, due);
    CHECK_EQ(top.idle_o, in_flight == 0 && !feed.row_valid);
    idle_cycles += top.idle_o;
    if (due) {
      CHECK_EQ(top.result_tag_o, tags[slot] & ~(1ull << 63));
      for (std::size_t k = 0; k < dim; ++k) {
        CHECK_EQ(get_word(top.result_data_o, k), array.result(k));
        extremes += array.result(k) == dim << 14;
      }
      ++rows;
      --in_flight;
    }
    tags[slot] = feed.row_valid ? tag | 1ull << 63 : 0;
    in_flight += feed.row_valid;
    bench.edge();
    array.cycle(feed);
  }
  CHECK(stimulus.back_to_back > 0);
  CHECK(stimulus.preloads_in_swap_cycle > 0);
  CHECK(stimulus.bubbles > 0);
  CHECK(extremes > 0);
  CHECK(idle_cycles > 0);
  CHECK(rows > cycles / 3);
  std::printf(
      "DIM %zu: %ld rows, %ld swaps (%ld back to back, %ld with a preload), %ld bubbles, "
      "%ld largest sums, %ld idle cycles\n",
      dim, rows, stimulus.swaps, stimulus.back_to_back, stimulus.preloads_in_swap_cycle,
      stimulus.bubbles, extremes, idle_cycles);
  if (dim < 64)
    expect_assertion("WeightRowExists", [&] {
      top.weight_valid_i = 1;
      top.weight_row_i = static_cast<CData>(dim);
      bench.cycle();
      top.weight_valid_i = 0;
      bench.cycle();
    });
}

}  // namespace unit

int main() {
  using namespace unit;
  compare<Vmesh4>(4, 40'000);
  compare<Vmesh8>(8, 20'000);
  compare<Vmesh16>(16, 10'000);
  compare<Vmesh32>(32, 5'000);
  compare<Vmesh64>(64, 2'500);
  return report("every result of five array sizes");
}
