#include "host/core/paths.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <sstream>
#include <vector>

#include "host/core/error.hpp"

namespace polaris {
namespace fs = std::filesystem;
namespace {

fs::path data_dir(const fs::path& in_source, const fs::path& in_install) {
  std::vector<fs::path> candidates;
  if (const char* data = std::getenv("POLARIS_DATA"))
    candidates.push_back(fs::path(data) / in_install);
  candidates.push_back(fs::path(POLARIS_SOURCE_DIR) / in_source);
  candidates.push_back(fs::path(POLARIS_INSTALL_DATADIR) / in_install);
  for (const fs::path& candidate : candidates)
    if (fs::is_directory(candidate)) return candidate;
  throw Failure("data folder: expected " + candidates.back().string() +
                " or POLARIS_DATA set, found neither");
}

/// Value of an environment variable, empty where it is not set.
std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

std::vector<std::string> absolute_path_entries() {
  std::vector<std::string> out;
  std::istringstream entries(variable("PATH"));
  for (std::string entry; std::getline(entries, entry, ':');)
    if (entry.starts_with('/')) out.push_back(entry);
  return out;
}

}  // namespace

fs::path zoo_dir() { return data_dir("models/zoo", "zoo"); }
fs::path rtl_dir() { return data_dir("rtl", "rtl"); }

fs::path cache_dir() {
  fs::path dir = variable("POLARIS_CACHE");
  if (dir.is_relative() && !dir.empty())
    throw Error::expected("an absolute path", "'" + dir.string() + "'", "POLARIS_CACHE");
  if (const fs::path xdg = variable("XDG_CACHE_HOME"); dir.empty() && xdg.is_absolute())
    dir = xdg / "polaris";
  if (const fs::path home = variable("HOME"); dir.empty() && home.is_absolute())
    dir = home / ".cache" / "polaris";
  if (dir.empty())
    throw Failure("cache folder: expected POLARIS_CACHE, XDG_CACHE_HOME or HOME to be set");
  create_private_folder(dir);
  expect_trusted(dir);
  return dir;
}

void create_private_folder(const fs::path& path) {
  constexpr mode_t kPrivate = 0700;
  std::error_code ignored;
  if (fs::is_directory(path, ignored)) return;
  if (path.has_parent_path() && path != path.parent_path())
    create_private_folder(path.parent_path());
  if (::mkdir(path.c_str(), kPrivate) == 0 || errno == EEXIST) return;
  throw Failure(path.string() + ": cannot be made: " + std::strerror(errno) +
                "; POLARIS_CACHE names another folder");
}

void expect_trusted(const fs::path& folder) {
  struct stat status {};
  if (::stat(folder.c_str(), &status) != 0)
    throw Failure(folder.string() + ": cannot be read: " + std::strerror(errno));
  const std::string mend = "; POLARIS_CACHE names another folder";
  if (status.st_uid != 0 && status.st_uid != ::geteuid())
    throw Failure(folder.string() +
                  ": expected a folder of this user or of root, got one of user " +
                  std::to_string(status.st_uid) + mend);
  if ((status.st_mode & (S_IWGRP | S_IWOTH)) != 0)
    throw Failure(folder.string() +
                  ": expected a folder that only its owner writes in, got one open to others: "
                  "`chmod go-w` mends it, once its content is known to be yours" +
                  mend);
}

fs::path find_program(const std::string& name) {
  for (const std::string& folder : absolute_path_entries()) {
    fs::path file = fs::path(folder) / name;
    std::error_code ignored;
    if (fs::is_regular_file(file, ignored) && ::access(file.c_str(), X_OK) == 0) return file;
  }
  return {};
}

void drop_relative_path_entries() {
  std::string path;
  for (const std::string& folder : absolute_path_entries())
    path += (path.empty() ? "" : ":") + folder;
  // An empty PATH would mean the current folder; without one the system's own folders are searched.
  if (path.empty())
    ::unsetenv("PATH");
  else
    ::setenv("PATH", path.c_str(), 1);
}

fs::path find_zoo_file(const std::string& kind, const std::string& name) {
  std::error_code ignored;
  const auto can_be_read = [&](const fs::path& file) {
    return fs::is_regular_file(file, ignored) || fs::is_fifo(file, ignored);
  };
  if (can_be_read(name)) return name;
  const fs::path folder = zoo_dir() / kind;
  const fs::path file = folder / (name + ".yaml");
  if (name.find('/') == std::string::npos && can_be_read(file)) return file;
  std::vector<std::string> known;
  if (fs::is_directory(folder))
    for (const auto& entry : fs::directory_iterator(folder))
      if (entry.path().extension() == ".yaml") known.push_back(entry.path().stem().string());
  std::sort(known.begin(), known.end());
  std::string list;
  for (const std::string& item : known) list += (list.empty() ? "" : ", ") + item;
  throw Error::expected("a file or one of " + list, "'" + name + "'", kind);
}

}  // namespace polaris
