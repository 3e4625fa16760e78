#include "host/rtl/guarded_process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "host/core/error.hpp"

extern char** environ;

namespace polaris {
namespace {

/// As installed with this executable, in the build folder, or where the build would install it.
std::string guard_program() {
  namespace fs = std::filesystem;
  std::error_code ignored;
  const fs::path self = fs::read_symlink("/proc/self/exe", ignored);
  const fs::path beside = self.parent_path().parent_path() / POLARIS_GUARD_BELOW_PREFIX;
  for (const fs::path& candidate : {beside, fs::path(POLARIS_BUILT_GUARD)})
    if (fs::is_regular_file(candidate, ignored)) return candidate.string();
  return POLARIS_INSTALLED_GUARD;
}

/// Attributes and file actions of one posix_spawn: a group of its own, default signals whatever
/// this process has blocked or ignored.
class SpawnPlan {
 public:
  SpawnPlan() {
    posix_spawn_file_actions_init(&actions_);
    posix_spawnattr_init(&attributes_);
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

  /// `from` is `to` in the child; equal numbers: is inherited.
  void pass(int from, int to) {
    if (from >= 0) posix_spawn_file_actions_adddup2(&actions_, from, to);
  }

  pid_t spawn(const std::vector<std::string>& command) {
    std::vector<char*> argv;
    for (const std::string& word : command) argv.push_back(const_cast<char*>(word.c_str()));
    argv.push_back(nullptr);
    pid_t pid = -1;
    const int error = posix_spawn(&pid, argv[0], &actions_, &attributes_, argv.data(), environ);
    if (error != 0) throw Failure(command.front() + ": cannot start: " + std::strerror(error));
    return pid;
  }

 private:
  posix_spawn_file_actions_t actions_;
  posix_spawnattr_t attributes_;
};

}  // namespace

GuardedProcess::GuardedProcess(const std::vector<std::string>& command, const Streams& streams) {
  const std::string refused = command.front() + ": cannot start";
  int ends[2] = {-1, -1};
  const bool made = ::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0;
  lifeline_ = owned_descriptor(made ? ends[0] : -1, refused);
  Descriptor theirs = owned_descriptor(ends[1], refused);

  SpawnPlan plan;
  plan.pass(streams.in, STDIN_FILENO);
  plan.pass(streams.out, STDOUT_FILENO);
  plan.pass(streams.err, STDERR_FILENO);
  plan.pass(theirs.get(), theirs.get());
  std::vector<std::string> words = {guard_program(), std::to_string(theirs.get())};
  words.insert(words.end(), command.begin(), command.end());
  guard_ = plan.spawn(words);
  theirs.close();

  int error = 0;
  ssize_t got = 0;
  do got = ::recv(lifeline_.get(), &error, sizeof error, MSG_WAITALL);
  while (got < 0 && errno == EINTR);
  if (got == sizeof error && error == 0) return;
  status();
  throw Failure(refused + ": " + (error != 0 ? std::strerror(error) : "its guard was killed"));
}

GuardedProcess::~GuardedProcess() {
  kill();
  status();
}

void GuardedProcess::kill() noexcept { ::shutdown(lifeline_.get(), SHUT_WR); }

bool GuardedProcess::wait(int timeout_ms) const {
  pollfd watched{lifeline_.get(), POLLIN, 0};
  int ready = 0;
  do ready = ::poll(&watched, 1, timeout_ms);
  while (ready < 0 && errno == EINTR);
  return ready > 0;
}

int GuardedProcess::status() {
  if (guard_ <= 0) return status_;
  pid_t ended = 0;
  do ended = ::waitpid(guard_, &status_, 0);
  while (ended < 0 && errno == EINTR);
  guard_ = -1;
  return status_;
}

}  // namespace polaris
