#include "host/fit/pretrained.hpp"

#include <algorithm>
#include <limits>

#include "host/core/hash.hpp"
#include "host/fit/model_file.hpp"

namespace polaris {
namespace {

constexpr const char* kKind = "starlight-pretrained";

std::vector<double> as_vector(const std::array<double, kFeatures>& values) {
  return {values.begin(), values.end()};
}

TensorMap tensors_of(const Pretrained& model) {
  return {{"encoder", make_tensor({EncoderLayout::size}, model.encoder)},
          {"feature_mean", make_tensor({kFeatures}, as_vector(model.scaler.mean))},
          {"feature_inverse_sd", make_tensor({kFeatures}, as_vector(model.scaler.inverse_sd))}};
}

}  // namespace

std::string Pretrained::hash() const { return content_hash(serialize_tensors(tensors_of(*this))); }

void Pretrained::save(const std::filesystem::path& directory) const {
  ModelFile file;
  file.description = {{"skip", skip},
                      {"seed", seed},
                      {"samples", samples},
                      {"epochs", epochs},
                      {"prediction_loss", prediction_loss},
                      {"reconstruction_loss", reconstruction_loss},
                      {"source", source}};
  file.tensors = tensors_of(*this);
  write_model_file(directory, kKind, std::move(file));
}

Pretrained Pretrained::load(const std::filesystem::path& directory) {
  const LoadedModelFile file = read_model_file(directory, kKind);
  const std::string where = directory.string();
  const JsonNode json = file.description.root();
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
  Pretrained model;
  model.skip = json.at("skip").boolean();
  model.seed = json.at("seed").count(0, std::numeric_limits<std::uint64_t>::max());
  model.samples = json.at("samples").integer(0, kMost);
  model.epochs = json.at("epochs").integer(0, kMost);
  model.prediction_loss = json.at("prediction_loss").number();
  model.reconstruction_loss = json.at("reconstruction_loss").number();
  model.source = json.at("source").text();
  model.encoder = require_tensor(file.tensors, "encoder", {EncoderLayout::size}, where);
  const auto& mean = require_tensor(file.tensors, "feature_mean", {kFeatures}, where);
  const auto& inverse = require_tensor(file.tensors, "feature_inverse_sd", {kFeatures}, where);
  std::copy(mean.begin(), mean.end(), model.scaler.mean.begin());
  std::copy(inverse.begin(), inverse.end(), model.scaler.inverse_sd.begin());
  return model;
}

}  // namespace polaris
