// Numbers as people's tools write them into tables: "128", " 128", "+128", "128.0", "1.28e+02".
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace polaris {

/// `text` without the blanks and tabs around it.
std::string_view trimmed(std::string_view text);

/// The integer that `text` is, whatever its notation; nothing where it is none, "1.5" and the empty
/// text included, or where it needs more than 64 bits.
std::optional<std::int64_t> read_integer(std::string_view text);

/// The finite number that `text` is, rounded to the nearest; nothing where it is none.
std::optional<double> read_number(std::string_view text);

}  // namespace polaris
