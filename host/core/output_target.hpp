// What a path that is to be written stands for.
#pragma once

#include <sys/stat.h>

#include <filesystem>
#include <optional>

namespace polaris {

struct OutputTarget {
  std::filesystem::path path;            ///< symbolic links followed to their end
  std::optional<struct stat> status;     ///< of what is there; none: nothing
  std::optional<int> own_descriptor;     ///< the path is /dev/stdout, /dev/fd/N or the like
  std::filesystem::path folder() const;  ///< that holds `path`
};

/// Follows `path`. A link that leads nowhere yields the place where it leads. Throws as
/// throw_refused where the path cannot be followed.
OutputTarget find_output_target(const std::filesystem::path& path);

/// Gives an open file or folder the permissions of the one that it replaces, and its owner and
/// group where that is allowed.
void keep_attributes(int descriptor, const struct stat& replaced);

}  // namespace polaris
