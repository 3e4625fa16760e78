// JSON as text, whatever bytes its strings hold.
#pragma once

#include <string>

namespace polaris {

/// The text of an nlohmann JSON value. Strings from outside (paths, words of other programs) need
/// not be UTF-8: what is not becomes U+FFFD, where the library's own default is to throw.
template <typename Json>
std::string json_text(const Json& value, int indent = -1) {
  return value.dump(indent, ' ', /*ensure_ascii=*/false, Json::error_handler_t::replace);
}

}  // namespace polaris
