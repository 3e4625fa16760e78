// Which processes are left of a program: all that inherited a mark in their environment, whatever
// their parents, groups and sessions.
#pragma once

#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

namespace polaris {

/// From construction on, what this process starts carries a mark that no other program has.
class ProcessMark {
 public:
  ProcessMark() : text_("POLARIS_TEST_MARK=" + std::to_string(::getpid())) {
    ::setenv("POLARIS_TEST_MARK", std::to_string(::getpid()).c_str(), 1);
  }
  ~ProcessMark() { ::unsetenv("POLARIS_TEST_MARK"); }
  ProcessMark(const ProcessMark&) = delete;
  ProcessMark& operator=(const ProcessMark&) = delete;

  /// Command lines of the processes that run, this one left out.
  std::vector<std::string> running() const {
    std::vector<std::string> out;
    std::error_code ignored;
    for (const auto& entry : std::filesystem::directory_iterator("/proc", ignored)) {
      const std::string name = entry.path().filename().string();
      if (name.find_first_not_of("0123456789") != std::string::npos ||
          name == std::to_string(::getpid()))
        continue;
      const std::string environment = content(entry.path() / "environ");
      if (('\0' + environment).find('\0' + text_ + '\0') == std::string::npos) continue;
      out.push_back(name + " " + content(entry.path() / "cmdline"));
      for (char& c : out.back())
        if (c == '\0') c = ' ';
    }
    return out;
  }

  /// What still runs after a while that is long for a guard to do its work.
  std::vector<std::string> left() const {
    constexpr int kTries = 1500;
    for (int i = 0; i < kTries && !running().empty(); ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    return running();
  }

 private:
  static std::string content(const std::filesystem::path& file) {
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }

  std::string text_;
};

}  // namespace polaris
