// token_counter: no token lost or made up; misuse is noticed.
// verilate: token_counter
#include "Vtoken_counter.h"
#include "tests/rtl/unit/bench.hpp"

namespace unit {

class Bench : public Clocked<Vtoken_counter> {
 public:
  void restart() {
    top.put_i = top.take_i = 0;
    reset();
    count = 0;
  }
  void step(bool put, bool take) {
    top.put_i = put;
    top.take_i = take;
    settle();
    CHECK_EQ(top.available_o, count > 0);
    edge();
    count += put - take;
  }
  int count = 0;
};

/// All continuations of `length` more legal steps; returns how many sequences end here or below.
long walk(Bench& bench, std::vector<int>& past, int length) {
  bench.restart();
  for (const int inputs : past) bench.step(inputs & 1, inputs >> 1);
  if (length == 0) return 1;
  const int count = bench.count;
  long sequences = 0;
  for (int inputs = 0; inputs < 4; ++inputs) {
    const int put = inputs & 1, take = inputs >> 1;
    if (take > count || count + put - take > 2) continue;
    past.push_back(inputs);
    sequences += walk(bench, past, length - 1);
    past.pop_back();
  }
  return sequences;
}

}  // namespace unit

int main() {
  using namespace unit;
  constexpr int kLength = 9;
  Bench bench;
  std::vector<int> past;
  const long sequences = walk(bench, past, kLength);
  expect_assertion("TakesOnlyWhatIsThere", [&] {
    bench.restart();
    bench.top.take_i = 1;
    bench.cycle();
    bench.cycle();
  });
  expect_assertion("AtMostTwo", [&] {
    bench.restart();
    bench.top.put_i = 1;
    for (int i = 0; i < 4; ++i) bench.cycle();
  });
  bench.restart();
  return report("all " + std::to_string(sequences) + " legal sequences of length " +
                std::to_string(kLength));
}
