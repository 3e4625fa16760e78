// job-guard DESCRIPTOR COMMAND ARGS...: runs a command for as long as someone holds the other end
// of the socket DESCRIPTOR, and leaves no process of it behind, however that someone ends.
//
// A process group is not enough: `timeout`, interactive shells and daemons leave it. The guard is
// the subreaper of all that descends from the command: what loses its parent becomes the guard's
// child, and is killed as such until there is none. It ends as the command did, with its exit code
// or by its signal, after having written one int to the socket: 0, or why the command could not be
// started (errno). It has one thread and no library but C's, so that its start costs little.
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>

namespace {

/// Starts argv[0] in a group of its own with default signals; `error` is why it did not start.
pid_t start(char** argv, volatile int& error) {
  const pid_t child = ::vfork();  // returns when the child has become the command, or has failed
  if (child != 0) {
    if (child < 0) error = errno;
    return child;
  }
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // in case somebody kills the guard
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::execvp(argv[0], argv);
  error = errno;
  ::_exit(EXIT_FAILURE);
}

/// Whether the command has ended. It stays unreaped, so that its number still means its group;
/// others that end are reaped.
bool has_ended(pid_t command) {
  for (;;) {
    siginfo_t info{};
    if (::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid == 0)
      return false;
    if (info.si_pid == command) return true;
    ::waitpid(info.si_pid, nullptr, WNOHANG);
  }
}

/// The parent of a process that is written in /proc, 0 where there is no such process.
pid_t parent_of(const char* pid) {
  char path[64], text[1024];
  ::snprintf(path, sizeof path, "/proc/%.20s/stat", pid);
  const int file = ::open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return 0;
  const ssize_t length = ::read(file, text, sizeof text - 1);
  ::close(file);
  text[length < 0 ? 0 : length] = '\0';
  const char* const name_end = ::strrchr(text, ')');  // a name may hold blanks and brackets
  int parent = 0;
  if (name_end == nullptr || ::sscanf(name_end + 1, " %*c %d", &parent) != 1) return 0;
  return parent;
}

void kill_children() {
  DIR* const processes = ::opendir("/proc");
  if (processes == nullptr) return;
  while (const dirent* const entry = ::readdir(processes))
    if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9' &&
        parent_of(entry->d_name) == ::getpid())
      ::kill(::atoi(entry->d_name), SIGKILL);
  ::closedir(processes);
}

/// Kills and reaps all that is left; the command's status. Each round kills one generation: the
/// next one then has the guard for its parent.
int end_all(pid_t command) {
  constexpr int kRounds = 5000;  // of a millisecond: what may not be killed must not keep us here
  int command_status = 0;
  ::kill(-command, SIGKILL);
  for (int round = 0; round < kRounds; ++round) {
    int status = 0;
    pid_t ended = 0;
    while ((ended = ::waitpid(-1, &status, WNOHANG)) > 0)
      if (ended == command) command_status = status;
    if (ended < 0) break;  // no child is left
    kill_children();
    constexpr timespec kPause{0, 1'000'000};
    ::nanosleep(&kPause, nullptr);
  }
  return command_status;
}

/// Ends the guard as the command has ended.
[[noreturn]] void end_like(int status) {
  if (!WIFSIGNALED(status)) ::_exit(WEXITSTATUS(status));
  constexpr rlimit kNoCore{0, 0};
  ::setrlimit(RLIMIT_CORE, &kNoCore);
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::raise(WTERMSIG(status));
  ::_exit(EXIT_FAILURE);
}

int guard(int lifeline, char** command_line) {
  ::fcntl(lifeline, F_SETFD, FD_CLOEXEC);
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  sigset_t all;
  sigfillset(&all);
  ::sigprocmask(SIG_SETMASK, &all, nullptr);
  const int ended_children = ::signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK);
  volatile int error = 0;
  const pid_t command = start(command_line, error);
  const int answer = error;
  ::send(lifeline, &answer, sizeof answer, MSG_NOSIGNAL);
  if (answer != 0) return EXIT_FAILURE;
  // Whoever reads the command's output waits for its end, not for ours.
  for (int stream = STDIN_FILENO; stream <= STDERR_FILENO; ++stream) ::close(stream);
  pollfd watched[] = {{lifeline, POLLIN, 0}, {ended_children, POLLIN, 0}};
  while (watched[0].revents == 0 && !has_ended(command)) {
    ::poll(watched, 2, -1);
    signalfd_siginfo ignored;
    while (::read(ended_children, &ignored, sizeof ignored) > 0) {
    }
  }
  end_like(end_all(command));
}

}  // namespace

int main(int argc, char** argv) {
  constexpr int kWords = 3;
  if (argc < kWords) {
    ::fputs("job-guard: expected DESCRIPTOR COMMAND ARGS...; polaris starts it\n", stderr);
    return 2;
  }
  return guard(::atoi(argv[1]), argv + 2);
}
