// A model folder: model.safetensors holds the arrays, model.json all else and the hash of the
// arrays. The folder is written and replaced as a whole (AtomicFolder).
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include "host/core/error.hpp"
#include "host/fit/safetensors.hpp"

namespace polaris {

inline constexpr int kModelSchema = 2;

struct ModelFile {
  nlohmann::ordered_json description;
  TensorMap tensors;
};

/// Adds schema, kind, program version, feature names and the hash of the arrays to the description.
/// Throws Error where the folder cannot be made, or holds other files too; Failure where writing
/// fails.
void write_model_file(const std::filesystem::path& directory, const std::string& kind,
                      ModelFile file);

/// Throws what write_model_file would for this folder, before the work that it is to hold.
void expect_model_target(const std::filesystem::path& directory);

/// Throws Error where a file is missing or damaged, or where schema, kind or features differ.
ModelFile read_model_file(const std::filesystem::path& directory, const std::string& kind);

/// The value at `key`; throws Error naming file and key where it is absent or of another type.
template <typename T>
T require_value(const nlohmann::ordered_json& object, const char* key, const std::string& where) {
  const auto found = object.find(key);
  try {
    if (found != object.end()) return found->get<T>();
  } catch (const nlohmann::json::exception&) {
    // Reported below like an absent key.
  }
  throw Error::expected(std::string("a valid '") + key + "'",
                        found == object.end() ? "none" : found->dump(), where);
}

}  // namespace polaris
