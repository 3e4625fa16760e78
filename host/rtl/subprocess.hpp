// Child processes: one that talks over a socket, one that turns a text into another, and one that
// is waited for.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace polaris {

/// A child whose stdin and stdout are one stream of lines. It has its own process group, so that a
/// Ctrl-C at the terminal does not reach it; its stderr is ours. Killed and reaped at the latest by
/// the destructor.
class Subprocess {
 public:
  enum class Read { line, closed, timeout };

  /// Throws Failure where the program cannot be started.
  explicit Subprocess(const std::vector<std::string>& command);
  ~Subprocess();
  Subprocess(const Subprocess&) = delete;
  Subprocess& operator=(const Subprocess&) = delete;

  /// False where the child has closed its end.
  bool write(std::string_view text);

  /// The next line without its end; waits at most until `deadline_s` of monotonic_seconds()
  /// (0: for ever).
  Read read_line(std::string& line, double deadline_s);

  /// Ends the child at once; any thread may call it.
  void kill() noexcept;

  /// Kills, reaps, and says how the child ended: "exit code 3", "signal 9".
  std::string end();

 private:
  std::mutex mutex_;  ///< guards pid_: a reaped pid must not be signalled
  pid_t pid_ = -1;
  int socket_ = -1;
  std::string buffer_;
};

/// A program that reads a text on its stdin, writes one to its stdout, and ends. Its stdin is a
/// file, so that it may read it late, in part or never; it has its own process group, of which
/// nothing is left when it has ended.
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
  ~FilterProcess() { end(); }
  FilterProcess(const FilterProcess&) = delete;
  FilterProcess& operator=(const FilterProcess&) = delete;

  /// Runs the program on `input`; ends it at `deadline_s` of monotonic_seconds() (0: never) or
  /// where it writes more than `max_bytes`. Throws Failure where it cannot be started.
  Output run(std::string_view input, double deadline_s, std::size_t max_bytes);

  /// Ends the program at once, also one that a later `run` would start; any thread may call it.
  void kill() noexcept;

 private:
  bool has_ended() const;
  int end();

  std::vector<std::string> command_;
  std::mutex mutex_;  ///< guards the two below: a reaped pid must not be signalled
  pid_t pid_ = -1;
  bool killed_ = false;
};

/// Seconds of the monotonic clock.
double monotonic_seconds();

/// Runs a command with stdout and stderr in `log`; polls `cancelled` and kills the command's
/// process group when it turns true. Returns the exit code (128 + n for signal n). Throws Failure
/// where the program cannot be started.
int run_command(const std::vector<std::string>& command, const std::filesystem::path& log,
                const std::function<bool()>& cancelled);

}  // namespace polaris
