// Files that exist whole or not at all.
#pragma once

#include <filesystem>
#include <ostream>
#include <streambuf>
#include <vector>

#include "host/core/descriptor.hpp"
#include "host/core/output_target.hpp"

#include "host/core/read_file.hpp"

namespace polaris {

/// Writes to a descriptor through a buffer and keeps the first error.
class DescriptorBuffer : public std::streambuf {
 public:
  DescriptorBuffer();

  /// What is written later goes to `descriptor`.
  void open(Descriptor descriptor) { descriptor_ = std::move(descriptor); }
  int descriptor() const { return descriptor_.get(); }
  void close() { descriptor_.close(); }
  /// errno of the first failed write; 0: none.
  int error() const { return error_; }

 protected:
  int_type overflow(int_type c) override;
  int sync() override;

 private:
  Descriptor descriptor_;
  std::vector<char> buffer_;
  int error_ = 0;
};

/// The only way in which this program writes a file. What is written goes to a temporary file
/// beside the target; `commit` renames it, when its bytes have reached the disk. Without commit (an
/// exception, an interrupt) the temporary file is removed and the target is untouched; what a
/// killed process leaves, the next writer in the same folder removes.
///
/// - A symbolic link stays, and the file it leads to is replaced or made.
/// - A replaced file keeps its permissions, and its owner and group where that is allowed. A file
///   that this user may not write, or that has a second name (hard link), is refused.
/// - A device, a pipe, a socket of this process (/dev/stdout, /dev/fd/N) is written as it is.
class AtomicFile {
 public:
  /// Throws Error where the file cannot be made or replaced, Failure where the machine lacks
  /// something. Waits for the reader of a named pipe.
  explicit AtomicFile(const std::filesystem::path& path);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  std::ostream& stream() { return stream_; }

  /// Takes the content of `file` instead of what was written to the stream. `file` is moved where
  /// it lies in `scratch_parent()`, else copied.
  void take(const std::filesystem::path& file);

  /// Where a temporary folder for files to take should stand: beside the target.
  std::filesystem::path scratch_parent() const;

  /// Throws Failure where writing or renaming failed (disk full).
  void commit();

 private:
  bool written_through() const { return temporary_.empty(); }
  void open_through();
  void open_beside();

  std::filesystem::path path_;  ///< as it was given, for messages
  OutputTarget target_;
  std::filesystem::path temporary_;  ///< empty: the target is written through
  DescriptorBuffer buffer_;
  std::ostream stream_{&buffer_};
  bool committed_ = false;
};

}  // namespace polaris
