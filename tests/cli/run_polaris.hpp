// Runs the built program as a user does and keeps what it printed.
#pragma once

#include <gtest/gtest.h>
#include <sys/wait.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "host/cli/exit_code.hpp"
#include "tests/temporary_folder.hpp"

namespace polaris {

struct Outcome {
  int exit_code = -1;
  std::string out, err;
};

inline std::string content_of(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// `arguments` as a shell takes them; `environment` stands before the command (A=1 B=2).
inline Outcome run_polaris(const std::string& arguments, const std::string& environment = "") {
  const TemporaryFolder folder;
  const std::string command = environment + " '" POLARIS_BINARY "' " + arguments + " > '" +
                              folder / "out" + "' 2> '" + folder / "err" + "' < /dev/null";
  const int status = std::system(command.c_str());
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, content_of(folder / "out"),
          content_of(folder / "err")};
}

/// A refusal: the exit code, nothing on stdout, one line on stderr that holds `part`.
inline void expect_refused(const Outcome& outcome, int exit_code, const std::string& part) {
  EXPECT_EQ(outcome.exit_code, exit_code) << outcome.err;
  EXPECT_EQ(outcome.out, "");
  EXPECT_EQ(std::count(outcome.err.begin(), outcome.err.end(), '\n'), 1) << outcome.err;
  EXPECT_NE(outcome.err.find(part), std::string::npos) << outcome.err;
}

}  // namespace polaris
