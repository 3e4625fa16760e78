#include "host/core/output_target.hpp"

#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <string>
#include <system_error>

#include "host/core/descriptor.hpp"

namespace polaris {
namespace fs = std::filesystem;
namespace {

constexpr int kMostLinks = 40;  // as the kernel follows

/// N where `path` is entry N of this process's table of descriptors.
std::optional<int> own_descriptor(const OutputTarget& target) {
  std::error_code error;
  const fs::path folder = fs::canonical(target.folder(), error);
  if (error || folder != fs::canonical("/proc/self/fd", error)) return std::nullopt;
  const std::string name = target.path.filename().string();
  int number = 0;
  const auto [end, status] = std::from_chars(name.data(), name.data() + name.size(), number);
  if (status != std::errc() || end != name.data() + name.size()) return std::nullopt;
  return number;
}

}  // namespace

fs::path OutputTarget::folder() const {
  return path.has_parent_path() ? path.parent_path() : fs::path(".");
}

OutputTarget find_output_target(const fs::path& path) {
  OutputTarget out{path, std::nullopt, std::nullopt};
  for (int links = 0; links <= kMostLinks; ++links) {
    // Before the link is read: the name that the kernel gives an open file need not lead to it.
    if (out.own_descriptor = own_descriptor(out); out.own_descriptor) return out;
    struct stat status {};
    if (::lstat(out.path.c_str(), &status) != 0) {
      if (errno != ENOENT || out.path.filename().empty())
        throw_refused("a path to write to", path, errno);
      return out;
    }
    if (!S_ISLNK(status.st_mode)) {
      out.status = status;
      return out;
    }
    std::error_code error;
    const fs::path link = fs::read_symlink(out.path, error);
    if (error) throw_refused("a link that can be followed", path, error.value());
    out.path = out.folder() / link;  // an absolute link replaces all before it
  }
  throw_refused("a path to write to", path, ELOOP);
}

void keep_attributes(int descriptor, const struct stat& replaced) {
  constexpr mode_t kAll = 07777, kPlain = 0777;
  struct stat made {};
  ::fstat(descriptor, &made);
  const bool same = made.st_uid == replaced.st_uid && made.st_gid == replaced.st_gid;
  // Where the owner cannot stay, what acts on the owner's behalf must not.
  const bool kept = same || ::fchown(descriptor, replaced.st_uid, replaced.st_gid) == 0;
  [[maybe_unused]] int ignored = 0;
  if (!kept) ignored = ::fchown(descriptor, static_cast<uid_t>(-1), replaced.st_gid);
  ::fchmod(descriptor, replaced.st_mode & (kept ? kAll : kPlain));
}

}  // namespace polaris
