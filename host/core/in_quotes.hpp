// Foreign text in messages.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace polaris {

/// Whether a byte would be acted upon by a terminal, or end a line, where text is shown.
inline bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

/// `text` as a message may show it: printable(), on one line, cut after `longest` bytes.
std::string one_line(std::string_view text, std::size_t longest = 60);

/// The same in quotes.
std::string in_quotes(std::string_view text);

}  // namespace polaris
