#include "host/core/atomic_file.hpp"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

#include "host/core/error.hpp"

namespace polaris {

AtomicFile::AtomicFile(std::filesystem::path path)
    : path_(std::move(path)),
      temporary_(path_.string() + ".tmp" + std::to_string(::getpid())),
      stream_(temporary_, std::ios::binary | std::ios::trunc) {
  if (!stream_) throw Error::expected("a writable file", std::strerror(errno), path_.string());
  stream_.exceptions(std::ios::goodbit);
}

AtomicFile::~AtomicFile() {
  if (committed_) return;
  stream_.close();
  std::error_code ignored;
  std::filesystem::remove(temporary_, ignored);
}

void AtomicFile::commit() {
  stream_.close();
  if (!stream_) throw Failure(path_.string() + ": write failed: " + std::strerror(errno));
  std::error_code error;
  std::filesystem::rename(temporary_, path_, error);
  if (error) throw Failure(path_.string() + ": rename failed: " + error.message());
  committed_ = true;
}

}  // namespace polaris
