#include "host/fit/model_file.hpp"

#include <vector>

#include "host/core/atomic_file.hpp"
#include "host/core/atomic_folder.hpp"
#include "host/core/hash.hpp"
#include "host/core/json_text.hpp"
#include "host/core/version.hpp"
#include "models/starlight/features.hpp"

namespace polaris {
namespace {

constexpr const char* kArrays = "model.safetensors";
constexpr const char* kDescription = "model.json";

void write_whole(const std::filesystem::path& path, const std::string& bytes) {
  AtomicFile file(path);
  file.stream().write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  file.commit();
}

}  // namespace

void write_model_file(const std::filesystem::path& directory, const std::string& kind,
                      ModelFile file) {
  AtomicFolder folder(directory, {kArrays, kDescription});
  const std::string arrays = serialize_tensors(file.tensors);
  nlohmann::ordered_json description = {{"polaris", kModelSchema},
                                        {"kind", kind},
                                        {"version", kVersion},
                                        {"features", kFeatureNames},
                                        {"arrays_hash", content_hash(arrays)}};
  description.update(file.description);
  write_whole(folder.path() / kArrays, arrays);
  write_whole(folder.path() / kDescription, json_text(description, 2) + "\n");
  folder.commit();
}

void expect_model_target(const std::filesystem::path& directory) {
  AtomicFolder(directory, {kArrays, kDescription});
}

ModelFile read_model_file(const std::filesystem::path& directory, const std::string& kind) {
  const std::filesystem::path path = directory / kDescription;
  const std::string where = path.string();
  ModelFile file;
  file.description =
      nlohmann::ordered_json::parse(read_file(path), nullptr, /*allow_exceptions=*/false);
  if (!file.description.is_object()) throw Error::expected("a JSON object", "other text", where);
  const int schema = require_value<int>(file.description, "polaris", where);
  if (schema != kModelSchema)
    throw Error::expected("model schema " + std::to_string(kModelSchema), std::to_string(schema),
                          where);
  const auto found_kind = require_value<std::string>(file.description, "kind", where);
  if (found_kind != kind) throw Error::expected("kind '" + kind + "'", found_kind, where);
  const auto features =
      require_value<std::vector<std::string>>(file.description, "features", where);
  if (features != std::vector<std::string>(std::begin(kFeatureNames), std::end(kFeatureNames)))
    throw Error::expected("the feature list of this version", "another list", where);

  const std::filesystem::path arrays_path = directory / kArrays;
  const std::string arrays = read_file(arrays_path);
  file.tensors = parse_tensors(arrays, arrays_path.string());
  const auto hash = require_value<std::string>(file.description, "arrays_hash", where);
  if (hash != content_hash(arrays))
    throw Error::expected("the arrays that model.json describes, hash " + hash,
                          content_hash(arrays), arrays_path.string());
  return file;
}

}  // namespace polaris
