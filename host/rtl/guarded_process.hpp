// A command that cannot outlive this process, whatever ends it: a signal that nobody can catch, a
// crash, the out-of-memory killer. All child processes of host/ are started here.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "host/core/descriptor.hpp"

namespace polaris {

/// A command with all that descends from it, in the hands of a guard process (guard.cpp) that holds
/// a socket to us. The command has a process group of its own, so that a Ctrl-C at the terminal
/// does not reach it, and default signals.
class GuardedProcess {
 public:
  /// The command's standard streams; a negative one is inherited.
  struct Streams {
    int in = -1;
    int out = -1;
    int err = -1;
  };

  /// Throws Failure where the program cannot be started.
  GuardedProcess(const std::vector<std::string>& command, const Streams& streams);
  /// Kills and reaps.
  ~GuardedProcess();
  GuardedProcess(const GuardedProcess&) = delete;
  GuardedProcess& operator=(const GuardedProcess&) = delete;

  /// Ends the command and all its descendants; any thread may call it.
  void kill() noexcept;

  /// Waits up to `timeout_ms` (negative: as long as it takes) for the end of the command and of all
  /// its descendants, which the command's own end brings about; false where the time is up.
  bool wait(int timeout_ms) const;
  /// Readable from that end on, for poll().
  int end_signal() const { return lifeline_.get(); }

  /// After `wait` or `kill`: the command's status, as waitpid gives it. Waits for the end.
  int status();

 private:
  Descriptor lifeline_;  ///< the guard kills its command when it is closed or shut down
  pid_t guard_ = -1;
  int status_ = 0;
};

}  // namespace polaris
