#include "host/fit/model.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "host/core/error.hpp"
#include "host/core/hash.hpp"
#include "host/fit/feature_matrix.hpp"
#include "host/fit/likelihood.hpp"
#include "host/fit/model_file.hpp"
#include "host/fit/training_set.hpp"
#include "models/starlight/warp.hpp"

namespace polaris {

struct StarlightModel::State {
  ModelParameters parameters;
  SampleCount count;
  double jitter = 0.0;
  double negative_log_likelihood = 0.0;
  std::vector<double> scaled;    ///< [N][kKernelInputs] inputs over length-scales
  std::vector<double> residual;  ///< [outputs][N] standardised targets minus their linear mean
  std::vector<double> alpha;     ///< [outputs][N] C^-1 residual
  std::optional<Quality> quality;
  std::string hash;
  PosteriorTensors<float> f32;
  PosteriorTensors<double> f64;

  /// Of samples that it has not seen.
  struct Errors {
    Matrix<double> error;     ///< [N][outputs] standardised
    Eigen::ArrayXd variance;  ///< [N] over that of the outputs
  };
  Errors errors(std::span<const DesignSample> samples, int threads) const;

  /// Fills the rest from parameters, count, jitter, scaled, residual and `inverse` [N][N], L^-1.
  void condition(const Matrix<double>& inverse);
  /// Hash of everything that defines the model.
  std::string content() const;
};

namespace {

constexpr const char* kKind = "starlight";
constexpr double kLogTwoPi = 1.83787706640934548356;

template <typename To, typename From>
std::vector<To> convert(const From& values) {
  std::vector<To> out;
  out.reserve(values.size());
  for (const auto value : values) out.push_back(static_cast<To>(value));
  return out;
}

PosteriorTensors<double> make_tensors(const ModelParameters& p, const std::vector<double>& scaled,
                                      const Matrix<double>& inverse,
                                      const std::vector<double>& alpha, double jitter) {
  const std::size_t n = scaled.size() / kKernelInputs;
  const auto rows = static_cast<Eigen::Index>(n);
  PosteriorTensors<double> t;
  t.samples = static_cast<int>(n);
  t.outputs = static_cast<int>(p.outputs.size());
  t.warp = p.warp;
  t.feature_mean.assign(p.scaler.mean.begin(), p.scaler.mean.end());
  t.feature_inverse_sd.assign(p.scaler.inverse_sd.begin(), p.scaler.inverse_sd.end());
  t.encoder = p.encoder;
  for (std::size_t k = 0; k < kKernelInputs; ++k)
    t.inverse_length.push_back(k < kLatent || p.raw_inputs ? std::exp(-p.log_length[k]) : 0.0);
  t.train = scaled;
  for (std::size_t i = 0; i < n; ++i) {
    double norm = 0.0;
    for (std::size_t k = 0; k < kKernelInputs; ++k)
      norm += scaled[i * kKernelInputs + k] * scaled[i * kKernelInputs + k];
    t.train_norm.push_back(norm);
  }
  t.inverse_factor.resize(n * n);
  Eigen::Map<RowMajor<double>>(t.inverse_factor.data(), rows, rows) = inverse;
  t.alpha = alpha;
  for (std::size_t o = 0; o < p.outputs.size(); ++o) {
    const OutputParameters& output = p.outputs[o];
    for (std::size_t i = 0; i < n; ++i) t.alpha[o * n + i] *= output.scale;
    for (std::size_t k = 0; k < kKernelInputs; ++k)
      t.mean_weight.push_back(output.scale * output.weight[k] * std::exp(p.log_length[k]));
    t.mean_bias.push_back(output.offset + output.scale * output.bias);
    t.sd.push_back(output.scale * std::exp(output.log_sd));
  }
  t.unit_variance = 1.0 + std::exp(p.log_noise) + jitter;
  return t;
}

nlohmann::ordered_json describe(const ModelParameters& p, const SampleCount& count, double jitter,
                                double negative_log_likelihood) {
  nlohmann::ordered_json outputs = nlohmann::ordered_json::array();
  for (const OutputParameters& output : p.outputs)
    outputs.push_back({{"offset", output.offset},
                       {"scale", output.scale},
                       {"log_sd", output.log_sd},
                       {"bias", output.bias},
                       {"weight", output.weight}});
  nlohmann::ordered_json settings = nlohmann::ordered_json::object();
  for (const auto& [name, value] : p.settings) settings[name] = value;
  return {{"fit", settings},
          {"steps", p.steps},
          {"warp", p.warp},
          {"raw_inputs", p.raw_inputs},
          {"skip", p.skip},
          {"machine", p.machine},
          {"failures", p.failures},
          {"seed", p.seed},
          {"pretrained_hash", p.pretrained_hash},
          {"samples", count.used},
          {"duplicates", count.duplicates},
          {"below_bound", count.below_bound},
          {"jitter", jitter},
          {"negative_log_likelihood", negative_log_likelihood},
          {"log_length", p.log_length},
          {"log_noise", p.log_noise},
          {"outputs", outputs}};
}

nlohmann::ordered_json describe(const Quality& quality) {
  nlohmann::ordered_json out = {{"designs", quality.designs},
                                {"layers", quality.layers},
                                {"held_out", quality.held_out},
                                {"how", quality.how}};
  const auto add = [&out](const char* name, const std::optional<HeldOutError>& error) {
    if (error)
      out[name] = {{"median", error->median},
                   {"p90", error->p90},
                   {"coverage", error->coverage},
                   {"mean_squared_deviation", error->mean_squared_deviation}};
  };
  add("cycles", quality.cycles);
  add("energy", quality.energy);
  return out;
}

Quality read_quality(const JsonNode& json) {
  constexpr std::int64_t kMost = std::numeric_limits<std::int32_t>::max();
  constexpr double kLargest = std::numeric_limits<double>::max();
  Quality out;
  out.designs = json.at("designs").integer(0, kMost);
  out.layers = json.at("layers").integer(0, kMost);
  out.held_out = json.at("held_out").text();
  out.how = json.at("how").text();
  const auto read = [&](const char* name) -> std::optional<HeldOutError> {
    const std::optional<JsonNode> error = json.find(name);
    if (!error) return std::nullopt;
    return HeldOutError{error->at("median").number(0.0, kLargest),
                        error->at("p90").number(0.0, kLargest),
                        error->at("coverage").number(0.0, 1.0),
                        error->at("mean_squared_deviation").number(0.0, kLargest)};
  };
  out.cycles = read("cycles");
  out.energy = read("energy");
  return out;
}

/// Everything that makes the model but the factor, which follows from it.
TensorMap defining_tensors(const ModelParameters& p, const std::vector<double>& scaled,
                           const std::vector<double>& residual, const std::vector<double>& alpha) {
  const auto n = static_cast<std::int64_t>(scaled.size() / kKernelInputs);
  const auto outputs = static_cast<std::int64_t>(p.outputs.size());
  return {{"encoder", make_tensor({EncoderLayout::size}, p.encoder)},
          {"feature_mean", make_tensor({kFeatures}, {p.scaler.mean.begin(), p.scaler.mean.end()})},
          {"feature_inverse_sd",
           make_tensor({kFeatures}, {p.scaler.inverse_sd.begin(), p.scaler.inverse_sd.end()})},
          {"train", make_tensor({n, kKernelInputs}, scaled)},
          {"residual", make_tensor({outputs, n}, residual)},
          {"alpha", make_tensor({outputs, n}, alpha)}};
}

template <std::size_t N>
std::array<double, N> read_numbers(const JsonNode& json) {
  std::array<double, N> out;
  std::size_t next = 0;
  for (const JsonNode& item : json.items(N, N)) out[next++] = item.number();
  return out;
}

/// What the description alone says; encoder and scaler stand in the arrays.
ModelParameters read_parameters(const JsonNode& json) {
  constexpr std::int64_t kMost = std::numeric_limits<std::int32_t>::max();
  ModelParameters p;
  for (const auto& [name, value] : json.at("fit").entries())
    p.settings.emplace_back(name, value.number());
  p.steps = static_cast<int>(json.at("steps").integer(0, kMost));
  p.warp = json.at("warp").boolean();
  p.raw_inputs = json.at("raw_inputs").boolean();
  p.skip = json.at("skip").boolean();
  p.machine = json.at("machine").text();
  p.failures = json.at("failures").integer(0, kMost);
  p.seed = json.at("seed").count(0, std::numeric_limits<std::uint64_t>::max());
  p.pretrained_hash = json.at("pretrained_hash").hash();
  p.log_length = read_numbers<kKernelInputs>(json.at("log_length"));
  p.log_noise = json.at("log_noise").number();
  for (const JsonNode& entry : json.at("outputs").items(1, 2)) {
    OutputParameters output;
    output.offset = entry.at("offset").number();
    output.scale = entry.at("scale").number();
    output.log_sd = entry.at("log_sd").number();
    output.bias = entry.at("bias").number();
    output.weight = read_numbers<kKernelInputs>(entry.at("weight"));
    p.outputs.push_back(output);
  }
  return p;
}

/// Whether an engine can work with the tensors: finite, with positive deviations.
bool is_usable(const PosteriorTensors<float>& t) {
  const auto finite = [](float value) { return std::isfinite(value); };
  for (const auto* values :
       {&t.feature_mean, &t.feature_inverse_sd, &t.encoder, &t.inverse_length, &t.train,
        &t.train_norm, &t.inverse_factor, &t.alpha, &t.mean_weight, &t.mean_bias, &t.sd})
    if (!std::all_of(values->begin(), values->end(), finite)) return false;
  return std::all_of(t.sd.begin(), t.sd.end(), [](float sd) { return sd > 0.0f; }) &&
         std::isfinite(t.unit_variance);
}

/// Samples as the covariance sees them.
struct KernelData {
  Matrix<double> scaled;    ///< [kKernelInputs][N] inputs over length-scales
  Matrix<double> residual;  ///< [N][outputs]
  SampleCount count;
};

KernelData kernel_data(const ModelParameters& p, std::span<const DesignSample> samples,
                       int threads) {
  const TrainingSet set = make_training_set(samples, p.warp);
  if (set.targets.size() < p.outputs.size())
    throw Error::expected("samples with energy, as the model predicts it", "samples without",
                          "training");
  KernelData out;
  out.count = set.count;
  const Matrix<double> x = standardise(p.scaler, feature_values(set.samples, threads));
  EncoderBatch<double> batch;
  batch.forward(p.encoder.data(), x);
  const Matrix<double> inputs = kernel_inputs(batch.latent, x, p.raw_inputs);
  out.scaled = scale_inputs(inputs, p.log_length);
  if (!out.scaled.allFinite())
    throw Failure("Starlight: expected finite latents, got others: the fit diverged");
  out.residual.resize(x.cols(), static_cast<Eigen::Index>(p.outputs.size()));
  for (std::size_t o = 0; o < p.outputs.size(); ++o) {
    const OutputParameters& output = p.outputs[o];
    const Eigen::Map<const Eigen::VectorXd> y(set.targets[o].data(), x.cols());
    out.residual.col(static_cast<Eigen::Index>(o)) =
        residual(output, inputs, (y.array() - output.offset).matrix() / output.scale);
  }
  return out;
}

/// The samples that a training set would not leave out as impossible.
std::vector<DesignSample> possible(std::span<const DesignSample> samples) {
  std::vector<DesignSample> out;
  for (const DesignSample& sample : samples)
    if (!(sample.cycles < lower_bound_cycles(sample.layer, sample.hardware))) out.push_back(sample);
  return out;
}

/// Removes the columns of `added` that repeat a known sample and returns their number. Equal points
/// are equal up to rounding here, as encoding depends on the batch in the last bits.
std::int64_t drop_known(const Matrix<double>& known, const Matrix<double>& known_residual,
                        KernelData& added) {
  constexpr double kEqual = 1e-9;
  Eigen::Index kept = 0;
  const Eigen::Index count = added.scaled.cols();
  for (Eigen::Index j = 0; j < count; ++j) {
    bool repeated = false;
    for (Eigen::Index i = 0; i < known.cols() && !repeated; ++i)
      repeated = (known_residual.row(i) - added.residual.row(j)).cwiseAbs().maxCoeff() < kEqual &&
                 (known.col(i) - added.scaled.col(j)).cwiseAbs().maxCoeff() < kEqual;
    if (repeated) continue;
    added.scaled.col(kept) = added.scaled.col(j);
    added.residual.row(kept) = added.residual.row(j);
    ++kept;
  }
  added.scaled.conservativeResize(Eigen::NoChange, kept);
  added.residual.conservativeResize(kept, Eigen::NoChange);
  return count - kept;
}

}  // namespace

PosteriorTensors<float> to_single(const PosteriorTensors<double>& from) {
  PosteriorTensors<float> to;
  to.samples = from.samples;
  to.outputs = from.outputs;
  to.warp = from.warp;
  to.feature_mean = convert<float>(from.feature_mean);
  to.feature_inverse_sd = convert<float>(from.feature_inverse_sd);
  to.encoder = convert<float>(from.encoder);
  to.inverse_length = convert<float>(from.inverse_length);
  to.train = convert<float>(from.train);
  to.train_norm = convert<float>(from.train_norm);
  to.inverse_factor = convert<float>(from.inverse_factor);
  to.alpha = convert<float>(from.alpha);
  to.mean_weight = convert<float>(from.mean_weight);
  to.mean_bias = convert<float>(from.mean_bias);
  to.sd = convert<float>(from.sd);
  to.unit_variance = static_cast<float>(from.unit_variance);
  return to;
}

StarlightModel::StarlightModel(std::shared_ptr<const State> state) : state_(std::move(state)) {}

StarlightModel::StarlightModel(ModelParameters parameters, std::span<const DesignSample> samples,
                               int threads) {
  auto state = std::make_shared<State>();
  state->parameters = std::move(parameters);
  const ModelParameters& p = state->parameters;
  const KernelData data = kernel_data(p, samples, threads);
  state->count = data.count;
  state->scaled.assign(data.scaled.data(), data.scaled.data() + data.scaled.size());
  state->residual.assign(data.residual.data(), data.residual.data() + data.residual.size());
  const CovarianceFactor factor = factorise_covariance(data.scaled, std::exp(p.log_noise), threads);
  state->jitter = factor.jitter;
  state->condition(invert_lower(factor.lower, threads));
  state_ = std::move(state);
}

void StarlightModel::State::condition(const Matrix<double>& inverse) {
  const ModelParameters& p = parameters;
  const Eigen::Index n = inverse.cols();
  const auto outputs = static_cast<Eigen::Index>(p.outputs.size());
  const Matrix<double> error = Eigen::Map<const Matrix<double>>(residual.data(), n, outputs);
  const Matrix<double> half = inverse.triangularView<Eigen::Lower>() * error;
  const Matrix<double> solved = inverse.triangularView<Eigen::Lower>().transpose() * half;
  alpha.assign(solved.data(), solved.data() + solved.size());
  const double log_determinant = -inverse.diagonal().array().log().sum();  // of L
  negative_log_likelihood = 0.0;
  for (Eigen::Index o = 0; o < outputs; ++o) {
    const double log_sd = p.outputs[static_cast<std::size_t>(o)].log_sd;
    negative_log_likelihood += 0.5 * half.col(o).squaredNorm() * std::exp(-2.0 * log_sd) +
                               log_determinant +
                               static_cast<double>(n) * (log_sd + 0.5 * kLogTwoPi);
  }
  f64 = make_tensors(p, scaled, inverse, alpha, jitter);
  f32 = to_single(f64);
  hash = content();
}

std::string StarlightModel::State::content() const {
  const ModelParameters& p = parameters;
  return content_hash(serialize_tensors(defining_tensors(p, scaled, residual, alpha)) +
                      describe(p, count, jitter, negative_log_likelihood).dump());
}

StarlightModel StarlightModel::with_samples(std::span<const DesignSample> samples,
                                            int threads) const {
  return StarlightModel(state_->parameters, samples, threads);
}

StarlightModel StarlightModel::with_added(std::span<const DesignSample> samples,
                                          int threads) const {
  const std::vector<DesignSample> usable = possible(samples);
  if (usable.empty()) return *this;
  auto state = std::make_shared<State>();
  state->parameters = state_->parameters;
  state->count = state_->count;
  state->jitter = state_->jitter;
  const ModelParameters& p = state->parameters;
  const auto outputs = static_cast<Eigen::Index>(p.outputs.size());
  const auto n = static_cast<Eigen::Index>(state_->count.used);
  const Matrix<double> known =
      Eigen::Map<const Matrix<double>>(state_->scaled.data(), kKernelInputs, n);
  const Matrix<double> known_residual =
      Eigen::Map<const Matrix<double>>(state_->residual.data(), n, outputs);
  KernelData added = kernel_data(p, usable, threads);
  state->count.below_bound += static_cast<std::int64_t>(samples.size() - usable.size());
  state->count.duplicates += added.count.duplicates + drop_known(known, known_residual, added);
  const Eigen::Index m = added.scaled.cols();
  state->count.used += m;

  Matrix<double> scaled(kKernelInputs, n + m), residual(n + m, outputs);
  scaled << known, added.scaled;
  residual << known_residual, added.residual;
  state->scaled.assign(scaled.data(), scaled.data() + scaled.size());
  state->residual.assign(residual.data(), residual.data() + residual.size());
  const Matrix<double> inverse =
      Eigen::Map<const RowMajor<double>>(state_->f64.inverse_factor.data(), n, n);
  const double noise = std::exp(p.log_noise);
  if (const auto extended =
          extend_inverse(inverse, known, added.scaled, noise + state->jitter, threads)) {
    state->condition(*extended);
  } else {
    const CovarianceFactor whole = factorise_covariance(scaled, noise, threads);
    state->jitter = whole.jitter;
    state->condition(invert_lower(whole.lower, threads));
  }
  return StarlightModel(std::move(state));
}

StarlightModel StarlightModel::with_quality(Quality quality) const {
  auto state = std::make_shared<State>(*state_);
  state->quality = std::move(quality);
  return StarlightModel(std::move(state));
}

StarlightModel::State::Errors StarlightModel::State::errors(std::span<const DesignSample> samples,
                                                            int threads) const {
  const auto n = static_cast<Eigen::Index>(count.used);
  const KernelData data = kernel_data(parameters, samples, threads);
  const Matrix<double> known = Eigen::Map<const Matrix<double>>(scaled.data(), kKernelInputs, n);
  const Matrix<double> inverse =
      Eigen::Map<const RowMajor<double>>(f64.inverse_factor.data(), n, n);
  const Matrix<double> cross = cross_correlation(known, data.scaled, threads);
  const Matrix<double> whitened = inverse.triangularView<Eigen::Lower>() * cross;
  const Matrix<double> solved =
      Eigen::Map<const Matrix<double>>(alpha.data(), n, data.residual.cols());
  return {data.residual - cross.transpose() * solved,
          f64.unit_variance - whitened.colwise().squaredNorm().transpose().array()};
}

TestScore StarlightModel::test(std::span<const DesignSample> samples, int threads) const {
  const ModelParameters& p = state_->parameters;
  const std::vector<DesignSample> usable = possible(samples);
  if (usable.empty()) return {};
  const State::Errors errors = state_->errors(usable, threads);
  TestScore out{0.0, 0.0};
  const double count = static_cast<double>(errors.error.size());
  for (std::size_t o = 0; o < p.outputs.size(); ++o) {
    const Eigen::ArrayXd expected = std::exp(2.0 * p.outputs[o].log_sd) * errors.variance;
    const Eigen::ArrayXd squared =
        errors.error.col(static_cast<Eigen::Index>(o)).array().square() / expected;
    out.mean_squared_deviation += squared.sum() / count;
    out.mean_log_density -= 0.5 * (squared + expected.log() + kLogTwoPi).sum() / count;
  }
  return out;
}

std::vector<TargetErrors> StarlightModel::errors(std::span<const DesignSample> samples,
                                                 int threads) const {
  const State::Errors errors = state_->errors(samples, threads);
  std::vector<TargetErrors> out;
  for (std::size_t o = 0; o < state_->parameters.outputs.size(); ++o) {
    const double scale = state_->parameters.outputs[o].scale;
    const Eigen::VectorXd residual = scale * errors.error.col(static_cast<Eigen::Index>(o));
    const Eigen::VectorXd sd = state_->f64.sd[o] * errors.variance.sqrt();
    out.push_back({{residual.begin(), residual.end()}, {sd.begin(), sd.end()}});
  }
  return out;
}

void StarlightModel::save(const std::filesystem::path& directory) const {
  ModelFile file;
  file.description = {{"hash", state_->hash}};
  file.description.update(
      describe(state_->parameters, state_->count, state_->jitter, state_->negative_log_likelihood));
  if (state_->quality) file.description["quality"] = describe(*state_->quality);
  file.tensors =
      defining_tensors(state_->parameters, state_->scaled, state_->residual, state_->alpha);
  const std::int64_t n = state_->count.used;
  file.tensors["inverse"] = make_tensor({n, n}, state_->f64.inverse_factor);
  write_model_file(directory, kKind, std::move(file));
}

StarlightModel StarlightModel::load(const std::filesystem::path& directory) {
  const LoadedModelFile file = read_model_file(directory, kKind);
  const std::string where = directory.string();
  const JsonNode json = file.description.root();
  auto state = std::make_shared<State>();
  ModelParameters& p = state->parameters;
  p = read_parameters(json);
  constexpr std::int64_t kMost = std::numeric_limits<std::int32_t>::max();
  const auto outputs = static_cast<std::int64_t>(p.outputs.size());
  const std::int64_t n = json.at("samples").integer(1, kMost);
  state->count = {n, json.at("duplicates").integer(0, kMost),
                  json.at("below_bound").integer(0, kMost)};
  state->jitter = json.at("jitter").number(0.0, 1.0);
  state->negative_log_likelihood = json.at("negative_log_likelihood").number();
  state->hash = json.at("hash").hash();
  if (const auto quality = json.find("quality")) state->quality = read_quality(*quality);

  p.encoder = require_tensor(file.tensors, "encoder", {EncoderLayout::size}, where);
  const auto& mean = require_tensor(file.tensors, "feature_mean", {kFeatures}, where);
  const auto& inverse_sd = require_tensor(file.tensors, "feature_inverse_sd", {kFeatures}, where);
  std::copy(mean.begin(), mean.end(), p.scaler.mean.begin());
  std::copy(inverse_sd.begin(), inverse_sd.end(), p.scaler.inverse_sd.begin());
  state->scaled = require_tensor(file.tensors, "train", {n, kKernelInputs}, where);
  state->residual = require_tensor(file.tensors, "residual", {outputs, n}, where);
  const std::vector<double>& inverse = require_tensor(file.tensors, "inverse", {n, n}, where);
  state->alpha = require_tensor(file.tensors, "alpha", {outputs, n}, where);
  if (state->hash != state->content())
    throw json.at("hash").error(state->content() + ", that of the content");
  state->f64 =
      make_tensors(p, state->scaled, Eigen::Map<const RowMajor<double>>(inverse.data(), n, n),
                   state->alpha, state->jitter);
  state->f32 = to_single(state->f64);
  if (!is_usable(state->f32))
    throw Error::expected("a model that is finite in float32", "one that is not", where);
  return StarlightModel(std::move(state));
}

const ModelParameters& StarlightModel::parameters() const { return state_->parameters; }
const SampleCount& StarlightModel::sample_count() const { return state_->count; }
double StarlightModel::jitter() const { return state_->jitter; }
double StarlightModel::negative_log_likelihood() const { return state_->negative_log_likelihood; }
const std::optional<Quality>& StarlightModel::quality() const { return state_->quality; }
const std::string& StarlightModel::hash() const { return state_->hash; }
const PosteriorTensors<float>& StarlightModel::tensors_f32() const { return state_->f32; }
const PosteriorTensors<double>& StarlightModel::tensors_f64() const { return state_->f64; }

}  // namespace polaris
