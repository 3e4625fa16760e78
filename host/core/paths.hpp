// Where the program finds its data files and keeps its caches.
#pragma once

#include <filesystem>
#include <string>

namespace polaris {

/// Folder that holds `zoo/` and `rtl/`: $POLARIS_DATA, else the source tree this binary was built
/// from, else the installed data folder. Throws Failure where none exists.
std::filesystem::path zoo_dir();
std::filesystem::path rtl_dir();

/// $POLARIS_CACHE, else $XDG_CACHE_HOME/polaris, else $HOME/.cache/polaris; created on demand, for
/// this user alone. Programs are built and run there, so it is never the current folder: a variable
/// that is empty counts as not set, as does a relative XDG_CACHE_HOME or HOME. Throws Error where
/// POLARIS_CACHE is relative; Failure where no variable tells, where the folder cannot be made, and
/// as expect_trusted.
std::filesystem::path cache_dir();

/// Creates a folder and those above it, for this user alone. Throws Failure.
void create_private_folder(const std::filesystem::path& path);

/// Throws Failure where others than this user and root own the folder or may write in it.
void expect_trusted(const std::filesystem::path& folder);

/// The program's place on PATH; empty where it is not there. Entries of PATH that mean the current
/// folder or one below it are passed over.
std::filesystem::path find_program(const std::string& name);

/// Takes such entries from PATH, for what this process starts and what that starts in turn.
void drop_relative_path_entries();

/// A file named on the command line: `name` as a path if it exists, else zoo/`kind`/`name`.yaml.
/// Throws Error that lists the zoo's names where neither exists.
std::filesystem::path find_zoo_file(const std::string& kind, const std::string& name);

}  // namespace polaris
