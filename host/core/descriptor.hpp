// An open file of this process, and what to throw where the system refuses one.
#pragma once

#include <unistd.h>

#include <filesystem>
#include <string>
#include <utility>

namespace polaris {

/// An open file of this process, or none. Never one of the three standard streams, even where this
/// process was started without them: what is printed must not end up in a file of ours, and a child
/// gets streams of its own.
class Descriptor {
 public:
  Descriptor() = default;
  /// Takes over what open() and its like have returned; none, with the reason in `errno`, where
  /// that is negative.
  explicit Descriptor(int fd);
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

/// Takes over `fd` as the constructor does; throws Failure where it is negative, naming `what`
/// could not be done and the reason in `errno`.
Descriptor owned_descriptor(int fd, const std::string& what);

/// Throws for a path that the system refused with `error_number`: Failure where the machine lacks
/// something (room, memory, descriptors), else Error, since another path would do.
[[noreturn]] void throw_refused(const std::string& expected, const std::filesystem::path& path,
                                int error_number);

}  // namespace polaris
