#include "host/rtl/subprocess.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cmath>
#include <cstring>
#include <thread>

#include "host/core/error.hpp"

extern char** environ;

namespace polaris {
namespace {

/// Attributes and file actions of one posix_spawn.
class SpawnPlan {
 public:
  SpawnPlan() {
    posix_spawn_file_actions_init(&actions_);
    posix_spawnattr_init(&attributes_);
    // Its own group; default signals, whatever this process has blocked or ignored.
    sigset_t all, none;
    sigfillset(&all);
    sigemptyset(&none);
    posix_spawnattr_setsigdefault(&attributes_, &all);
    posix_spawnattr_setsigmask(&attributes_, &none);
    posix_spawnattr_setflags(
        &attributes_, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
  }
  ~SpawnPlan() {
    posix_spawnattr_destroy(&attributes_);
    posix_spawn_file_actions_destroy(&actions_);
  }
  SpawnPlan(const SpawnPlan&) = delete;
  SpawnPlan& operator=(const SpawnPlan&) = delete;

  posix_spawn_file_actions_t* actions() { return &actions_; }

  pid_t spawn(const std::vector<std::string>& command) {
    std::vector<char*> argv;
    for (const std::string& word : command) argv.push_back(const_cast<char*>(word.c_str()));
    argv.push_back(nullptr);
    pid_t pid = -1;
    const int error = posix_spawnp(&pid, argv[0], &actions_, &attributes_, argv.data(), environ);
    if (error != 0) throw Failure(command.front() + ": cannot start: " + std::strerror(error));
    return pid;
  }

 private:
  posix_spawn_file_actions_t actions_;
  posix_spawnattr_t attributes_;
};

pid_t wait_for(pid_t pid, int& status, int options) {
  pid_t result;
  do result = ::waitpid(pid, &status, options);
  while (result < 0 && errno == EINTR);
  return result;
}

}  // namespace

double monotonic_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

Subprocess::Subprocess(const std::vector<std::string>& command) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
    throw Failure(command.front() + ": no socket: " + std::strerror(errno));
  socket_ = ends[0];
  SpawnPlan plan;
  posix_spawn_file_actions_adddup2(plan.actions(), ends[1], STDIN_FILENO);
  posix_spawn_file_actions_adddup2(plan.actions(), ends[1], STDOUT_FILENO);
  try {
    pid_ = plan.spawn(command);
  } catch (...) {
    ::close(ends[0]);
    ::close(ends[1]);
    throw;
  }
  ::close(ends[1]);
}

Subprocess::~Subprocess() {
  end();
  ::close(socket_);
}

bool Subprocess::write(std::string_view text) {
  while (!text.empty()) {
    const ssize_t sent = ::send(socket_, text.data(), text.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

Subprocess::Read Subprocess::read_line(std::string& line, double deadline_s) {
  while (true) {
    if (const std::size_t end = buffer_.find('\n'); end != std::string::npos) {
      line = buffer_.substr(0, end);
      buffer_.erase(0, end + 1);
      return Read::line;
    }
    int wait_ms = -1;
    if (deadline_s > 0.0) {
      const double left = deadline_s - monotonic_seconds();
      if (left <= 0.0) return Read::timeout;
      constexpr double kLongestWait = 1e6;
      wait_ms = static_cast<int>(std::ceil(std::min(left * 1e3, kLongestWait)));
    }
    pollfd watched{socket_, POLLIN, 0};
    if (::poll(&watched, 1, wait_ms) <= 0) continue;
    char chunk[4096];
    const ssize_t got = ::recv(socket_, chunk, sizeof(chunk), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return Read::closed;
    buffer_.append(chunk, static_cast<std::size_t>(got));
  }
}

void Subprocess::kill() noexcept {
  const std::lock_guard lock(mutex_);
  if (pid_ > 0) ::kill(-pid_, SIGKILL);
}

std::string Subprocess::end() {
  const std::lock_guard lock(mutex_);
  if (pid_ <= 0) return "";
  // A child that closed its output is about to end by itself: leave it that long, so that its own
  // exit status is reported.
  constexpr int kPatienceMs = 200;
  int status = 0;
  pid_t reaped = 0;
  for (int ms = 0; ms < kPatienceMs && reaped == 0; ++ms) {
    pollfd watched{socket_, 0, 0};
    if (::poll(&watched, 1, 0) == 0) break;  // still connected: no reason to wait
    reaped = wait_for(pid_, status, WNOHANG);
    if (reaped == 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  ::kill(-pid_, SIGKILL);
  if (reaped == 0) wait_for(pid_, status, 0);
  pid_ = -1;
  return WIFSIGNALED(status) ? "signal " + std::to_string(WTERMSIG(status))
                             : "exit code " + std::to_string(WEXITSTATUS(status));
}

int run_command(const std::vector<std::string>& command, const std::filesystem::path& log,
                const std::function<bool()>& cancelled) {
  SpawnPlan plan;
  posix_spawn_file_actions_addopen(plan.actions(), STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(plan.actions(), STDOUT_FILENO, log.c_str(),
                                   O_WRONLY | O_CREAT | O_TRUNC, 0644);
  posix_spawn_file_actions_adddup2(plan.actions(), STDOUT_FILENO, STDERR_FILENO);
  const pid_t pid = plan.spawn(command);
  constexpr std::chrono::milliseconds kPollPeriod(10);
  int status = 0;
  while (wait_for(pid, status, WNOHANG) == 0) {
    if (cancelled && cancelled()) {
      ::kill(-pid, SIGKILL);
      wait_for(pid, status, 0);
      break;
    }
    std::this_thread::sleep_for(kPollPeriod);
  }
  constexpr int kSignalBase = 128;  // as shells report it
  return WIFSIGNALED(status) ? kSignalBase + WTERMSIG(status) : WEXITSTATUS(status);
}

}  // namespace polaris
