// A process of its own that may not do what this one may.
#pragma once

#include <sys/resource.h>
#include <unistd.h>

#include <string>

#include "tests/cli/child.hpp"

namespace polaris {

inline constexpr uid_t kNobody = 65534;

/// Gives up the rights of root, for which neither modes of files nor limits on processes hold.
inline bool become_nobody() {
  return ::geteuid() != 0 || (::setgid(kNobody) == 0 && ::setuid(kNobody) == 0);
}

/// What `body`, which returns a text, says in a child process without root's rights.
template <typename Body>
std::string said_by_nobody(const Body& body) {
  int ends[2];
  if (::pipe(ends) != 0) return "no pipe";
  const pid_t child = new_child(::fork());
  if (child == 0) {
    ::close(ends[0]);
    const std::string text = become_nobody() ? body() : std::string("still root");
    const ssize_t written = ::write(ends[1], text.data(), text.size());
    ::_exit(written == static_cast<ssize_t>(text.size()) ? 0 : 1);
  }
  ::close(ends[1]);
  std::string text;
  char buffer[4096];
  for (ssize_t n = 0; (n = ::read(ends[0], buffer, sizeof buffer)) > 0;)
    text.append(buffer, static_cast<std::size_t>(n));
  ::close(ends[0]);
  const int status = end_of(child);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? text : text + " [died]";
}

/// In a child process only: from now on no thread and no process can be started.
inline void forbid_threads() {
  const rlimit none{0, 0};
  ::setrlimit(RLIMIT_NPROC, &none);
}

}  // namespace polaris
