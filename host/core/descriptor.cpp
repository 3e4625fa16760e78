#include "host/core/descriptor.hpp"

#include <cerrno>
#include <cstring>

#include "host/core/error.hpp"

namespace polaris {

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
