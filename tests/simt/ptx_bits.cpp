// Logic, shifts and bit fields.
#include <algorithm>
#include <bit>

#include "tests/simt/ptx_types.hpp"

namespace simt::ptx {
namespace {

struct And {
  template <class T>
  static T apply(T a, T b) {
    return static_cast<T>(a & b);
  }
};
struct Or {
  template <class T>
  static T apply(T a, T b) {
    return static_cast<T>(a | b);
  }
};
struct Xor {
  template <class T>
  static T apply(T a, T b) {
    return static_cast<T>(a ^ b);
  }
};
struct Complement {
  template <class T>
  static T apply(T a) {
    return static_cast<T>(~a);
  }
};
struct Reverse {
  template <class T>
  static T apply(T a) {
    T out = 0;
    for (unsigned i = 0; i < 8 * sizeof(T); ++i) out = static_cast<T>(out << 1 | (a >> i & 1));
    return out;
  }
};
/// Amounts of shifts are 32 bits wide and not taken modulo the width.
template <class T>
bool shift_left(Machine& m, const Instruction& in) {
  const auto by = m.get<std::uint32_t>(in, 2);
  const auto value = static_cast<std::uint64_t>(m.get<Wrapping<T>>(in, 1));
  m.set(in, 0, static_cast<Wrapping<T>>(by >= 8 * sizeof(T) ? 0 : value << by));
  return true;
}
template <class T>
bool shift_right(Machine& m, const Instruction& in) {
  constexpr std::uint32_t kLargest = 8 * sizeof(T) - 1;
  const auto by = m.get<std::uint32_t>(in, 2);
  const T value = m.get<T>(in, 1);
  const bool gone = by > kLargest && !(std::is_signed_v<T> && value < 0);
  m.set(in, 0, gone ? T{0} : static_cast<T>(value >> std::min(by, kLargest)));
  return true;
}

bool not_predicate(Machine& m, const Instruction& in) {
  m.set(in, 0, m.raw(in, 1) ^ 1);
  return true;
}

template <class T>
bool count_bits(Machine& m, const Instruction& in) {
  m.set(in, 0, static_cast<std::uint32_t>(std::popcount(m.get<T>(in, 1))));
  return true;
}
template <class T>
bool leading_zeros(Machine& m, const Instruction& in) {
  m.set(in, 0, static_cast<std::uint32_t>(std::countl_zero(m.get<T>(in, 1))));
  return true;
}
/// Highest bit that differs from the sign; variant 1: as the amount of a left shift.
template <class T>
bool find_bit(Machine& m, const Instruction& in) {
  const T value = m.get<T>(in, 1);
  auto bits = static_cast<Wrapping<T>>(value);
  if (std::is_signed_v<T> && value < 0) bits = static_cast<Wrapping<T>>(~bits);
  const int zeros = std::countl_zero(bits);
  constexpr int kWidth = 8 * sizeof(T);
  const int at = zeros == kWidth ? -1 : in.variant == 1 ? zeros : kWidth - 1 - zeros;
  m.set(in, 0, static_cast<std::uint32_t>(at));
  return true;
}
template <class T>
Bits<T> low_bits(unsigned length) {
  return length >= 8 * sizeof(T) ? static_cast<Bits<T>>(~Bits<T>{0})
                                 : static_cast<Bits<T>>((Bits<T>{1} << length) - 1);
}
template <class T>
bool extract_bits(Machine& m, const Instruction& in) {
  constexpr unsigned kWidth = 8 * sizeof(T);
  const auto value = m.get<Bits<T>>(in, 1);
  const unsigned begin = m.get<std::uint8_t>(in, 2), length = m.get<std::uint8_t>(in, 3);
  Bits<T> out = begin >= kWidth ? 0 : static_cast<Bits<T>>(value >> begin) & low_bits<T>(length);
  if (std::is_signed_v<T> && length > 0) {
    const unsigned sign = std::min(begin + length - 1, kWidth - 1);
    if ((value >> sign & 1) != 0)
      out |= static_cast<Bits<T>>(~low_bits<T>(std::min(length, kWidth - std::min(begin, kWidth))));
  }
  m.set(in, 0, out);
  return true;
}
template <class T>
bool insert_bits(Machine& m, const Instruction& in) {
  const auto from = m.get<Bits<T>>(in, 1), into = m.get<Bits<T>>(in, 2);
  const unsigned begin = m.get<std::uint8_t>(in, 3), length = m.get<std::uint8_t>(in, 4);
  if (begin >= 8 * sizeof(T)) {
    m.set(in, 0, into);
    return true;
  }
  const auto mask = static_cast<Bits<T>>(low_bits<T>(length) << begin);
  m.set(in, 0, static_cast<Bits<T>>((into & ~mask) | (static_cast<Bits<T>>(from << begin) & mask)));
  return true;
}
/// Picks four of the eight bytes of two registers; bit 3 of a selector asks for the byte's sign.
bool permute_bytes(Machine& m, const Instruction& in) {
  const std::uint64_t bytes =
      m.get<std::uint32_t>(in, 1) | std::uint64_t{m.get<std::uint32_t>(in, 2)} << 32;
  const auto selectors = m.get<std::uint32_t>(in, 3);
  std::uint32_t out = 0;
  for (unsigned i = 0; i < 4; ++i) {
    const unsigned selector = selectors >> (4 * i) & 15u;
    std::uint32_t byte = bytes >> (8 * (selector & 7u)) & 0xFFu;
    if ((selector & 8u) != 0) byte = (byte & 0x80u) != 0 ? 0xFFu : 0;
    out |= byte << (8 * i);
  }
  m.set(in, 0, out);
  return true;
}
/// Any function of three bits: the table's bit a << 2 | b << 1 | c.
bool logic_of_three(Machine& m, const Instruction& in) {
  const auto a = m.get<std::uint32_t>(in, 1), b = m.get<std::uint32_t>(in, 2),
             c = m.get<std::uint32_t>(in, 3), table = m.get<std::uint32_t>(in, 4);
  std::uint32_t out = 0;
  for (unsigned row = 0; row < 8; ++row) {
    if ((table >> row & 1u) == 0) continue;
    out |= ((row & 4u) != 0 ? a : ~a) & ((row & 2u) != 0 ? b : ~b) & ((row & 1u) != 0 ? c : ~c);
  }
  m.set(in, 0, out);
  return true;
}
/// Shifts two registers as one. variant: bit 0 left, bit 1 the amount wraps at 32.
bool funnel_shift(Machine& m, const Instruction& in) {
  const std::uint64_t both =
      m.get<std::uint32_t>(in, 1) | std::uint64_t{m.get<std::uint32_t>(in, 2)} << 32;
  auto by = m.get<std::uint32_t>(in, 3);
  by = (in.variant & 2u) != 0 ? by & 31u : std::min(by, 32u);
  m.set(in, 0, static_cast<std::uint32_t>((in.variant & 1u) != 0 ? both << by >> 32 : both >> by));
  return true;
}

template <class Make>
Handler for_bits(const std::string& type, Make make) {
  const int bytes = bytes_of_type(type);
  return type == "pred" ? make(std::uint64_t{})
         : bytes == 2   ? make(std::uint16_t{})
         : bytes == 4   ? make(std::uint32_t{})
         : bytes == 8   ? make(std::uint64_t{})
                        : nullptr;
}

}  // namespace

void decode_bits(Mnemonic& mnemonic, Instruction& in) {
  const std::string& base = mnemonic.base();
  static const std::set<std::string> known = {"and", "or",   "xor",  "not",  "shl",
                                              "shr", "popc", "clz",  "brev", "bfind",
                                              "bfe", "bfi",  "prmt", "lop3", "shf"};
  if (known.count(base) == 0) return;
  if (base == "shf") {
    in.variant =
        static_cast<std::uint8_t>((mnemonic.take("l") ? 1 : 0) | (mnemonic.take("wrap") ? 2 : 0));
    mnemonic.take("r");
    mnemonic.take("clamp");
    in.run = funnel_shift;
  }
  if (base == "bfind") in.variant = mnemonic.take("shiftamt") ? 1 : 0;
  const std::string type = mnemonic.take_type();
  if (base == "and") in.run = SIMT_BINARY(for_bits, And);
  if (base == "or") in.run = SIMT_BINARY(for_bits, Or);
  if (base == "xor") in.run = SIMT_BINARY(for_bits, Xor);
  if (base == "not") in.run = type == "pred" ? not_predicate : SIMT_UNARY(for_bits, Complement);
  if (base == "shl") in.run = SIMT_TYPED(for_integer, shift_left);
  if (base == "shr") in.run = SIMT_TYPED(for_integer, shift_right);
  if (base == "popc") in.run = SIMT_TYPED(for_bits, count_bits);
  if (base == "clz") in.run = SIMT_TYPED(for_bits, leading_zeros);
  if (base == "brev") in.run = SIMT_UNARY(for_bits, Reverse);
  if (base == "bfind") in.run = SIMT_TYPED(for_integer, find_bit);
  if (base == "bfe") in.run = SIMT_TYPED(for_integer, extract_bits);
  if (base == "bfi") in.run = SIMT_TYPED(for_integer, insert_bits);
  if (base == "prmt") in.run = permute_bytes;
  if (base == "lop3") in.run = logic_of_three;
}

}  // namespace simt::ptx
