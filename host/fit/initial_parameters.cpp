#include "host/fit/initial_parameters.hpp"

#include <algorithm>
#include <cmath>
#include <span>
#include <vector>

#include "host/fit/feature_matrix.hpp"

namespace polaris {
namespace {

/// Offset and scale that standardise an output. One pseudo-observation of the spread expected
/// before seeing any keeps one sample, or equal ones, from claiming certainty.
OutputParameters standardising_output(const std::vector<double>& target, std::size_t o) {
  constexpr double kPriorSpread[] = {1.0, 0.1};  // ln cycles; ln energy ratio
  const double n = static_cast<double>(target.size());
  OutputParameters output;
  double sum = 0.0, squares = kPriorSpread[o] * kPriorSpread[o];
  for (const double y : target) sum += y;
  output.offset = sum / n;
  for (const double y : target) squares += (y - output.offset) * (y - output.offset);
  output.scale = std::sqrt(squares / (n + 1.0));
  return output;
}

/// Moves what the encoder makes of `x`, the standardised feature f, into its biases, and takes its
/// weights on f away.
void fold_into_biases(int f, double x, std::vector<double>& encoder) {
  double* p = encoder.data();
  const auto fold = [x](double& weight, double& bias) {
    bias += weight * x;
    weight = 0.0;
  };
  for (int i = 0; i < kHidden1; ++i)
    fold(p[EncoderLayout::weight1 + i * kFeatures + f], p[EncoderLayout::bias1 + i]);
  for (int k = 0; k < kLatent; ++k)
    fold(p[EncoderLayout::skip + k * kFeatures + f], p[EncoderLayout::bias3 + k]);
}

double standardised(const FeatureScaler& scaler, int f, double value) {
  const auto n = static_cast<std::size_t>(f);
  return standardise_feature(false, value, scaler.mean[n], scaler.inverse_sd[n]);
}

/// The model sees `value` of feature f, whatever a point's own value is.
void hide_feature(int f, double value, ModelParameters& model) {
  fold_into_biases(f, standardised(model.scaler, f, value), model.encoder);
  model.scaler.inverse_sd[static_cast<std::size_t>(f)] = 0.0;
}

/// A feature that is the same in all samples says nothing about its effect on the measurements: its
/// effect in the pre-trained encoder is not trusted elsewhere, and the kernel measures how far a
/// point is from the only value that was seen. Where points have that value, nothing changes.
void distrust_constant_features(const Matrix<double>& values, ModelParameters& model) {
  // No sample says whether such a feature matters. Distances along it count as under a length-scale
  // one deviation of the prior below the center, lest what matters be taken for irrelevant.
  const double caution = std::exp(FitOptions().length_deviation);
  constexpr double kUnit = 1.0;  // a factor of 2, of what pre-training has not seen vary either
  for (int f = 0; f < kFeatures; ++f) {
    const double value = values(f, 0);
    if ((values.row(f).array() != value).any()) continue;
    const auto n = static_cast<std::size_t>(f);
    fold_into_biases(f, standardised(model.scaler, f, value), model.encoder);
    const double inverse_sd = model.scaler.inverse_sd[n];
    model.scaler.mean[n] = value;
    model.scaler.inverse_sd[n] = caution * (inverse_sd > 0.0 ? inverse_sd : kUnit);
  }
}

/// A closed form of one machine's cycles, as features.
struct MachineEstimate {
  const char* name;
  int excess;  ///< the feature that is warped as the target is
  std::span<const char* const> features;
};
constexpr MachineEstimate kMachines[] = {
    {"ours", feature_index("pipeline_excess"), kPipelineFeatures},
    {"gemmini", feature_index("gemmini_excess"), kGemminiFeatures}};

/// The machine whose estimate is nearest to the warped cycles.
const MachineEstimate& nearest_machine(const Matrix<double>& values,
                                       const std::vector<double>& target) {
  const Eigen::Map<const Eigen::RowVectorXd> y(target.data(), values.cols());
  const auto distance = [&](const MachineEstimate& machine) {
    return (values.row(machine.excess) - y).array().abs().mean();
  };
  return *std::min_element(std::begin(kMachines), std::end(kMachines),
                           [&](const MachineEstimate& a, const MachineEstimate& b) {
                             return distance(a) < distance(b);
                           });
}

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

/// Only the estimate of the machine that the samples come from is seen, and the linear mean starts
/// as that estimate: the others would be so many inputs more to over-fit with.
void start_from_estimate(const Matrix<double>& values, const std::vector<double>& target,
                         ModelParameters& model) {
  const MachineEstimate& machine = nearest_machine(values, target);
  for (const MachineEstimate& other : kMachines) {
    if (&other == &machine) continue;
    for (const char* name : other.features) {
      const int f = feature_index(name);
      hide_feature(f, values.row(f).mean(), model);
    }
  }
  model.machine = machine.name;
  const auto n = static_cast<std::size_t>(machine.excess);
  OutputParameters& output = model.outputs[0];
  const double inverse_sd = model.scaler.inverse_sd[n];
  if (inverse_sd == 0.0) return;
  const double weight = 1.0 / (inverse_sd * output.scale);
  output.weight[static_cast<std::size_t>(kLatent) + n] = weight;
  output.bias = -weight * inverse_sd * (values.row(machine.excess).mean() - model.scaler.mean[n]);
}

}  // namespace

ModelParameters initial_parameters(const Pretrained& pretrained, const TrainingSet& set,
                                   const Matrix<double>& values, const FitOptions& options) {
  ModelParameters model;
  model.scaler = pretrained.scaler;
  model.encoder = pretrained.encoder;
  model.skip = pretrained.skip;
  model.warp = options.warp;
  model.raw_inputs = options.raw_inputs;
  model.seed = options.seed;
  model.pretrained_hash = pretrained.hash();
  // Where the kernel sees nothing but the latent, only the encoder can tell points apart.
  if (model.raw_inputs) distrust_constant_features(values, model);
  model.settings = settings_of(options);
  model.log_length.fill(kLengthCenter);
  model.log_noise = std::log(options.noise_center);
  for (std::size_t o = 0; o < set.targets.size(); ++o)
    model.outputs.push_back(standardising_output(set.targets[o], o));
  model.machine = "all";
  if (options.estimate_deviation > 0.0 && options.warp)
    start_from_estimate(values, set.targets[0], model);
  return model;
}

std::vector<bool> failed_measurements(std::span<const DesignSample> samples, int threads) {
  constexpr double kFactor = 10.0;                      // of cycles above the compute bound
  constexpr double kDeviations = 10.0;                  // of the other samples from the estimate
  constexpr double kNormalMedian = 0.6744897501960817;  // of |x|, x standard normal
  const TrainingSet set = make_training_set(samples, /*warp=*/true);
  const Matrix<double> values = feature_values(set.samples, threads);
  const MachineEstimate& machine = nearest_machine(values, set.targets[0]);
  std::vector<double> excess, distance;
  for (std::size_t i = 0; i < set.samples.size(); ++i)
    excess.push_back(set.targets[0][i] - values(machine.excess, static_cast<Eigen::Index>(i)));
  const double center = median(excess);
  for (const double x : excess) distance.push_back(std::abs(x - center));
  const double limit = std::max(std::log(kFactor), kDeviations / kNormalMedian * median(distance));
  std::vector<bool> out;
  for (const DesignSample& sample : samples) {
    bool failed = false;
    for (std::size_t i = 0; i < distance.size() && !failed; ++i)
      failed = distance[i] > limit && set.samples[i].cycles == sample.cycles &&
               same_design(set.samples[i], sample);
    out.push_back(failed);
  }
  return out;
}

}  // namespace polaris
