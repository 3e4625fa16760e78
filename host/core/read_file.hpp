// Files that are read as a whole.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace polaris {

/// Bytes of memory that this process may use: the machine's, or less where the process is limited
/// (ulimit -v).
std::uintmax_t memory_bytes();

/// The longest file that read_file takes where its caller names no limit: half of the memory, since
/// what is made of the content needs room beside it.
std::uintmax_t longest_file();

/// "1.5 GiB", "16 MiB", "12 bytes": a size as messages show it.
std::string size_text(std::uintmax_t bytes);

/// Whole content of a regular file or a pipe. Throws Error naming the path where there is no such
/// file, where it is something else (a folder; a device, which may have no end), or where it holds
/// more than `limit` bytes; Failure where reading fails or memory runs out.
std::string read_file(const std::filesystem::path& path, std::uintmax_t limit = longest_file());

}  // namespace polaris
