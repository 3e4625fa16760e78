#include "host/io/number_text.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <string>

namespace polaris {
namespace {

constexpr std::string_view kDigits = "0123456789";

template <typename T>
std::optional<T> read_all(std::string_view text) {
  T value{};
  const char* const last = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data(), last, value);
  if (error != std::errc{} || end != last) return std::nullopt;
  return value;
}

/// `text` without blanks around it and without a plus sign, which from_chars does not take.
std::string_view bare(std::string_view text) {
  text = trimmed(text);
  if (text.size() > 1 && text[0] == '+' && text[1] != '-' && text[1] != '+') text.remove_prefix(1);
  return text;
}

/// Takes the digits that `text` begins with.
std::string_view take_digits(std::string_view& text) {
  const std::string_view out = text.substr(0, text.find_first_not_of(kDigits));
  text.remove_prefix(out.size());
  return out;
}

}  // namespace

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlanks = " \t";
  const std::size_t begin = text.find_first_not_of(kBlanks);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlanks) - begin + 1);
}

std::optional<std::int64_t> read_integer(std::string_view text) {
  text = bare(text);
  if (const auto plain = read_all<std::int64_t>(text)) return plain;
  // Digits, point and exponent are put together by hand: a double would round large integers, and
  // fractions such as 128.00000000000000001 to integers.
  std::string digits;
  if (text.starts_with('-')) {
    digits = "-";
    text.remove_prefix(1);
  }
  const std::string_view whole = take_digits(text);
  std::string_view fraction;
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    fraction = take_digits(text);
  }
  if (whole.empty() && fraction.empty()) return std::nullopt;
  std::int64_t exponent = 0;
  if (text.starts_with('e') || text.starts_with('E')) {
    const auto read = read_all<std::int32_t>(bare(text.substr(1)));
    if (!read || trimmed(text.substr(1)).size() != text.size() - 1) return std::nullopt;
    exponent = *read;
    text = {};
  }
  if (!text.empty()) return std::nullopt;

  digits += whole;
  digits += fraction;
  // The number is `digits` times 10^shift.
  const std::int64_t shift = exponent - static_cast<std::int64_t>(fraction.size());
  if (digits.find_first_not_of("-0") == std::string::npos) return 0;
  if (shift < 0) {
    const auto dropped = static_cast<std::size_t>(-shift);
    if (dropped >= digits.size()) return std::nullopt;
    if (digits.find_first_not_of('0', digits.size() - dropped) != std::string::npos)
      return std::nullopt;
    digits.resize(digits.size() - dropped);
  } else {
    constexpr std::int64_t kMostDigits = 19;  // of 64 bits
    if (shift >= kMostDigits) return std::nullopt;
    digits.append(static_cast<std::size_t>(shift), '0');
  }
  return read_all<std::int64_t>(digits);
}

std::optional<double> read_number(std::string_view text) {
  const auto value = read_all<double>(bare(text));
  if (!value || !std::isfinite(*value)) return std::nullopt;
  return value;
}

}  // namespace polaris
