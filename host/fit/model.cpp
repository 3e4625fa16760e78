#include "host/fit/model.hpp"

#include <cmath>
#include <utility>

#include "host/core/error.hpp"
#include "host/core/hash.hpp"
#include "host/fit/feature_matrix.hpp"
#include "host/fit/likelihood.hpp"
#include "host/fit/model_file.hpp"
#include "host/fit/training_set.hpp"

namespace polaris {

struct StarlightModel::State {
  ModelParameters parameters;
  SampleCount count;
  double jitter = 0.0;
  double negative_log_likelihood = 0.0;
  std::vector<double> scaled;  ///< [N][kKernelInputs] inputs over length-scales
  std::vector<double> lower;   ///< [N][N] row-major Cholesky factor
  std::vector<double> alpha;   ///< [outputs][N] C^-1 residual, standardised
  std::string hash;
  PosteriorTensors<float> f32;
  PosteriorTensors<double> f64;
};

namespace {

constexpr const char* kKind = "starlight";

template <typename To, typename From>
std::vector<To> convert(const From& values) {
  std::vector<To> out;
  out.reserve(values.size());
  for (const auto value : values) out.push_back(static_cast<To>(value));
  return out;
}

template <typename T>
PosteriorTensors<T> convert_tensors(const PosteriorTensors<double>& from) {
  PosteriorTensors<T> to;
  to.samples = from.samples;
  to.outputs = from.outputs;
  to.warp = from.warp;
  to.feature_mean = convert<T>(from.feature_mean);
  to.feature_inverse_sd = convert<T>(from.feature_inverse_sd);
  to.encoder = convert<T>(from.encoder);
  to.inverse_length = convert<T>(from.inverse_length);
  to.train = convert<T>(from.train);
  to.train_norm = convert<T>(from.train_norm);
  to.inverse_factor = convert<T>(from.inverse_factor);
  to.alpha = convert<T>(from.alpha);
  to.mean_weight = convert<T>(from.mean_weight);
  to.mean_bias = convert<T>(from.mean_bias);
  to.sd = convert<T>(from.sd);
  to.unit_variance = static_cast<T>(from.unit_variance);
  return to;
}

PosteriorTensors<double> make_tensors(const ModelParameters& p, const std::vector<double>& scaled,
                                      const std::vector<double>& lower,
                                      const std::vector<double>& alpha, double jitter,
                                      int threads) {
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
  const Matrix<double> factor = Eigen::Map<const RowMajor<double>>(lower.data(), rows, rows);
  t.inverse_factor.resize(n * n);
  Eigen::Map<RowMajor<double>>(t.inverse_factor.data(), rows, rows) = invert_lower(factor, threads);
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
  return {{"warp", p.warp},
          {"raw_inputs", p.raw_inputs},
          {"skip", p.skip},
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

/// Everything that makes the model but the factor, which follows from it.
TensorMap defining_tensors(const ModelParameters& p, const std::vector<double>& scaled,
                           const std::vector<double>& alpha) {
  const auto n = static_cast<std::int64_t>(scaled.size() / kKernelInputs);
  const auto outputs = static_cast<std::int64_t>(p.outputs.size());
  return {{"encoder", make_tensor({EncoderLayout::size}, p.encoder)},
          {"feature_mean", make_tensor({kFeatures}, {p.scaler.mean.begin(), p.scaler.mean.end()})},
          {"feature_inverse_sd",
           make_tensor({kFeatures}, {p.scaler.inverse_sd.begin(), p.scaler.inverse_sd.end()})},
          {"train", make_tensor({n, kKernelInputs}, scaled)},
          {"alpha", make_tensor({outputs, n}, alpha)}};
}

}  // namespace

StarlightModel::StarlightModel(std::shared_ptr<const State> state) : state_(std::move(state)) {}

StarlightModel::StarlightModel(ModelParameters parameters, std::span<const DesignSample> samples,
                               int threads) {
  auto state = std::make_shared<State>();
  state->parameters = std::move(parameters);
  const ModelParameters& p = state->parameters;
  const TrainingSet set = make_training_set(samples, p.warp);
  if (set.targets.size() < p.outputs.size())
    throw Error::expected("samples with energy, as the model predicts it", "samples without",
                          "training");
  state->count = set.count;

  const Matrix<double> x = standardise(p.scaler, feature_values(set.samples, threads));
  EncoderBatch<double> batch;
  batch.forward(p.encoder.data(), x);
  const Matrix<double> inputs = kernel_inputs(batch.latent, x, p.raw_inputs);
  const Matrix<double> scaled = scale_inputs(inputs, p.log_length);
  if (!scaled.allFinite())
    throw Failure("Starlight: expected finite latents, got others: the fit diverged");
  const CovarianceFactor factor = factorise_covariance(scaled, std::exp(p.log_noise), threads);
  state->jitter = factor.jitter;

  constexpr double kLogTwoPi = 1.83787706640934548356;
  const Eigen::Index n = scaled.cols();
  state->scaled.assign(scaled.data(), scaled.data() + scaled.size());
  state->lower.resize(static_cast<std::size_t>(n * n));
  Eigen::Map<RowMajor<double>>(state->lower.data(), n, n) = factor.lower;
  const auto lower = factor.lower.triangularView<Eigen::Lower>();
  for (std::size_t o = 0; o < p.outputs.size(); ++o) {
    const OutputParameters& output = p.outputs[o];
    const Eigen::Map<const Eigen::VectorXd> y(set.targets[o].data(), n);
    const Eigen::VectorXd half =
        lower.solve(residual(output, inputs, (y.array() - output.offset).matrix() / output.scale));
    const Eigen::VectorXd alpha = lower.transpose().solve(half);
    state->alpha.insert(state->alpha.end(), alpha.data(), alpha.data() + n);
    state->negative_log_likelihood += 0.5 * half.squaredNorm() * std::exp(-2.0 * output.log_sd) +
                                      factor.lower.diagonal().array().log().sum() +
                                      static_cast<double>(n) * (output.log_sd + 0.5 * kLogTwoPi);
  }
  state->f64 = make_tensors(p, state->scaled, state->lower, state->alpha, state->jitter, threads);
  state->f32 = convert_tensors<float>(state->f64);
  state->hash =
      content_hash(serialize_tensors(defining_tensors(p, state->scaled, state->alpha)) +
                   describe(p, state->count, state->jitter, state->negative_log_likelihood).dump());
  state_ = std::move(state);
}

StarlightModel StarlightModel::with_samples(std::span<const DesignSample> samples,
                                            int threads) const {
  return StarlightModel(state_->parameters, samples, threads);
}

void StarlightModel::save(const std::filesystem::path& directory) const {
  ModelFile file;
  file.description = {{"hash", state_->hash}};
  file.description.update(
      describe(state_->parameters, state_->count, state_->jitter, state_->negative_log_likelihood));
  file.tensors = defining_tensors(state_->parameters, state_->scaled, state_->alpha);
  const std::int64_t n = state_->count.used;
  file.tensors["lower"] = make_tensor({n, n}, state_->lower);
  write_model_file(directory, kKind, std::move(file));
}

StarlightModel StarlightModel::load(const std::filesystem::path& directory) {
  const ModelFile file = read_model_file(directory, kKind);
  const std::string where = directory.string();
  const nlohmann::ordered_json& json = file.description;
  auto state = std::make_shared<State>();
  ModelParameters& p = state->parameters;
  p.warp = require_value<bool>(json, "warp", where);
  p.raw_inputs = require_value<bool>(json, "raw_inputs", where);
  p.skip = require_value<bool>(json, "skip", where);
  p.seed = require_value<std::uint64_t>(json, "seed", where);
  p.pretrained_hash = require_value<std::string>(json, "pretrained_hash", where);
  p.log_length = require_value<std::array<double, kKernelInputs>>(json, "log_length", where);
  p.log_noise = require_value<double>(json, "log_noise", where);
  for (const auto& entry :
       require_value<std::vector<nlohmann::ordered_json>>(json, "outputs", where)) {
    OutputParameters output;
    output.offset = require_value<double>(entry, "offset", where);
    output.scale = require_value<double>(entry, "scale", where);
    output.log_sd = require_value<double>(entry, "log_sd", where);
    output.bias = require_value<double>(entry, "bias", where);
    output.weight = require_value<std::array<double, kKernelInputs>>(entry, "weight", where);
    p.outputs.push_back(output);
  }
  if (p.outputs.empty() || p.outputs.size() > 2)
    throw Error::expected("1 or 2 outputs", std::to_string(p.outputs.size()), where);
  const auto outputs = static_cast<std::int64_t>(p.outputs.size());
  const auto n = require_value<std::int64_t>(json, "samples", where);
  state->count = {n, require_value<std::int64_t>(json, "duplicates", where),
                  require_value<std::int64_t>(json, "below_bound", where)};
  state->jitter = require_value<double>(json, "jitter", where);
  state->negative_log_likelihood = require_value<double>(json, "negative_log_likelihood", where);
  state->hash = require_value<std::string>(json, "hash", where);

  p.encoder = require_tensor(file.tensors, "encoder", {EncoderLayout::size}, where);
  const auto& mean = require_tensor(file.tensors, "feature_mean", {kFeatures}, where);
  const auto& inverse = require_tensor(file.tensors, "feature_inverse_sd", {kFeatures}, where);
  std::copy(mean.begin(), mean.end(), p.scaler.mean.begin());
  std::copy(inverse.begin(), inverse.end(), p.scaler.inverse_sd.begin());
  state->scaled = require_tensor(file.tensors, "train", {n, kKernelInputs}, where);
  state->lower = require_tensor(file.tensors, "lower", {n, n}, where);
  state->alpha = require_tensor(file.tensors, "alpha", {outputs, n}, where);
  state->f64 = make_tensors(p, state->scaled, state->lower, state->alpha, state->jitter, 0);
  state->f32 = convert_tensors<float>(state->f64);
  return StarlightModel(std::move(state));
}

const ModelParameters& StarlightModel::parameters() const { return state_->parameters; }
const SampleCount& StarlightModel::sample_count() const { return state_->count; }
double StarlightModel::jitter() const { return state_->jitter; }
double StarlightModel::negative_log_likelihood() const { return state_->negative_log_likelihood; }
const std::string& StarlightModel::hash() const { return state_->hash; }
const PosteriorTensors<float>& StarlightModel::tensors_f32() const { return state_->f32; }
const PosteriorTensors<double>& StarlightModel::tensors_f64() const { return state_->f64; }

}  // namespace polaris
