// A folder for the files of one test or measurement.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>
#include <system_error>

#include "host/core/error.hpp"

namespace polaris {

/// A new, empty folder that disappears with the object. Throws Failure where it cannot be made.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "polaris-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw Failure(name + ": cannot create");
    path_ = name;
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  const std::filesystem::path& path() const { return path_; }

  /// Path of the file `name` in it.
  std::string operator/(const std::string& name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

}  // namespace polaris
