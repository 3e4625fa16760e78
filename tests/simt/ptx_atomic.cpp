// atom and red.
#include <algorithm>
#include <cstring>

#include "tests/simt/ptx.hpp"

namespace simt::ptx {
namespace {

enum class Update : std::uint8_t { add, least, greatest, exchange, swap, all, any, odd, up, down };
/// variant: the space in the low bits, "red" (no result) in bit 7.
constexpr std::uint8_t kNoResult = 0x80;

template <class T>
T updated(Update update, T old, T value, T replacement) {
  switch (update) {
    case Update::add:
      return static_cast<T>(old + value);
    case Update::least:
      return std::min(old, value);
    case Update::greatest:
      return std::max(old, value);
    case Update::exchange:
      return value;
    case Update::swap:
      return old == value ? replacement : old;
    default:
      break;
  }
  if constexpr (std::is_unsigned_v<T>) {
    if (update == Update::all) return old & value;
    if (update == Update::any) return old | value;
    if (update == Update::odd) return old ^ value;
    if (update == Update::up) return old >= value ? 0 : old + 1;
    if (update == Update::down) return old == 0 || old > value ? value : old - 1;
  }
  return old;
}

template <class T, Update kUpdate>
bool atomic(Machine& m, const Instruction& in) {
  const std::size_t first = (in.variant & kNoResult) != 0 ? 0 : 1;
  const std::uint64_t address = m.raw(in, first) + static_cast<std::uint64_t>(in.offset);
  unsigned char* at =
      access(m, in, address, static_cast<Space>(in.variant & ~kNoResult), sizeof(T), true, true);
  T old;
  std::memcpy(&old, at, sizeof old);
  const T third = kUpdate == Update::swap ? m.get<T>(in, first + 2) : T{};
  const T fresh = updated(kUpdate, old, m.get<T>(in, first + 1), third);
  std::memcpy(at, &fresh, sizeof fresh);
  if (first == 1) m.set(in, 0, old);
  return true;
}

template <Update kUpdate>
Handler of_type(const std::string& type) {
  if (type == "u32" || type == "b32") return atomic<std::uint32_t, kUpdate>;
  if (type == "u64" || type == "b64") return atomic<std::uint64_t, kUpdate>;
  if (type == "s32") return atomic<std::int32_t, kUpdate>;
  if (type == "s64") return atomic<std::int64_t, kUpdate>;
  if (type == "f32" && kUpdate == Update::add) return atomic<float, kUpdate>;
  if (type == "f64" && kUpdate == Update::add) return atomic<double, kUpdate>;
  return nullptr;
}

}  // namespace

void decode_atomic(Mnemonic& mnemonic, Instruction& in) {
  const bool has_result = mnemonic.base() == "atom";
  if (!has_result && mnemonic.base() != "red") return;
  for (const char* hint : {"relaxed", "gpu", "cta", "sys"}) mnemonic.take(hint);
  const Space space = mnemonic.take("global")   ? Space::global
                      : mnemonic.take("shared") ? Space::shared
                                                : Space::generic;
  in.variant =
      static_cast<std::uint8_t>(static_cast<unsigned>(space) | (has_result ? 0 : kNoResult));
  in.work = Work::atomic;
  const std::string type = mnemonic.take_type();
  if (mnemonic.take("add")) in.run = of_type<Update::add>(type);
  if (mnemonic.take("min")) in.run = of_type<Update::least>(type);
  if (mnemonic.take("max")) in.run = of_type<Update::greatest>(type);
  if (mnemonic.take("exch")) in.run = of_type<Update::exchange>(type);
  if (mnemonic.take("cas")) in.run = of_type<Update::swap>(type);
  if (mnemonic.take("and")) in.run = of_type<Update::all>(type);
  if (mnemonic.take("or")) in.run = of_type<Update::any>(type);
  if (mnemonic.take("xor")) in.run = of_type<Update::odd>(type);
  if (mnemonic.take("inc")) in.run = of_type<Update::up>(type);
  if (mnemonic.take("dec")) in.run = of_type<Update::down>(type);
}

}  // namespace simt::ptx
