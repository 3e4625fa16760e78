#include "host/core/atomic_folder.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <system_error>
#include <utility>

#include "host/core/error.hpp"

namespace polaris {
namespace fs = std::filesystem;
namespace {

/// "model/" and "model/." are "model".
fs::path without_end(fs::path path) {
  while (path.has_parent_path() && (path.filename().empty() || path.filename() == ".") &&
         path != path.root_path())
    path = path.parent_path();
  return path;
}

bool is_mount_point(const fs::path& folder) {
  struct statx status {};
  return ::statx(AT_FDCWD, folder.c_str(), 0, 0, &status) == 0 &&
         (status.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
}

}  // namespace

AtomicFolder::AtomicFolder(const fs::path& path, std::set<std::string> files)
    : given_(path), target_(find_output_target(without_end(path))), files_(std::move(files)) {
  std::error_code error;
  fs::create_directories(target_.folder(), error);
  if (error) throw_refused("a folder that can be made", given_, error.value());
  if (target_.status)
    fs::remove_all(aside(), error);
  else if (::rename(aside().c_str(), target_.path.c_str()) == 0)
    target_ = find_output_target(target_.path);
  expect_replaceable();
  remove_abandoned(target_.folder());
  constexpr mode_t kNew = 0777, kPrivate = 0700;
  try {
    scratch_.emplace(target_.folder(), target_.status ? kPrivate : kNew);
  } catch (const std::system_error& refusal) {
    throw_refused("a folder that can be made in a writable one", given_, refusal.code().value());
  }
}

void AtomicFolder::expect_replaceable() const {
  if (!target_.status) return;
  const auto refuse = [this](const std::string& got) {
    throw Error::expected(
        fmt::format("a new folder, or one with no files but {}", fmt::join(files_, ", ")), got,
        given_.string());
  };
  if (!S_ISDIR(target_.status->st_mode)) refuse("something else than a folder");
  std::error_code error;
  if (fs::equivalent(target_.path, ".", error)) refuse("the current folder");
  if (is_mount_point(target_.path)) refuse("a mount point");
  for (fs::directory_iterator entry(target_.path, error), end; entry != end;
       entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    if (!files_.contains(name) || !fs::is_regular_file(entry->symlink_status()))
      refuse("'" + name + "' in it");
  }
  if (error) throw_refused("a readable folder", given_, error.value());
}

void AtomicFolder::commit() {
  // Again: the work in between may have taken hours.
  target_ = find_output_target(target_.path);
  expect_replaceable();
  if (target_.status) {
    for (const std::string& name : files_) {
      struct stat replaced {};
      const Descriptor file(::open((path() / name).c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
      if (file && ::lstat((target_.path / name).c_str(), &replaced) == 0)
        keep_attributes(file.get(), replaced);
    }
    keep_attributes(scratch_->descriptor(), *target_.status);
  }
  if (::fsync(scratch_->descriptor()) != 0)
    throw Failure(given_.string() + ": write failed: " + std::strerror(errno));
  exchange();
  sync_folder(target_.folder());
  scratch_.reset();  // holds the old files now, if there were any
}

void AtomicFolder::exchange() const {
  const char* const made = path().c_str();
  const char* const target = target_.path.c_str();
  if (::renameat2(AT_FDCWD, made, AT_FDCWD, target, RENAME_EXCHANGE) == 0) return;
  // Nothing is there yet, or this file system cannot exchange. Then the target is absent between
  // the two renames below; where the process ends there, the next one brings the old files back.
  const bool other_way = errno == ENOENT || errno == EINVAL || errno == ENOSYS;
  const bool moved = other_way && ::rename(target, aside().c_str()) == 0;
  if (!other_way || ::rename(made, target) != 0) {
    const int error_number = errno;
    if (moved) ::rename(aside().c_str(), target);
    throw Failure(given_.string() + ": rename failed: " + std::strerror(error_number));
  }
  std::error_code ignored;
  if (moved) fs::remove_all(aside(), ignored);
}

fs::path AtomicFolder::aside() const {
  return target_.folder() / fmt::format(".{}.polaris-old", target_.path.filename().string());
}

}  // namespace polaris
