// Where the program finds its data files and keeps its caches.
#pragma once

#include <filesystem>
#include <string>

namespace polaris {

/// Folder that holds `zoo/` and `rtl/`: $POLARIS_DATA, else the source tree this binary was built
/// from, else the installed data folder. Throws Failure where none exists.
std::filesystem::path zoo_dir();
std::filesystem::path rtl_dir();

/// $POLARIS_CACHE, else $XDG_CACHE_HOME/polaris, else ~/.cache/polaris; created on demand.
std::filesystem::path cache_dir();

/// A file named on the command line: `name` as a path if it exists, else zoo/`kind`/`name`.yaml.
/// Throws Error that lists the zoo's names where neither exists.
std::filesystem::path find_zoo_file(const std::string& kind, const std::string& name);

}  // namespace polaris
