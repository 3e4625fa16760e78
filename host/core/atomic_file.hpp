// Files that exist whole or not at all.
#pragma once

#include <filesystem>
#include <fstream>

#include "host/core/read_file.hpp"

namespace polaris {

/// Writes to `path` + a temporary suffix; `commit` renames it to `path`. Without commit (an
/// exception, an interrupt) the temporary file is removed and `path` is untouched.
class AtomicFile {
 public:
  /// Throws Error where the file cannot be created.
  explicit AtomicFile(std::filesystem::path path);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  std::ofstream& stream() { return stream_; }

  /// Throws Failure where writing or renaming failed (disk full).
  void commit();

 private:
  std::filesystem::path path_;
  std::filesystem::path temporary_;
  std::ofstream stream_;
  bool committed_ = false;
};

}  // namespace polaris
