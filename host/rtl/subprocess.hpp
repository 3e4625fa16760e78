// Child processes: one that talks over a socket, and one that is waited for.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
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

/// Seconds of the monotonic clock.
double monotonic_seconds();

/// Runs a command with stdout and stderr in `log`; polls `cancelled` and kills the command's
/// process group when it turns true. Returns the exit code (128 + n for signal n). Throws Failure
/// where the program cannot be started.
int run_command(const std::vector<std::string>& command, const std::filesystem::path& log,
                const std::function<bool()>& cancelled);

}  // namespace polaris
