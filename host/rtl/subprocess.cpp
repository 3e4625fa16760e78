#include "host/rtl/subprocess.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cmath>
#include <cstring>
#include <iterator>
#include <optional>

#include "host/core/error.hpp"

namespace polaris {
namespace {

/// What a child writes.
class OutputPipe {
 public:
  OutputPipe() {
    int ends[2] = {-1, -1};
    const bool made = ::pipe2(ends, O_CLOEXEC) == 0;
    reader_ = owned_descriptor(made ? ends[0] : -1, "cannot create a pipe");
    writer_ = owned_descriptor(ends[1], "cannot create a pipe");
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
Descriptor open_text(std::string_view text) {
  Descriptor file =
      owned_descriptor(::memfd_create("polaris-job", MFD_CLOEXEC), "cannot create a memory file");
  while (!text.empty()) {
    const ssize_t written = ::write(file.get(), text.data(), text.size());
    if (written < 0) throw Failure(std::string("memory file: ") + std::strerror(errno));
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  ::lseek(file.get(), 0, SEEK_SET);
  return file;
}

}  // namespace

double monotonic_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

Subprocess::Subprocess(const std::vector<std::string>& command) {
  const std::string refused = command.front() + ": cannot start";
  int ends[2] = {-1, -1};
  const bool made = ::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0;
  socket_ = owned_descriptor(made ? ends[0] : -1, refused);
  const Descriptor theirs = owned_descriptor(ends[1], refused);
  process_ = std::make_unique<GuardedProcess>(
      command, GuardedProcess::Streams{.in = theirs.get(), .out = theirs.get()});
}

bool Subprocess::write(std::string_view text) {
  while (!text.empty()) {
    const ssize_t sent = ::send(socket_.get(), text.data(), text.size(), MSG_NOSIGNAL);
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
    pollfd watched{socket_.get(), POLLIN, 0};
    if (::poll(&watched, 1, wait_ms) <= 0) continue;
    char chunk[4096];
    const ssize_t got = ::recv(socket_.get(), chunk, sizeof(chunk), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return Read::closed;
    buffer_.append(chunk, static_cast<std::size_t>(got));
  }
}

std::string Subprocess::end() {
  // A child that closed its output is about to end by itself: leave it that long, so that its own
  // exit status is reported.
  constexpr int kPatienceMs = 200;
  pollfd watched{socket_.get(), 0, 0};
  if (::poll(&watched, 1, 0) > 0) process_->wait(kPatienceMs);
  process_->kill();
  const int status = process_->status();
  return WIFSIGNALED(status) ? "signal " + std::to_string(WTERMSIG(status))
                             : "exit code " + std::to_string(WEXITSTATUS(status));
}

FilterProcess::Output FilterProcess::run(std::string_view input, double deadline_s,
                                         std::size_t max_bytes) {
  constexpr int kPollMs = 10;
  constexpr std::size_t kErrBytes = 4096;
  const Descriptor in = open_text(input);
  OutputPipe out, err;
  std::optional<GuardedProcess> process;
  {
    const std::lock_guard lock(mutex_);
    if (killed_) return {Ending::signalled, SIGKILL, "", ""};
    process_ =
        &process.emplace(command_, GuardedProcess::Streams{in.get(), out.writer(), err.writer()});
  }
  out.close_writer();
  err.close_writer();
  Output result;
  for (;;) {
    const bool ended = process->wait(0);  // before reading: then what it wrote is there
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
    pollfd watched[] = {
        {out.reader(), POLLIN, 0}, {err.reader(), POLLIN, 0}, {process->end_signal(), POLLIN, 0}};
    ::poll(watched, std::size(watched), kPollMs);
  }
  {
    const std::lock_guard lock(mutex_);
    process_ = nullptr;
  }
  process->kill();
  const int status = process->status();
  if (result.ending != Ending::exited) return result;
  result.ending = WIFSIGNALED(status) ? Ending::signalled : Ending::exited;
  result.code = WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status);
  return result;
}

void FilterProcess::kill() noexcept {
  const std::lock_guard lock(mutex_);
  killed_ = true;
  if (process_ != nullptr) process_->kill();
}

int run_command(const std::vector<std::string>& command, const std::filesystem::path& log,
                const std::function<bool()>& cancelled) {
  const Descriptor input =
      owned_descriptor(::open("/dev/null", O_RDONLY | O_CLOEXEC), "/dev/null: cannot open");
  const Descriptor output =
      owned_descriptor(::open(log.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644),
                       log.string() + ": cannot create");
  GuardedProcess process(command, {input.get(), output.get(), output.get()});
  constexpr int kPollMs = 10;
  while (!process.wait(kPollMs))
    if (cancelled && cancelled()) process.kill();
  const int status = process.status();
  constexpr int kSignalBase = 128;  // as shells report it
  return WIFSIGNALED(status) ? kSignalBase + WTERMSIG(status) : WEXITSTATUS(status);
}

}  // namespace polaris
