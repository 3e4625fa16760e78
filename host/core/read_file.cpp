#include "host/core/read_file.hpp"

#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <new>

#include "host/core/descriptor.hpp"
#include "host/core/error.hpp"

namespace polaris {
namespace {

using File = std::unique_ptr<std::FILE, int (*)(std::FILE*)>;

/// Opens what can be read to an end; `size` becomes the length of a regular file, 0 for a pipe.
File open_input(const std::filesystem::path& path, std::uintmax_t& size) {
  File file(std::fopen(path.c_str(), "rbe"), std::fclose);  // e: not inherited by child processes
  struct stat status {};
  if (file == nullptr || ::fstat(::fileno(file.get()), &status) != 0)
    throw_refused("a readable file", path, errno);
  if (S_ISDIR(status.st_mode)) throw Error::expected("a readable file", "a folder", path.string());
  if (!S_ISREG(status.st_mode) && !S_ISFIFO(status.st_mode))
    throw Error::expected("a file or a pipe", "a device", path.string());
  size = S_ISREG(status.st_mode) ? static_cast<std::uintmax_t>(status.st_size) : 0;
  return file;
}

}  // namespace

std::uintmax_t memory_bytes() {
  const auto machine = static_cast<std::uintmax_t>(::sysconf(_SC_PHYS_PAGES)) *
                       static_cast<std::uintmax_t>(::sysconf(_SC_PAGESIZE));
  struct rlimit limit {};
  if (::getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return machine;
  return std::min<std::uintmax_t>(machine, limit.rlim_cur);
}

std::uintmax_t longest_file() { return memory_bytes() / 2; }

std::string size_text(std::uintmax_t bytes) {
  constexpr double kStep = 1024.0;
  if (bytes < 1024) return fmt::format("{} bytes", bytes);
  double size = static_cast<double>(bytes) / kStep;
  for (const char* unit : {"KiB", "MiB"}) {
    if (size < kStep) return fmt::format("{:.4g} {}", size, unit);
    size /= kStep;
  }
  return fmt::format("{:.4g} GiB", size);
}

std::string read_file(const std::filesystem::path& path, std::uintmax_t limit) {
  std::uintmax_t size = 0;
  const File file = open_input(path, size);
  std::string out;
  const auto refuse_above_limit = [&](std::uintmax_t bytes) {
    if (bytes > limit)
      throw Error::expected("at most " + size_text(limit), size == 0 ? "more" : size_text(size),
                            path.string());
  };
  refuse_above_limit(size);
  try {
    // A byte more than the file has, so that its end shows; a pipe is read in growing pieces.
    constexpr std::size_t kPiece = std::size_t{1} << 16;
    for (std::size_t piece = std::max<std::size_t>(size + 1, kPiece);; piece = out.size()) {
      const std::size_t begin = out.size();
      piece = std::min<std::uintmax_t>(piece, limit - begin + 1);
      out.resize(begin + piece);
      const std::size_t got = std::fread(out.data() + begin, 1, piece, file.get());
      out.resize(begin + got);
      if (std::ferror(file.get()) != 0)
        throw Failure(path.string() + ": cannot be read: " + std::strerror(errno));
      refuse_above_limit(out.size());
      if (got < piece) return out;
    }
  } catch (const std::bad_alloc&) {
    throw Failure(
        fmt::format("{}: out of memory after reading {}", path.string(), size_text(out.size())));
  }
}

}  // namespace polaris
