// Starlight: an exact Gaussian process on the latent of a fine-tuned encoder (deep kernel learning,
// Wilson et al., AISTATS 2016), one output for latency and one for energy.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "host/fit/pretrained.hpp"
#include "host/fit/quality.hpp"
#include "host/fit/samples.hpp"

namespace polaris {

/// Mean and scale of one output. Standardised target (y - offset) / scale is a GP with mean
/// bias + weight . (kernel inputs) and covariance exp(2 log_sd) (R + exp(log_noise) I).
struct OutputParameters {
  double offset = 0.0;
  double scale = 1.0;
  double log_sd = 0.0;
  double bias = 0.0;
  std::array<double, kKernelInputs> weight{};
};

/// All that the likelihood is maximised over, and what stays fixed beside it. The outputs share
/// encoder, kernel and noise ratio, hence one factorisation serves both.
struct ModelParameters {
  FeatureScaler scaler;
  std::vector<double> encoder;                     ///< [EncoderLayout::size]
  std::array<double, kKernelInputs> log_length{};  ///< ln ARD length-scales
  double log_noise = 0.0;                          ///< ln (noise variance / signal variance)
  std::vector<OutputParameters> outputs;           ///< latency; energy too where it was measured
  bool warp = true;        ///< latency target is warped (warp.hpp), else ln cycles
  bool raw_inputs = true;  ///< the kernel sees the features beside the latent
  bool skip = true;        ///< the encoder has its linear path
  std::string machine;     ///< whose closed-form estimate is seen: ours, gemmini, or all
  std::uint64_t seed = 0;
  int steps = 0;              ///< of the optimiser that led here
  std::int64_t failures = 0;  ///< samples that the fit left out as failed measurements
  std::vector<std::pair<std::string, double>> settings;  ///< settings_of the fit
  std::string pretrained_hash;  ///< content_hash of the encoder it started from
};

/// What an engine needs to score, in its precision; plain arrays, to be copied to a device as they
/// are. Outputs: row 0 latency (warped), row 1 energy: ln(pJ / analytical pJ).
template <typename T>
struct PosteriorTensors {
  int samples = 0;  ///< N
  int outputs = 0;  ///< 1 or 2
  bool warp = true;
  std::vector<T> feature_mean;        ///< [kFeatures]
  std::vector<T> feature_inverse_sd;  ///< [kFeatures]
  std::vector<T> encoder;             ///< [EncoderLayout::size]
  std::vector<T> inverse_length;      ///< [kKernelInputs]; 0: not seen
  std::vector<T> train;               ///< [N][kKernelInputs] inputs over length-scales
  std::vector<T> train_norm;          ///< [N] squared norms of those rows
  std::vector<T> inverse_factor;      ///< [N][N] row-major L^-1, lower; L L^T = R + noise I
  std::vector<T> alpha;               ///< [outputs][N] scale (R + noise I)^-1 residual
  std::vector<T> mean_weight;         ///< [outputs][kKernelInputs] on scaled inputs
  std::vector<T> mean_bias;           ///< [outputs]
  std::vector<T> sd;                  ///< [outputs] scale exp(log_sd)
  T unit_variance = T(1);             ///< 1 + noise: variance / sd^2 far from all samples

  OutputScale<T> output_scale() const {
    return {outputs, warp, {sd[0], outputs == 2 ? sd[1] : T(0)}, unit_variance};
  }
};

/// The same, rounded.
PosteriorTensors<float> to_single(const PosteriorTensors<double>& tensors);

/// How many of the samples offered were used.
struct SampleCount {
  std::int64_t used = 0;
  std::int64_t duplicates = 0;   ///< equal to an earlier one in every field; dropped
  std::int64_t below_bound = 0;  ///< faster than MACs / dim^2, so wrong; dropped
};

/// How samples that a model has not seen look to it, in the space of its standardised targets.
struct TestScore {
  double mean_log_density = 0.0;        ///< of one output of one sample
  double mean_squared_deviation = 1.0;  ///< in predicted standard deviations; 1 is expected
};

/// Immutable; copies share their data.
class StarlightModel {
 public:
  /// Factorises the covariance of `samples` under `parameters`. Throws Error as fit_starlight.
  StarlightModel(ModelParameters parameters, std::span<const DesignSample> samples,
                 int threads = 0);

  /// The same encoder and hyper-parameters conditioned on other samples; no fit. Samples must
  /// carry energy if the model predicts it.
  StarlightModel with_samples(std::span<const DesignSample> samples, int threads = 0) const;

  /// Conditioned on `samples` too: extends the factorisation, O(N^2) per sample, and equals
  /// with_samples of all samples together up to rounding. Repeated samples and those faster than
  /// MACs / dim^2 are dropped.
  StarlightModel with_added(std::span<const DesignSample> samples, int threads = 0) const;

  /// The same model with a judgement of it, which is no part of its identity.
  StarlightModel with_quality(Quality quality) const;

  /// Judges its predictions of other samples, which must carry energy if the model predicts it;
  /// those faster than MACs / dim^2 do not count, and without any other the score is that of
  /// perfect calibration.
  TestScore test(std::span<const DesignSample> samples, int threads = 0) const;

  /// The errors of each output, [outputs], in the samples' order. Precondition: none is faster than
  /// MACs / dim^2, none repeats another.
  std::vector<TargetErrors> errors(std::span<const DesignSample> samples, int threads = 0) const;

  /// Writes the folder `directory` (made if absent), each file whole or not at all.
  void save(const std::filesystem::path& directory) const;
  /// The saved model, bit for bit. Throws Error where a file is missing, damaged, or of another
  /// version or feature list.
  static StarlightModel load(const std::filesystem::path& directory);

  const ModelParameters& parameters() const;
  const SampleCount& sample_count() const;
  bool has_energy() const { return parameters().outputs.size() == 2; }
  /// Added to the diagonal beside the noise to make the factorisation succeed; normally 0.
  double jitter() const;
  /// -ln p(targets), both outputs, in units of the standardised targets.
  double negative_log_likelihood() const;
  /// None where it was not judged, or has other samples since.
  const std::optional<Quality>& quality() const;
  /// Identity of everything that predicts: equal hashes predict equally.
  const std::string& hash() const;

  const PosteriorTensors<float>& tensors_f32() const;
  const PosteriorTensors<double>& tensors_f64() const;

 private:
  struct State;
  explicit StarlightModel(std::shared_ptr<const State> state);
  std::shared_ptr<const State> state_;
};

}  // namespace polaris
