// Every operation, every way to compute it, every shape (parity.hpp). With POLARIS_TIMING=1 their
// speed too.
#include <gtest/gtest.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>

#include "tests/kernels/parity.hpp"

namespace polaris {

std::vector<ParityOp> parity_ops() {
  std::vector<ParityOp> out = scoring_ops();
  for (const std::vector<ParityOp>& more : {ranking_ops(), fitting_ops()})
    out.insert(out.end(), more.begin(), more.end());
  return out;
}

namespace {

/// Candidates per second of every way, called as the tests do, copies to the device included; one
/// line of JSON each.
void print_rates(const ParityOp& op) {
  using Clock = std::chrono::steady_clock;
  constexpr std::chrono::duration<double> kLeast{0.1};
  const ParityCase& shape = op.cases.back();
  for (const ParityWay& way : op.ways) {
    way.run(shape);  // warm
    int calls = 0;
    const auto begin = Clock::now();
    std::chrono::duration<double> taken{};
    do {
      way.run(shape);
      ++calls;
      taken = Clock::now() - begin;
    } while (taken < kLeast);
    std::printf(
        "{\"op\": \"%s\", \"way\": \"%s\", \"candidates\": %d, \"samples\": %d, \"k\": %d, "
        "\"candidates_per_second\": %.4g}\n",
        op.name.c_str(), way.name.c_str(), shape.candidates, shape.samples, shape.k,
        calls * shape.candidates / taken.count());
  }
}

class Parity : public testing::TestWithParam<ParityOp> {};

TEST_P(Parity, WaysStayWithinTheirBounds) {
  const ParityOp& op = GetParam();
  std::vector<double> largest(op.ways.size());
  for (const ParityCase& shape : op.cases) {
    SCOPED_TRACE(testing::Message() << shape.candidates << " candidates, " << shape.samples
                                    << " samples, k " << shape.k << ", variant " << shape.variant);
    const ParityValues expected = op.reference(shape);
    for (std::size_t w = 0; w < op.ways.size(); ++w) {
      const double error = op.error(op.ways[w].run(shape), expected);
      EXPECT_LE(error, op.ways[w].bound) << op.ways[w].name;
      largest[w] = std::fmax(largest[w], error);
    }
  }
  for (std::size_t w = 0; w < op.ways.size(); ++w)
    RecordProperty(op.ways[w].name, testing::PrintToString(largest[w]));
  if (std::getenv("POLARIS_TIMING") != nullptr) print_rates(op);
}

INSTANTIATE_TEST_SUITE_P(Ops, Parity, testing::ValuesIn(parity_ops()),
                         [](const auto& op) { return op.param.name; });

}  // namespace
}  // namespace polaris
