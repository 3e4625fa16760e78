// fifo: order, fullness, and that a full queue refuses even where it is popped.
// verilate: fifo -GWidth=8 -GDepth=2 --prefix Vfifo2
// verilate: fifo -GWidth=8 -GDepth=4 --prefix Vfifo4
#include <deque>
#include <set>

#include "Vfifo2.h"
#include "Vfifo4.h"
#include "tests/rtl/unit/bench.hpp"

namespace unit {

template <class Top>
class FifoBench : public Clocked<Top> {
 public:
  explicit FifoBench(std::size_t depth) : depth_(depth) { restart(); }

  void restart() {
    this->top.valid_i = this->top.ready_i = 0;
    this->reset();
    expected_.clear();
    writes_ = 0;
  }

  void step(bool valid, bool ready) {
    visited_.insert(((writes_ % (2 * depth_)) * (depth_ + 1) + expected_.size()) * 4 + 2 * valid +
                    ready);
    this->top.valid_i = valid;
    this->top.ready_i = ready;
    this->top.data_i = next_;
    this->settle();
    const bool room = expected_.size() < depth_, some = !expected_.empty();
    CHECK_EQ(this->top.ready_o, room);
    CHECK_EQ(this->top.valid_o, some);
    if (some) CHECK_EQ(this->top.data_o, expected_.front());
    this->edge();
    if (ready && some) expected_.pop_front();
    if (valid && room) {
      expected_.push_back(next_++);
      ++writes_;
    }
  }

  /// Pointer positions x occupancies x inputs, of all that there are.
  bool visited_all() const { return visited_.size() == 2 * depth_ * (depth_ + 1) * 4; }
  std::size_t visited() const { return visited_.size(); }

 private:
  std::size_t depth_, writes_ = 0;
  std::uint8_t next_ = 0;
  std::deque<std::uint8_t> expected_;
  std::set<std::size_t> visited_;
};

/// Every sequence of inputs of a length from reset, then a long random walk.
template <class Top>
std::size_t exercise(std::size_t depth, int length) {
  FifoBench<Top> bench(depth);
  for (std::uint64_t sequence = 0; sequence < 1ull << (2 * length); ++sequence) {
    bench.restart();
    for (int i = 0; i < length; ++i)
      bench.step(sequence >> (2 * i) & 1, sequence >> (2 * i + 1) & 1);
  }
  // Phases that fill and phases that drain, so that both ends are met at every pointer position.
  for (int i = 0; i < 20'000; ++i) {
    const bool filling = i / 16 % 2 == 0;
    bench.step(!chance(filling ? 8 : 2), !chance(filling ? 2 : 8));
  }
  CHECK(bench.visited_all());
  return bench.visited();
}

}  // namespace unit

int main() {
  using namespace unit;
  constexpr int kLength = 8;
  const std::size_t two = exercise<Vfifo2>(2, kLength), four = exercise<Vfifo4>(4, kLength);
  return report("all " + std::to_string(1 << (2 * kLength)) + " input sequences of length " +
                std::to_string(kLength) + " and all " + std::to_string(two) + " + " +
                std::to_string(four) + " state-input pairs of depths 2 and 4");
}
