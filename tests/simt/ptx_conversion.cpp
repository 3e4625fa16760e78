// cvt, mov and cvta: one value in another form.
#include <algorithm>
#include <cmath>
#include <limits>
#include <type_traits>

#include "simt/matrix.hpp"
#include "tests/simt/ptx.hpp"

namespace simt::ptx {
namespace {

enum class Rounding : std::uint8_t { none, nearest, zero, down, up };

double rounded(double x, Rounding rounding) {
  switch (rounding) {
    case Rounding::none:
      return x;
    case Rounding::nearest:
      return std::nearbyint(x);
    case Rounding::zero:
      return std::trunc(x);
    case Rounding::down:
      return std::floor(x);
    case Rounding::up:
      return std::ceil(x);
  }
  return x;
}

/// Out of range: the nearest value; NaN: 0.
template <class To>
To to_integer(double x) {
  if (x != x) return 0;
  if (x <= static_cast<double>(std::numeric_limits<To>::min()))
    return std::numeric_limits<To>::min();
  if (x >= static_cast<double>(std::numeric_limits<To>::max()))
    return std::numeric_limits<To>::max();
  return static_cast<To>(x);
}

template <class To, class From>
bool convert(Machine& m, const Instruction& in) {
  const From value = m.get<From>(in, 1);
  const auto rounding = static_cast<Rounding>(in.variant);
  if constexpr (std::is_floating_point_v<From> && std::is_floating_point_v<To>)
    m.set(in, 0, static_cast<To>(rounded(value, rounding)));
  else if constexpr (std::is_floating_point_v<From>)
    m.set(in, 0, to_integer<To>(rounded(value, rounding)));
  else
    m.set(in, 0, static_cast<To>(value));
  return true;
}

std::uint16_t to_bfloat16(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  if (value != value) return 0x7FFF;
  return static_cast<std::uint16_t>((bits + 0x7FFFu + (bits >> 16 & 1u)) >> 16);
}
bool float_to_bfloat16(Machine& m, const Instruction& in) {
  m.set(in, 0, to_bfloat16(m.get<float>(in, 1)));
  return true;
}
/// The first source is the high half.
bool floats_to_bfloat16_pair(Machine& m, const Instruction& in) {
  const std::uint32_t high = to_bfloat16(m.get<float>(in, 1));
  m.set(in, 0, high << 16 | to_bfloat16(m.get<float>(in, 2)));
  return true;
}
bool bfloat16_to_float(Machine& m, const Instruction& in) {
  m.set(in, 0, std::uint32_t{m.get<std::uint16_t>(in, 1)} << 16);
  return true;
}
bool float_to_tf32(Machine& m, const Instruction& in) {
  m.set(in, 0, round_to_tf32(m.get<float>(in, 1)));
  return true;
}

/// To [0, 1]; NaN: 0.
template <class T>
bool saturate(Machine& m, const Instruction& in) {
  const T value = m.get<T>(in, 1);
  m.set(in, 0, value > T(0) ? std::min(value, T(1)) : T(0));
  return true;
}

template <class To>
Handler convert_from(const std::string& type) {
  if (type == "u8") return convert<To, std::uint8_t>;
  if (type == "s8") return convert<To, std::int8_t>;
  if (type == "u16") return convert<To, std::uint16_t>;
  if (type == "s16") return convert<To, std::int16_t>;
  if (type == "u32") return convert<To, std::uint32_t>;
  if (type == "s32") return convert<To, std::int32_t>;
  if (type == "u64") return convert<To, std::uint64_t>;
  if (type == "s64") return convert<To, std::int64_t>;
  if (type == "f32") return convert<To, float>;
  if (type == "f64") return convert<To, double>;
  return nullptr;
}

Handler conversion(const std::string& to, const std::string& from) {
  if (to == "tf32" && from == "f32") return float_to_tf32;
  if (to == "bf16" && from == "f32") return float_to_bfloat16;
  if (to == "bf16x2" && from == "f32") return floats_to_bfloat16_pair;
  if (to == "f32" && from == "bf16") return bfloat16_to_float;
  if (to == "u8") return convert_from<std::uint8_t>(from);
  if (to == "s8") return convert_from<std::int8_t>(from);
  if (to == "u16") return convert_from<std::uint16_t>(from);
  if (to == "s16") return convert_from<std::int16_t>(from);
  if (to == "u32") return convert_from<std::uint32_t>(from);
  if (to == "s32") return convert_from<std::int32_t>(from);
  if (to == "u64") return convert_from<std::uint64_t>(from);
  if (to == "s64") return convert_from<std::int64_t>(from);
  if (to == "f32") return convert_from<float>(from);
  if (to == "f64") return convert_from<double>(from);
  return nullptr;
}

void decode_cvt(Mnemonic& mnemonic, Instruction& in) {
  const auto rounding = [&mnemonic] {
    if (mnemonic.take("rni")) return Rounding::nearest;
    if (mnemonic.take("rzi")) return Rounding::zero;
    if (mnemonic.take("rmi")) return Rounding::down;
    if (mnemonic.take("rpi")) return Rounding::up;
    return Rounding::none;
  }();
  in.variant = static_cast<std::uint8_t>(rounding);
  const std::string to = mnemonic.take_type(), from = mnemonic.take_type();
  // Results of floats are rounded to nearest; tf32 knows ties away from zero (rna) only.
  mnemonic.take(to == "tf32" ? "rna" : "rn");
  mnemonic.take("ftz");
  if (!mnemonic.take("sat"))
    in.run = conversion(to, from);
  else if (to == from && (to == "f32" || to == "f64"))
    in.run = to == "f32" ? saturate<float> : saturate<double>;
}

template <class T>
bool move(Machine& m, const Instruction& in) {
  m.set(in, 0, m.get<T>(in, 1));
  return true;
}
/// One register from several, the first one low, and back; bytes: of a part.
bool pack(Machine& m, const Instruction& in) {
  std::uint64_t out = 0;
  for (std::size_t i = 1; i < in.operands.size(); ++i) {
    const std::uint64_t part = m.raw(in, i) & ((std::uint64_t{1} << (8 * in.bytes)) - 1);
    out |= part << (8 * in.bytes * (i - 1));
  }
  m.set(in, 0, out);
  return true;
}
bool unpack(Machine& m, const Instruction& in) {
  const std::size_t parts = in.operands.size() - 1;
  const std::uint64_t value = m.raw(in, parts);
  for (std::size_t i = 0; i < parts; ++i)
    m.set(in, i, value >> (8 * in.bytes * i) & ((std::uint64_t{1} << (8 * in.bytes)) - 1));
  return true;
}

void decode_mov(Mnemonic& mnemonic, Instruction& in) {
  const auto bytes = static_cast<std::size_t>(bytes_of_type(mnemonic.take_type()));
  if (in.operands.size() > 2) {
    in.bytes = static_cast<std::uint8_t>(bytes / (in.operands.size() - 1));
    // "{a, b}, c" takes apart, "c, {a, b}" puts together.
    in.run = in.text.find('{') < in.text.find(',') ? unpack : pack;
    return;
  }
  in.run = bytes == 1   ? move<std::uint8_t>
           : bytes == 2 ? move<std::uint16_t>
           : bytes == 4 ? move<std::uint32_t>
                        : move<std::uint64_t>;
}

template <bool kToGeneric>
bool shared_address(Machine& m, const Instruction& in) {
  const std::uint64_t window = to_bits(shared_window());
  m.set(in, 0, kToGeneric ? m.raw(in, 1) + window : m.raw(in, 1) - window);
  return true;
}
template <bool kToGeneric>
bool local_address(Machine& m, const Instruction& in) {
  m.set(in, 0, kToGeneric ? m.raw(in, 1) + kLocalBase : m.raw(in, 1) - kLocalBase);
  return true;
}

void decode_cvta(Mnemonic& mnemonic, Instruction& in) {
  const bool from_generic = mnemonic.take("to");
  mnemonic.take_type();
  if (mnemonic.take("shared"))
    in.run = from_generic ? shared_address<false> : shared_address<true>;
  else if (mnemonic.take("local"))
    in.run = from_generic ? local_address<false> : local_address<true>;
  else if (mnemonic.take("global") || mnemonic.take("param") || mnemonic.take("const"))
    in.run = move<std::uint64_t>;
}

}  // namespace

void decode_conversion(Mnemonic& mnemonic, Instruction& in) {
  if (mnemonic.base() == "cvt") decode_cvt(mnemonic, in);
  if (mnemonic.base() == "mov") decode_mov(mnemonic, in);
  if (mnemonic.base() == "cvta") decode_cvta(mnemonic, in);
}

}  // namespace simt::ptx
