#include "host/core/printable.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

namespace polaris {
namespace {

struct CodePoint {
  char32_t value = 0;
  std::size_t bytes = 0;  ///< 0: the text does not begin with one
};

/// The code point at the beginning of a text that is not empty: UTF-8 in its shortest form, no
/// surrogates, at most U+10FFFF.
CodePoint first_code_point(std::string_view text) {
  const auto byte = [text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  if (byte(0) < 0x80) return {byte(0), 1};
  const std::size_t bytes = byte(0) >= 0xF0 ? 4 : byte(0) >= 0xE0 ? 3 : 2;
  if (byte(0) < 0xC0 || byte(0) > 0xF4 || text.size() < bytes) return {};
  char32_t value = byte(0) & (0x7Fu >> bytes);
  for (std::size_t i = 1; i < bytes; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return {};
    value = value << 6 | (byte(i) & 0x3Fu);
  }
  constexpr std::array<char32_t, 5> kLeast = {0, 0, 0x80, 0x800, 0x10000};
  const bool surrogate = value >= 0xD800 && value <= 0xDFFF;
  if (value < kLeast[bytes] || value > 0x10FFFF || surrogate) return {};
  return {value, bytes};
}

bool acts_on_a_terminal(char32_t c) {
  if (c < 0x20 || (c >= 0x7F && c <= 0x9F)) return true;  // C0, DEL, C1
  return c == 0x061C || c == 0x200E || c == 0x200F ||     // marks of direction
         (c >= 0x2028 && c <= 0x202E) ||                  // ends of line, embeddings, overrides
         (c >= 0x2066 && c <= 0x2069);                    // isolates
}

std::string filtered(std::string_view text, std::string_view kept) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const CodePoint c = first_code_point(text);
    const std::size_t bytes = std::max<std::size_t>(c.bytes, 1);
    const bool shown = c.bytes > 0 && (!acts_on_a_terminal(c.value) ||
                                       kept.find(text.front()) != std::string_view::npos);
    if (shown)
      out += text.substr(0, bytes);
    else
      out += '?';
    text.remove_prefix(bytes);
  }
  return out;
}

}  // namespace

std::string printable(std::string_view text) { return filtered(text, ""); }

std::string printable_lines(std::string_view text) { return filtered(text, "\t\n"); }

bool is_name(std::string_view text) {
  constexpr std::size_t kLongest = 256;
  return !text.empty() && text.size() <= kLongest && printable(text) == text;
}

std::string file_name_of(std::string_view name) {
  std::string out(name);
  const auto is_plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
  };
  std::replace_if(
      out.begin(), out.end(), [&](char c) { return !is_plain(c); }, '_');
  if (out.starts_with('.') || out.starts_with('-')) out.front() = '_';
  return out;
}

}  // namespace polaris
