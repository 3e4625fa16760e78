#include "host/fit/model_file.hpp"

#include <iterator>
#include <system_error>
#include <vector>

#include "host/core/atomic_file.hpp"
#include "host/core/atomic_folder.hpp"
#include "host/core/hash.hpp"
#include "host/core/json_text.hpp"
#include "host/core/read_file.hpp"
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

LoadedModelFile read_model_file(const std::filesystem::path& directory, const std::string& kind) {
  LoadedModelFile file{JsonDocument::read(directory / kDescription), {}};
  const JsonNode json = file.description.root();
  json.at("polaris").integer(kModelSchema, kModelSchema);
  if (json.at("kind").text() != kind) throw json.at("kind").error("kind '" + kind + "'");
  json.at("version").text();
  constexpr std::size_t kCount = std::size(kFeatureNames);
  std::size_t next = 0;
  for (const JsonNode& name : json.at("features").items(kCount, kCount))
    if (name.text() != kFeatureNames[next++])
      throw name.error(std::string(kFeatureNames[next - 1]) + ", as in this version");
  const std::string hash = json.at("arrays_hash").hash();

  const std::filesystem::path path = directory / kArrays;
  const std::string arrays = read_file(path);
  if (hash != content_hash(arrays))
    throw Error::expected("the arrays that model.json describes, hash " + hash,
                          content_hash(arrays), path.string());
  file.tensors = parse_tensors(arrays, path.string());
  return file;
}

}  // namespace polaris
