// Handlers by type, shared by the decoders of arithmetic and of bits.
#pragma once

#include <cstdint>
#include <string>
#include <type_traits>

#include "tests/simt/ptx.hpp"

namespace simt::ptx {

template <class T>
using Bits = std::conditional_t<
    sizeof(T) == 1, std::uint8_t,
    std::conditional_t<sizeof(T) == 2, std::uint16_t,
                       std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>>>;
template <class T>
inline constexpr bool is_float = std::is_floating_point_v<T>;
/// In unsigned arithmetic: PTX integers wrap.
template <class T>
using Wrapping =
    typename std::conditional_t<is_float<T>, std::type_identity<T>, std::make_unsigned<T>>::type;
__extension__ using Wide = __int128;

/// Calls make(T{}) for the C++ type of a PTX type; null where there is none.
template <class Make>
Handler for_type(const std::string& type, Make make) {
  if (type == "u8" || type == "b8") return make(std::uint8_t{});
  if (type == "u16" || type == "b16") return make(std::uint16_t{});
  if (type == "s16") return make(std::int16_t{});
  if (type == "u32" || type == "b32") return make(std::uint32_t{});
  if (type == "s32") return make(std::int32_t{});
  if (type == "u64" || type == "b64") return make(std::uint64_t{});
  if (type == "s64") return make(std::int64_t{});
  if (type == "f32") return make(float{});
  if (type == "f64") return make(double{});
  return nullptr;
}
template <class Make>
Handler for_integer(const std::string& type, Make make) {
  return for_type(type, [&](auto t) -> Handler {
    if constexpr (is_float<decltype(t)>)
      return nullptr;
    else
      return make(t);
  });
}

template <class Op, class T>
bool binary(Machine& m, const Instruction& in) {
  m.set(in, 0, Op::template apply<T>(m.get<T>(in, 1), m.get<T>(in, 2)));
  return true;
}
template <class Op, class T>
bool unary(Machine& m, const Instruction& in) {
  m.set(in, 0, Op::apply(m.get<T>(in, 1)));
  return true;
}
#define SIMT_TYPED(decode, handler) \
  decode(type, [](auto t) -> Handler { return handler<decltype(t)>; })
#define SIMT_BINARY(decode, op) \
  decode(type, [](auto t) -> Handler { return binary<op, decltype(t)>; })
#define SIMT_UNARY(decode, op) \
  decode(type, [](auto t) -> Handler { return unary<op, decltype(t)>; })

}  // namespace simt::ptx
