// Sweeps as child processes that are killed between two of their checkpoints.
#pragma once

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>

#include <chrono>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "tests/cli/child.hpp"
#include "tests/cli/run_polaris.hpp"

namespace polaris {

inline std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) out += word + " ";
  return out;
}

inline pid_t start(std::vector<std::string> words, const std::string& out, const std::string& err) {
  words.insert(words.end(), {"--out", out});
  words.insert(words.begin(), POLARIS_BINARY);
  return start_child(words, err);
}

inline std::string shard_file(const std::string& folder) {
  return (std::filesystem::path(folder) / "shard-0001-of-0001.json").string();
}

/// Waits until the shard's file differs from `before`, or the process has ended.
inline void wait_for_checkpoint(pid_t child, const std::string& folder, const std::string& before) {
  while (content_of(shard_file(folder)) == before) {
    siginfo_t info{};
    ::waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOHANG | WNOWAIT);
    if (info.si_pid == child) return;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
}

/// Starts the sweep and kills it as soon as it has written its next checkpoint.
inline void kill_after_checkpoint(const std::vector<std::string>& words, const std::string& folder,
                                  const std::string& log) {
  const std::string before = content_of(shard_file(folder));
  const pid_t child = start(words, folder, log);
  wait_for_checkpoint(child, folder, before);
  ::kill(child, SIGKILL);
  const int status = end_of(child);
  ASSERT_TRUE(WIFSIGNALED(status)) << "not killed in time: " << content_of(log);
  EXPECT_FALSE(std::filesystem::exists(std::filesystem::path(folder) / "certificate.json"));
}

}  // namespace polaris
