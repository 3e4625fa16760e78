// What the fuzz targets share. A target is one reader: a file that defines LLVMFuzzerTestOneInput,
// which runs under clang's libFuzzer (preset `fuzz`) and, over the kept corpus and seeded mutations
// of it, in the test suite (main.cpp).
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iostream>
#include <random>
#include <string>
#include <string_view>

#include "host/core/error.hpp"
#include "tests/temporary_folder.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace polaris::fuzz {

using Random = std::mt19937_64;

/// `input` with one change: bytes, tokens and digits as breaks parsers, parts repeated or moved,
/// and nested to thousands of levels, which changes of single bytes never reach.
std::string mutate(std::string input, Random& random);

inline std::string_view text_of(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

/// Ends the process where a reader breaks its promise, so that the input is kept.
inline void require(bool kept, const char* promise) {
  if (kept) return;
  std::cerr << "fuzz: expected " << promise << '\n';
  std::abort();
}

/// The message `read` refuses its input with, on one line; empty where it takes it. Any other
/// exception ends the process.
inline std::string refusal(const std::function<void()>& read) {
  std::string message;
  try {
    read();
    return "";
  } catch (const Error& error) {
    message = error.what();
  } catch (const Failure& failure) {
    message = failure.what();
  }
  if (message.empty() || message.find('\n') != std::string::npos) std::cerr << message << '\n';
  require(!message.empty() && message.find('\n') == std::string::npos, "a message on one line");
  return message;
}

/// Path of a file in a folder of this process, in memory where the system has such.
inline std::filesystem::path scratch(const std::string& name) {
  constexpr const char* kInMemory = "/dev/shm";
  if (std::filesystem::is_directory(kInMemory)) ::setenv("TMPDIR", kInMemory, 0);
  static const TemporaryFolder folder;
  return folder.path() / name;
}

inline void write(const std::filesystem::path& path, std::string_view bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

/// What stands between `before` and the next comma in a message; empty where there is none. Targets
/// mend hashes with what a refusal says of them, or nothing would come past these.
inline std::string wanted_by(const std::string& message, const std::string& before) {
  const std::size_t at = message.find(before);
  if (at == std::string::npos) return "";
  const std::size_t begin = at + before.size();
  return message.substr(begin, message.find(',', begin) - begin);
}

}  // namespace polaris::fuzz
