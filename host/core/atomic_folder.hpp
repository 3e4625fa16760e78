// Folders whose files are replaced together.
#pragma once

#include <filesystem>
#include <optional>
#include <set>
#include <string>

#include "host/core/output_target.hpp"
#include "host/core/scratch.hpp"

namespace polaris {

/// A folder of known files, such as a model. The new files are written to a temporary folder beside
/// the target; `commit` exchanges the two, so that the target is the old one or the new one at any
/// moment. Without commit the target is untouched. A symbolic link stays, and the folder that it
/// leads to is replaced; folder and files keep their permissions, and their owners where that is
/// allowed.
///
/// Refused, so that nothing of the user's is removed or pulled from under a shell: a target that
/// holds anything but these files, the current folder, and a mount point.
class AtomicFolder {
 public:
  /// `files`: the names that the target may hold. Makes the folders above the target. Throws Error
  /// where the target cannot be made or replaced, Failure where the machine lacks something.
  AtomicFolder(const std::filesystem::path& path, std::set<std::string> files);

  /// Where the new files are to be written.
  const std::filesystem::path& path() const { return scratch_->path(); }

  /// Throws Failure where the exchange failed.
  void commit();

 private:
  void expect_replaceable() const;
  void exchange() const;
  /// Where the old folder lies for a moment on file systems that cannot exchange two.
  std::filesystem::path aside() const;

  std::filesystem::path given_;  ///< for messages
  OutputTarget target_;
  std::set<std::string> files_;
  std::optional<ScratchFolder> scratch_;
};

}  // namespace polaris
