#include "host/core/atomic_file.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <system_error>

#include "host/core/error.hpp"
#include "host/core/scratch.hpp"

namespace polaris {
namespace {

constexpr const char* kWanted = "a writable file";

/// errno, or 0 where all was written.
int write_all(int descriptor, const char* data, std::size_t size) {
  while (size > 0) {
    const ssize_t written = ::write(descriptor, data, size);
    if (written >= 0) {
      data += written;
      size -= static_cast<std::size_t>(written);
    } else if (errno == EAGAIN) {  // a pipe that someone has set not to wait
      pollfd watched{descriptor, POLLOUT, 0};
      ::poll(&watched, 1, -1);
    } else if (errno != EINTR) {
      return errno;
    }
  }
  return 0;
}

}  // namespace

DescriptorBuffer::DescriptorBuffer() : buffer_(std::size_t{1} << 16) {
  setp(buffer_.data(), buffer_.data() + buffer_.size());
}

int DescriptorBuffer::sync() {
  if (error_ == 0)
    error_ = write_all(descriptor_.get(), pbase(), static_cast<std::size_t>(pptr() - pbase()));
  setp(buffer_.data(), buffer_.data() + buffer_.size());
  return error_ == 0 ? 0 : -1;
}

DescriptorBuffer::int_type DescriptorBuffer::overflow(int_type c) {
  if (sync() != 0) return traits_type::eof();
  if (!traits_type::eq_int_type(c, traits_type::eof())) sputc(traits_type::to_char_type(c));
  return traits_type::not_eof(c);
}

AtomicFile::AtomicFile(const std::filesystem::path& path)
    : path_(path), target_(find_output_target(path)) {
  const bool regular = !target_.status || S_ISREG(target_.status->st_mode);
  if (target_.own_descriptor || !regular)
    open_through();
  else
    open_beside();
}

AtomicFile::~AtomicFile() {
  if (committed_ || written_through()) return;
  std::error_code ignored;
  std::filesystem::remove(temporary_, ignored);
}

void AtomicFile::open_through() {
  if (target_.status && S_ISDIR(target_.status->st_mode)) throw_refused(kWanted, path_, EISDIR);
  // A second descriptor of this process's own file shares its position: what is printed before and
  // after stays.
  Descriptor descriptor(target_.own_descriptor
                            ? ::fcntl(*target_.own_descriptor, F_DUPFD_CLOEXEC, 0)
                            : ::open(target_.path.c_str(), O_WRONLY | O_NOCTTY | O_CLOEXEC));
  if (!descriptor) throw_refused(kWanted, path_, errno);
  if ((::fcntl(descriptor.get(), F_GETFL) & O_ACCMODE) == O_RDONLY)
    throw_refused(kWanted, path_, EBADF);
  buffer_.open(std::move(descriptor));
}

void AtomicFile::open_beside() {
  constexpr mode_t kNew = 0666, kPrivate = 0600;
  const auto& replaced = target_.status;
  if (replaced && ::faccessat(AT_FDCWD, target_.path.c_str(), W_OK, AT_EACCESS) != 0)
    throw_refused(kWanted, path_, errno);
  if (replaced && replaced->st_nlink > 1)
    throw Error::expected(kWanted,
                          "one with " + std::to_string(replaced->st_nlink) +
                              " names (hard links): remove this one first",
                          path_.string());
  remove_abandoned(target_.folder());
  try {
    ScratchFile made = create_scratch_file(target_.folder(), replaced ? kPrivate : kNew);
    temporary_ = std::move(made.path);
    buffer_.open(std::move(made.descriptor));
  } catch (const std::system_error& error) {
    throw_refused("a writable file in a writable folder", path_, error.code().value());
  }
}

std::filesystem::path AtomicFile::scratch_parent() const {
  return written_through() ? std::filesystem::temp_directory_path() : target_.folder();
}

void AtomicFile::take(const std::filesystem::path& file) {
  Descriptor taken(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  if (!taken) throw Failure(file.string() + ": cannot be read: " + std::strerror(errno));
  if (written_through()) {
    std::vector<char> piece(std::size_t{1} << 16);
    for (ssize_t got; (got = ::read(taken.get(), piece.data(), piece.size())) > 0;)
      stream_.write(piece.data(), got);
    return;
  }
  ::flock(taken.get(), LOCK_SH);  // of the temporary file that it now becomes
  if (::rename(file.c_str(), temporary_.c_str()) != 0)
    throw Failure(path_.string() + ": rename failed: " + std::strerror(errno));
  buffer_.open(std::move(taken));
}

void AtomicFile::commit() {
  const auto fail = [this](const std::string& what, int error_number) {
    throw Failure(path_.string() + ": " + what + " failed: " + std::strerror(error_number));
  };
  stream_.flush();
  if (!stream_) fail("write", buffer_.error());
  if (written_through()) {
    buffer_.close();  // a pipe's reader waits for its end
    return;
  }
  if (target_.status) keep_attributes(buffer_.descriptor(), *target_.status);
  if (::fsync(buffer_.descriptor()) != 0) fail("write", errno);
  if (::rename(temporary_.c_str(), target_.path.c_str()) != 0) fail("rename", errno);
  committed_ = true;
  buffer_.close();
  sync_folder(target_.folder());
}

}  // namespace polaris
