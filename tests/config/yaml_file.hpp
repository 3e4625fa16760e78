// YAML text as the file that a reader wants, and the message it refuses it with.
#pragma once

#include <filesystem>
#include <fstream>
#include <string>

#include "host/core/error.hpp"
#include "tests/temporary_folder.hpp"

namespace polaris {

/// A file that disappears with the object; its name ends in f.yaml.
class YamlFile {
 public:
  explicit YamlFile(const std::string& text) { std::ofstream(path(), std::ios::binary) << text; }

  std::filesystem::path path() const { return folder_.path() / "f.yaml"; }

 private:
  TemporaryFolder folder_;
};

/// Message of the Error that `read` throws for `text`, from "f.yaml" on; "" where it throws none.
template <typename Read>
std::string refusal(const std::string& text, Read read) {
  const YamlFile file(text);
  try {
    read(file.path());
  } catch (const Error& error) {
    const std::string message = error.what();
    return message.substr(message.find("f.yaml"));
  }
  return "";
}

/// `text` with its only occurrence of `from` replaced.
inline std::string with(std::string text, const std::string& from, const std::string& to) {
  return text.replace(text.find(from), from.size(), to);
}

}  // namespace polaris
