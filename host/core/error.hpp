// The two kinds of failure that reach a user.
#pragma once

#include <stdexcept>
#include <string>

namespace polaris {

/// Wrong input: a file, an option, an argument. One line: what was expected, what came, where.
/// The command line exits with 2.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;

  static Error expected(const std::string& expected, const std::string& got,
                        const std::string& where) {
    return Error(where + ": expected " + expected + ", got " + got);
  }
};

/// Right input that could not be carried out: disk full, a tool missing, a build broken.
/// The command line exits with 1.
class Failure : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace polaris
