#include "host/core/descriptor.hpp"

#include <fcntl.h>

#include <cerrno>
#include <cstring>

#include "host/core/error.hpp"

namespace polaris {

Descriptor::Descriptor(int fd) : fd_(fd) {
  constexpr int kFirst = STDERR_FILENO + 1;
  if (fd < 0 || fd >= kFirst) return;
  fd_ = ::fcntl(fd, F_DUPFD_CLOEXEC, kFirst);
  const int reason = errno;
  ::close(fd);
  errno = reason;
}

Descriptor owned_descriptor(int fd, const std::string& what) {
  Descriptor out(fd);
  if (!out) throw Failure(what + ": " + std::strerror(errno));
  return out;
}

void throw_refused(const std::string& expected, const std::filesystem::path& path,
                   int error_number) {
  const char* const reason = std::strerror(error_number);
  switch (error_number) {
    case EDQUOT:
    case EINTR:
    case EIO:
    case EMFILE:
    case ENFILE:
    case ENOLCK:
    case ENOMEM:
    case ENOSPC:
      throw Failure(path.string() + ": expected " + expected + ", got " + reason);
    default:
      throw Error::expected(expected, reason, path.string());
  }
}

}  // namespace polaris
