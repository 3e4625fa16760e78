// What the exit status says, the same in every command; README.md has the table.
#pragma once

#include <stdexcept>

namespace polaris {

inline constexpr int kSuccess = 0;  ///< the whole answer
inline constexpr int kFailed = 1;   ///< failed, interrupted, or no answer was found
inline constexpr int kWrongInput =
    2;                              ///< an option or a file is wrong; nothing can be done with it
inline constexpr int kPartial = 3;  ///< done and written, but some rows of the input were invalid

/// Ends a command whose results are written, with kPartial: one line that says what is missing from
/// them.
class PartialAnswer : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace polaris
