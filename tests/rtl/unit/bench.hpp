// What the unit benches share: clocking, random stimulus, checks, and counting of failed
// assertions. A bench is one translation unit with the Verilated modules that its comment lines
// `// verilate: MODULE FLAGS` name (run.sh).
#pragma once

#include <verilated.h>

#include <concepts>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "host/rtl/register_map.hpp"

namespace unit {

inline long checks = 0, failures = 0, failed_assertions = 0;
inline bool assertions_expected = false;

constexpr long kMostFailures = 10;

inline void check(bool holds, const char* what, int line, std::int64_t got, std::int64_t want) {
  ++checks;
  if (holds) return;
  std::printf("line %d: %s: got %lld, want %lld\n", line, what, static_cast<long long>(got),
              static_cast<long long>(want));
  if (++failures >= kMostFailures) std::exit(1);
}

#define CHECK_EQ(got, want)                                                                 \
  unit::check((got) == (want), #got " == " #want, __LINE__, static_cast<std::int64_t>(got), \
              static_cast<std::int64_t>(want))
#define CHECK(condition) unit::check((condition), #condition, __LINE__, 0, 1)

inline VerilatedContext& context() {
  static VerilatedContext the;
  return the;
}

inline std::mt19937_64 random_bits(1);
inline std::uint64_t below(std::uint64_t bound) { return random_bits() % bound; }
inline std::uint64_t between(std::uint64_t low, std::uint64_t high) {
  return low + below(high - low + 1);
}
inline bool chance(std::uint64_t one_in) { return below(one_in) == 0; }
inline std::uint32_t word() { return static_cast<std::uint32_t>(random_bits()); }

template <class T>
const T& any_of(const std::vector<T>& values) {
  return values[below(values.size())];
}

/// A module with its clocks. A cycle is: set inputs, settle(), look at outputs, edge().
template <class Top>
class Clocked {
 public:
  Top top{&context()};

  void settle() {
    if constexpr (requires { top.clk_i; }) top.clk_i = 0;
    top.eval();
  }
  void edge() {
    top.clk_i = 1;
    top.eval();
  }
  void cycle() {
    settle();
    edge();
  }
  /// Keeps the inputs as they are; the caller has set them to idle.
  void reset() {
    top.rst_ni = 0;
    cycle();
    cycle();
    top.rst_ni = 1;
  }
  void configure(std::uint32_t address, std::uint32_t value) {
    top.cfg_i = static_cast<QData>(address) << 32 | value;
    top.cfg_clk_i = 0;
    top.eval();
    top.cfg_clk_i = 1;
    top.eval();
  }
  /// Tile buffers of `group`: one or two, and their first rows.
  void configure_buffers(std::uint32_t group, bool two, std::uint32_t row0, std::uint32_t row1) {
    using namespace polaris::rtl;
    configure(group * 4 + kBufferCount, two ? 2 : 1);
    configure(group * 4 + kBufferRow0, row0);
    configure(group * 4 + kBufferRow1, row1);
  }
};

/// Byte i of a wide or narrow port.
template <std::size_t Words>
std::uint8_t get_byte(const VlWide<Words>& port, std::size_t i) {
  return static_cast<std::uint8_t>(port[i / 4] >> (i % 4 * 8));
}
inline std::uint8_t get_byte(std::uint64_t port, std::size_t i) {
  return static_cast<std::uint8_t>(port >> (i * 8));
}
template <std::size_t Words>
void set_byte(VlWide<Words>& port, std::size_t i, std::uint8_t value) {
  const int shift = static_cast<int>(i % 4 * 8);
  port[i / 4] = (port[i / 4] & ~(0xFFu << shift)) | static_cast<std::uint32_t>(value) << shift;
}
template <std::unsigned_integral Port>
void set_byte(Port& port, std::size_t i, std::uint8_t value) {
  const int shift = static_cast<int>(i * 8);
  port = static_cast<Port>((port & ~(Port{0xFF} << shift)) | static_cast<Port>(value) << shift);
}
template <class Port>
std::uint32_t get_word(const Port& port, std::size_t i) {
  std::uint32_t out = 0;
  for (std::size_t b = 4; b-- > 0;) out = out << 8 | get_byte(port, 4 * i + b);
  return out;
}
template <class Port>
void set_word(Port& port, std::size_t i, std::uint32_t value) {
  for (std::size_t b = 0; b < 4; ++b)
    set_byte(port, 4 * i + b, static_cast<std::uint8_t>(value >> (8 * b)));
}

/// `misuse` must make at least one assertion of the RTL fail.
template <class Misuse>
void expect_assertion(const char* name, Misuse misuse) {
  const long before = failed_assertions;
  assertions_expected = true;
  misuse();
  assertions_expected = false;
  check(failed_assertions > before, name, __LINE__, failed_assertions - before, 1);
  failed_assertions = before;
}

/// Exit code of a bench; `what` it covered, in numbers.
inline int report(const std::string& what) {
  std::printf("%ld checks, %ld failed; %ld assertions failed; %s\n", checks, failures,
              failed_assertions, what.c_str());
  return failures == 0 && failed_assertions == 0 ? 0 : 1;
}

}  // namespace unit

// Verilator's handler of $error, replaced: benches go on and count.
void vl_stop(const char* file, int line, const char*) {
  ++unit::failed_assertions;
  if (!unit::assertions_expected) std::printf("assertion failed: %s:%d\n", file, line);
}
