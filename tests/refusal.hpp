// What a call is refused with.
#pragma once

#include <string>

#include "host/core/error.hpp"

namespace polaris {

/// The message of the exception of type E that `action` throws; `accepted` where it throws none.
template <typename E = Error, typename Action>
std::string refusal_of(const Action& action, const std::string& accepted = "accepted") {
  try {
    action();
  } catch (const E& error) {
    return error.what();
  }
  return accepted;
}

}  // namespace polaris
