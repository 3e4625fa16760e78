// Programs as child processes, to be watched and killed.
#pragma once

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <system_error>
#include <vector>

namespace polaris {

/// What fork or forkpty returned. Throws where there is no child: a signal sent to its number, -1,
/// would reach every process of the machine.
inline pid_t new_child(pid_t forked) {
  if (forked < 0) throw std::system_error(errno, std::generic_category(), "no child process");
  return forked;
}

/// Replaces this process by the program words[0] with these arguments.
[[noreturn]] inline void become(std::vector<std::string> words) {
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  ::execv(argv[0], argv.data());
  ::_exit(127);
}

/// The same in a child process; all it prints goes to the file `log`.
inline pid_t start_child(const std::vector<std::string>& words, const std::string& log) {
  const pid_t child = new_child(::fork());
  if (child != 0) return child;
  const int file = ::open(log.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
  ::dup2(file, STDOUT_FILENO);
  ::dup2(file, STDERR_FILENO);
  become(words);
}

/// Waits for the end of a child; its status.
inline int end_of(pid_t child) {
  int status = 0;
  ::waitpid(child, &status, 0);
  return status;
}

}  // namespace polaris
