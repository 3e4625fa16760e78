// Model folders made of an input: its text up to the first NUL byte is model.json, what follows
// changes bytes of the arrays, three bytes each: place and value.
#pragma once

#include <nlohmann/json.hpp>

#include "host/core/hash.hpp"
#include "host/core/read_file.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace polaris::fuzz {

/// Writes the folder with the hashes that belong to it, and `hash` where it is not empty.
inline void write_model(const std::filesystem::path& folder, std::string_view input,
                        std::string arrays, const std::string& hash) {
  const std::size_t end = std::min(input.find('\0'), input.size());
  std::string description(input.substr(0, end));
  for (std::size_t i = end + 1; i + 2 < input.size(); i += 3) {
    const auto place =
        static_cast<std::uint8_t>(input[i]) * 256u + static_cast<std::uint8_t>(input[i + 1]);
    arrays[place * 7919u % arrays.size()] = input[i + 2];
  }
  const auto mend = [&description](const std::string& key, const std::string& value) {
    const std::string before = "\"" + key + "\": \"";
    const std::size_t at = description.find(before);
    if (at == std::string::npos) return;
    const std::size_t begin = at + before.size();
    description.replace(begin, std::min<std::size_t>(32, description.size() - begin), value);
  };
  mend("arrays_hash", content_hash(arrays));
  if (!hash.empty()) mend("hash", hash);
  std::filesystem::create_directories(folder);
  write(folder / "model.json", description);
  write(folder / "model.safetensors", arrays);
}

}  // namespace polaris::fuzz
