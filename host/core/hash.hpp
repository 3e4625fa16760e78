// Content hashes: identity of spaces, models and RTL builds, not security.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace polaris {

/// 128-bit XXH3 of `bytes` as 32 lower-case hex digits.
std::string content_hash(std::string_view bytes);

}  // namespace polaris
