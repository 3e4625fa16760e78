#include "host/core/paths.hpp"

#include <algorithm>
#include <cstdlib>
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

}  // namespace

fs::path zoo_dir() { return data_dir("models/zoo", "zoo"); }
fs::path rtl_dir() { return data_dir("rtl", "rtl"); }

fs::path cache_dir() {
  fs::path dir;
  if (const char* cache = std::getenv("POLARIS_CACHE"))
    dir = cache;
  else if (const char* xdg = std::getenv("XDG_CACHE_HOME"))
    dir = fs::path(xdg) / "polaris";
  else if (const char* home = std::getenv("HOME"))
    dir = fs::path(home) / ".cache" / "polaris";
  else
    throw Failure("cache folder: expected POLARIS_CACHE, XDG_CACHE_HOME or HOME to be set");
  std::error_code error;
  fs::create_directories(dir, error);
  if (error) throw Failure(dir.string() + ": cannot create cache folder: " + error.message());
  return dir;
}

fs::path find_zoo_file(const std::string& kind, const std::string& name) {
  if (fs::is_regular_file(name)) return name;
  const fs::path folder = zoo_dir() / kind;
  const fs::path file = folder / (name + ".yaml");
  if (name.find('/') == std::string::npos && fs::is_regular_file(file)) return file;
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
