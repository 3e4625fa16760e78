#include "host/rtl/subprocess.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cmath>
#include <cstring>
#include <iterator>
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

/// An open file, or none.
class Descriptor {
 public:
  Descriptor() = default;
  ~Descriptor() { close(); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;

  int get() const { return fd_; }
  void set(int fd) { fd_ = fd; }
  void close() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }

 private:
  int fd_ = -1;
};

/// What a child writes.
class OutputPipe {
 public:
  OutputPipe() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0)
      throw Failure(std::string("no pipe: ") + std::strerror(errno));
    reader_.set(ends[0]);
    writer_.set(ends[1]);
    ::fcntl(reader_.get(), F_SETFL, O_NONBLOCK);
  }

  /// -1 once all has been read.
  int reader() const { return reader_.get(); }
  int writer() const { return writer_.get(); }
  void close_writer() { writer_.close(); }

  /// Appends what is there, up to one buffer; false where there is nothing.
  bool read(std::string& text) {
    char chunk[16384];
    const ssize_t got = ::read(reader_.get(), chunk, sizeof(chunk));
    if (got == 0) reader_.close();
    if (got <= 0) return false;
    text.append(chunk, static_cast<std::size_t>(got));
    return true;
  }

 private:
  Descriptor reader_, writer_;
};

/// A nameless file that holds `text`, read from its beginning.
void open_text(std::string_view text, Descriptor& file) {
  file.set(::memfd_create("polaris-job", MFD_CLOEXEC));
  if (file.get() < 0) throw Failure(std::string("no memory file: ") + std::strerror(errno));
  while (!text.empty()) {
    const ssize_t written = ::write(file.get(), text.data(), text.size());
    if (written < 0) throw Failure(std::string("memory file: ") + std::strerror(errno));
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  ::lseek(file.get(), 0, SEEK_SET);
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

FilterProcess::Output FilterProcess::run(std::string_view input, double deadline_s,
                                         std::size_t max_bytes) {
  constexpr int kPollMs = 10;
  constexpr std::size_t kErrBytes = 4096;
  Descriptor in;
  open_text(input, in);
  OutputPipe out, err;
  {
    SpawnPlan plan;
    posix_spawn_file_actions_adddup2(plan.actions(), in.get(), STDIN_FILENO);
    posix_spawn_file_actions_adddup2(plan.actions(), out.writer(), STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(plan.actions(), err.writer(), STDERR_FILENO);
    const std::lock_guard lock(mutex_);
    if (killed_) return {Ending::signalled, SIGKILL, "", ""};
    pid_ = plan.spawn(command_);
  }
  out.close_writer();
  err.close_writer();
  Output result;
  for (bool ended = false;;) {
    if (!ended && has_ended()) {
      ended = true;
      ::kill(-pid_, SIGKILL);  // its own children would keep the pipes open
    }
    const bool more_out = out.read(result.out), more_err = err.read(result.err);
    const bool more = more_out || more_err;
    if (result.err.size() > 2 * kErrBytes) result.err.erase(0, result.err.size() - kErrBytes);
    if (result.out.size() > max_bytes) {
      result.ending = Ending::too_long;
      break;
    }
    if (ended && !more) break;
    if (deadline_s > 0.0 && monotonic_seconds() >= deadline_s) {
      result.ending = Ending::timed_out;
      break;
    }
    if (more) continue;
    pollfd watched[] = {{out.reader(), POLLIN, 0}, {err.reader(), POLLIN, 0}};
    ::poll(watched, std::size(watched), kPollMs);
  }
  const int status = end();
  if (result.ending != Ending::exited) return result;
  result.ending = WIFSIGNALED(status) ? Ending::signalled : Ending::exited;
  result.code = WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status);
  return result;
}

void FilterProcess::kill() noexcept {
  const std::lock_guard lock(mutex_);
  killed_ = true;
  if (pid_ > 0) ::kill(-pid_, SIGKILL);
}

/// Leaves the child unreaped: its group keeps its number until then.
bool FilterProcess::has_ended() const {
  siginfo_t info{};
  return ::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
         info.si_pid == pid_;
}

int FilterProcess::end() {
  const std::lock_guard lock(mutex_);
  int status = 0;
  if (pid_ > 0) {
    ::kill(-pid_, SIGKILL);
    wait_for(pid_, status, 0);
  }
  pid_ = -1;
  return status;
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
