#include "host/core/scratch.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <system_error>

namespace polaris {
namespace fs = std::filesystem;
namespace {

constexpr std::string_view kPrefix = ".polaris-", kSuffix = ".tmp";

fs::path random_name() {
  std::random_device device;
  const std::uint64_t number = (std::uint64_t{device()} << 32) | device();
  return fmt::format("{}{:016x}{}", kPrefix, number, kSuffix);
}

[[noreturn]] void fail(const fs::path& path) {
  throw std::system_error(errno, std::generic_category(), path.string());
}

/// Takes the lock of a temporary file or folder just made. False where a remover of abandoned ones
/// came between: then it is gone.
bool hold(const Descriptor& made) {
  if (::flock(made.get(), LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK) return false;
  struct stat status {};
  return ::fstat(made.get(), &status) == 0 && status.st_nlink > 0;
}

/// The entry's descriptor with its lock, where it is ours and nobody else holds that.
Descriptor lock_abandoned(const fs::path& path) {
  struct stat named {
  }, opened{};
  if (::lstat(path.c_str(), &named) != 0 || named.st_uid != ::geteuid()) return {};
  if (!S_ISREG(named.st_mode) && !S_ISDIR(named.st_mode)) return {};
  // NFS locks only what is open for writing; folders cannot be, and stay there.
  const int access = S_ISREG(named.st_mode) ? O_RDWR : O_RDONLY | O_DIRECTORY;
  Descriptor out(::open(path.c_str(), access | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  const bool same = out && ::fstat(out.get(), &opened) == 0 && opened.st_ino == named.st_ino &&
                    opened.st_dev == named.st_dev;
  if (!same || ::flock(out.get(), LOCK_EX | LOCK_NB) != 0) return {};
  return out;
}

}  // namespace

void remove_abandoned(const fs::path& folder) {
  std::error_code ignored;
  for (fs::directory_iterator entry(folder, ignored), end; entry != end; entry.increment(ignored)) {
    const std::string name = entry->path().filename().string();
    if (!name.starts_with(kPrefix) || !name.ends_with(kSuffix)) continue;
    if (const Descriptor lock = lock_abandoned(entry->path()))
      fs::remove_all(entry->path(), ignored);
  }
}

void sync_folder(const fs::path& folder) {
  const Descriptor descriptor(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (descriptor) ::fsync(descriptor.get());
}

ScratchFile create_scratch_file(const fs::path& folder, mode_t mode) {
  while (true) {
    ScratchFile out{folder / random_name(), {}};
    out.descriptor = Descriptor(
        ::open(out.path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode));
    if (!out.descriptor && errno != EEXIST) fail(out.path);
    if (out.descriptor && hold(out.descriptor)) return out;
  }
}

ScratchFolder::ScratchFolder(const fs::path& parent, mode_t mode) {
  while (true) {
    path_ = parent / random_name();
    if (::mkdir(path_.c_str(), mode) != 0) {
      if (errno == EEXIST) continue;
      fail(path_);
    }
    descriptor_ =
        Descriptor(::open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (descriptor_ && hold(descriptor_)) return;
    if (!descriptor_ && errno != ENOENT) {
      const int error_number = errno;
      ::rmdir(path_.c_str());
      errno = error_number;
      fail(path_);
    }
  }
}

ScratchFolder::~ScratchFolder() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

}  // namespace polaris
