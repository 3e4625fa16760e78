// An open file of this process, and what to throw where the system refuses one.
#pragma once

#include <unistd.h>

#include <filesystem>
#include <string>
#include <utility>

namespace polaris {

/// Owner of a file descriptor, or of none.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() { close(); }
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    close();
    fd_ = std::exchange(other.fd_, -1);
    return *this;
  }

  explicit operator bool() const { return fd_ >= 0; }
  int get() const { return fd_; }
  void close() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }

 private:
  int fd_ = -1;
};

/// Throws for a path that the system refused with `error_number`: Failure where the machine lacks
/// something (room, memory, descriptors), else Error, since another path would do.
[[noreturn]] void throw_refused(const std::string& expected, const std::filesystem::path& path,
                                int error_number);

}  // namespace polaris
