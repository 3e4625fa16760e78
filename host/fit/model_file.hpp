// A model folder: model.safetensors holds the arrays, model.json all else and the hash of the
// arrays. The folder is written and replaced as a whole (AtomicFolder).
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include "host/core/error.hpp"
#include "host/fit/safetensors.hpp"
#include "host/io/json_reader.hpp"

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

/// A folder as it was read; what the kinds of models have in common is checked.
struct LoadedModelFile {
  JsonDocument description;
  TensorMap tensors;
};

/// Throws what write_model_file would for this folder, before the work that it is to hold.
void expect_model_target(const std::filesystem::path& directory);

/// Throws Error where a file is missing or damaged, or where schema, kind or features differ.
LoadedModelFile read_model_file(const std::filesystem::path& directory, const std::string& kind);

}  // namespace polaris
