// Temporary files and folders that stand beside what they are to become.
//
// Their names are `.polaris-RANDOM.tmp`. Whoever works on one holds its lock (flock), which ends
// with the process, however that dies; so one that is not locked was abandoned, and the next writer
// in the same folder removes it.
#pragma once

#include <filesystem>

#include "host/core/descriptor.hpp"

namespace polaris {

/// Removes the abandoned temporary files and folders in `folder` that belong to this user.
void remove_abandoned(const std::filesystem::path& folder);

/// Has the entries of `folder` (names, renames) reach the disk, where its file system can do that.
void sync_folder(const std::filesystem::path& folder);

struct ScratchFile {
  std::filesystem::path path;
  Descriptor descriptor;  ///< for writing; holds the lock
};

/// Creates a temporary file in `folder`, with the permissions `mode` less the umask. Throws
/// std::system_error where that is refused.
ScratchFile create_scratch_file(const std::filesystem::path& folder, mode_t mode);

/// A temporary folder that vanishes with all that is in it, unless it has been renamed.
class ScratchFolder {
 public:
  /// Made in `parent` with the permissions `mode` less the umask. Throws std::system_error where
  /// that is refused.
  ScratchFolder(const std::filesystem::path& parent, mode_t mode);
  ~ScratchFolder();
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;

  const std::filesystem::path& path() const { return path_; }
  int descriptor() const { return descriptor_.get(); }

 private:
  std::filesystem::path path_;
  Descriptor descriptor_;  ///< holds the lock
};

}  // namespace polaris
