// Child processes: one that talks over a socket, one that turns a text into another, and one that
// is waited for.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "host/rtl/guarded_process.hpp"

namespace polaris {

/// A child whose stdin and stdout are one stream of lines; its stderr is ours. Killed at the latest
/// by the destructor.
class Subprocess {
 public:
  enum class Read { line, closed, timeout };

  /// Throws Failure where the program cannot be started.
  explicit Subprocess(const std::vector<std::string>& command);
  Subprocess(const Subprocess&) = delete;
  Subprocess& operator=(const Subprocess&) = delete;

  /// False where the child has closed its end.
  bool write(std::string_view text);

  /// The next line without its end; waits at most until `deadline_s` of monotonic_seconds()
  /// (0: for ever).
  Read read_line(std::string& line, double deadline_s);

  /// Ends the child at once; any thread may call it.
  void kill() noexcept { process_->kill(); }

  /// Kills and says how the child ended: "exit code 3", "signal 9".
  std::string end();

 private:
  Descriptor socket_;
  std::unique_ptr<GuardedProcess> process_;
  std::string buffer_;
};

/// A program that reads a text on its stdin, writes one to its stdout, and ends. Its stdin is a
/// file, so that it may read it late, in part or never. Nothing that it has started is left when it
/// has ended.
class FilterProcess {
 public:
  enum class Ending { exited, signalled, timed_out, too_long };

  struct Output {
    Ending ending = Ending::exited;
    int code = 0;     ///< exit code or signal number
    std::string out;  ///< all of stdout, where the program exited
    std::string err;  ///< the last of stderr, some KiB
  };

  explicit FilterProcess(std::vector<std::string> command) : command_(std::move(command)) {}
  FilterProcess(const FilterProcess&) = delete;
  FilterProcess& operator=(const FilterProcess&) = delete;

  /// Runs the program on `input`; ends it at `deadline_s` of monotonic_seconds() (0: never) or
  /// where it writes more than `max_bytes`. Throws Failure where it cannot be started.
  Output run(std::string_view input, double deadline_s, std::size_t max_bytes);

  /// Ends the program at once, also one that a later `run` would start; any thread may call it.
  void kill() noexcept;

 private:
  std::vector<std::string> command_;
  std::mutex mutex_;                   ///< guards the two below
  GuardedProcess* process_ = nullptr;  ///< while it runs
  bool killed_ = false;
};

/// Seconds of the monotonic clock.
double monotonic_seconds();

/// Runs a command with stdout and stderr in `log`; polls `cancelled` and kills the command when it
/// turns true. Returns the exit code (128 + n for signal n). Throws Failure
/// where the program cannot be started or the log not be written.
int run_command(const std::vector<std::string>& command, const std::filesystem::path& log,
                const std::function<bool()>& cancelled);

}  // namespace polaris
