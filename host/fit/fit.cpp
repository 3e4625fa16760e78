#include "host/fit/fit.hpp"

#include <Eigen/LU>
#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "host/core/error.hpp"
#include "host/core/interrupt.hpp"
#include "host/fit/adam.hpp"
#include "host/fit/feature_matrix.hpp"
#include "host/fit/fit_likelihood.hpp"
#include "host/fit/random.hpp"
#include "host/fit/training_set.hpp"

namespace polaris {
namespace {

/// Normal prior of one hyper-parameter; adds to value and gradient of the negative log posterior.
struct NormalPrior {
  double center, deviation;

  double add(double x, double& gradient) const {
    const double z = (x - center) / deviation;
    gradient += z / deviation;
    return 0.5 * z * z;
  }
};

constexpr NormalPrior kSignalPrior{0.0, 1.0};  // targets are standardised
constexpr double kBiasDeviation = 1.0;

/// Held-out rows, split by layer, chose the widths of these: wider ones let as many length-scales
/// and weights as there are inputs over-fit a few hundred samples.
NormalPrior length_prior(const FitOptions& options) {
  return {0.5 * std::log(3.0 * kKernelInputs), options.length_deviation};
}

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

/// The model sees `value` of feature f for ever, moved into the encoder's biases.
void freeze_feature(int f, double value, ModelParameters& model) {
  const auto n = static_cast<std::size_t>(f);
  const double x =
      standardise_feature(false, value, model.scaler.mean[n], model.scaler.inverse_sd[n]);
  model.scaler.inverse_sd[n] = 0.0;
  double* p = model.encoder.data();
  for (int i = 0; i < kHidden1; ++i)
    p[EncoderLayout::bias1 + i] += p[EncoderLayout::weight1 + i * kFeatures + f] * x;
  for (int k = 0; k < kLatent; ++k)
    p[EncoderLayout::bias3 + k] += p[EncoderLayout::skip + k * kFeatures + f] * x;
}

/// A feature that is the same in all samples says nothing about its effect on the measurements, so
/// its effect in the pre-trained encoder is not trusted elsewhere.
void freeze_constant_features(const Matrix<double>& values, ModelParameters& model) {
  for (int f = 0; f < kFeatures; ++f)
    if ((values.row(f).array() == values(f, 0)).all()) freeze_feature(f, values(f, 0), model);
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
      freeze_feature(f, values.row(f).mean(), model);
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

bool same_scaler(const FeatureScaler& a, const FeatureScaler& b) {
  return a.mean == b.mean && a.inverse_sd == b.inverse_sd;
}

/// Negative log posterior of all parameters and its gradient.
class Objective {
 public:
  /// `start`: its encoder is the anchor, its linear mean the center of the weights' prior.
  Objective(FitProblem problem, const FitOptions& options, const ModelParameters& start)
      : options_(options),
        anchor_(start.encoder),
        mean_(start.outputs),
        likelihood_(options.backend == FitBackend::cuda ? make_cuda_likelihood(problem)
                                                        : make_cpu_likelihood(std::move(problem))) {
  }

  double evaluate(const ModelParameters& model, int step, std::vector<double>& gradient) {
    double value = likelihood_->evaluate(model, step, gradient);
    for (std::size_t i = 0; i < anchor_.size(); ++i) {
      const double moved = model.encoder[i] - anchor_[i];
      value += 0.5 * options_.anchor * moved * moved;
      gradient[i] += options_.anchor * moved;
    }
    for (int k = 0; k < kKernelInputs; ++k) {
      const auto i = static_cast<std::size_t>(k);
      value += length_prior(options_).add(model.log_length[i], gradient[FitLayout::length + i]);
    }
    const NormalPrior noise_prior{std::log(options_.noise_center), options_.noise_deviation};
    value += noise_prior.add(model.log_noise, gradient[FitLayout::noise]);
    for (std::size_t o = 0; o < model.outputs.size(); ++o) {
      const OutputParameters& output = model.outputs[o];
      double* g = gradient.data() + FitLayout::output(static_cast<int>(o));
      value += kSignalPrior.add(output.log_sd, g[FitLayout::log_sd]);
      value += NormalPrior{mean_[o].bias, kBiasDeviation}.add(output.bias, g[FitLayout::bias]);
      for (int k = 0; k < kKernelInputs; ++k) {
        const auto i = static_cast<std::size_t>(k);
        value += weight_prior(mean_[o].weight[i]).add(output.weight[i], g[FitLayout::weight + k]);
      }
    }
    return value;
  }

 private:
  NormalPrior weight_prior(double center) const {
    return {center, center == 0.0 ? options_.weight_deviation
                                  : options_.estimate_deviation * std::abs(center)};
  }

  const FitOptions& options_;
  std::vector<double> anchor_;
  std::vector<OutputParameters> mean_;
  std::unique_ptr<FitLikelihood> likelihood_;
};

/// Parameters before the first step.
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
  freeze_constant_features(values, model);
  model.settings = settings_of(options);
  model.log_length.fill(length_prior(options).center);
  model.log_noise = std::log(options.noise_center);
  for (std::size_t o = 0; o < set.targets.size(); ++o)
    model.outputs.push_back(standardising_output(set.targets[o], o));
  model.machine = "all";
  if (options.estimate_deviation > 0.0 && options.warp)
    start_from_estimate(values, set.targets[0], model);
  return model;
}

void take_warm_start(const ModelParameters& from, ModelParameters& model) {
  model.log_length = from.log_length;
  model.log_noise = from.log_noise;
  for (std::size_t o = 0; o < std::min(model.outputs.size(), from.outputs.size()); ++o) {
    model.outputs[o].log_sd = from.outputs[o].log_sd;
    model.outputs[o].bias = from.outputs[o].bias;
    model.outputs[o].weight = from.outputs[o].weight;
  }
  // Its encoder fits only if it was made for the same inputs.
  if (from.pretrained_hash == model.pretrained_hash && same_scaler(from.scaler, model.scaler))
    model.encoder = from.encoder;
}

/// `steps` of the schedule of options.steps; `watch` sees the parameters after each.
ModelParameters optimise(const Pretrained& pretrained, std::span<const DesignSample> samples,
                         const FitOptions& options, int steps,
                         const std::function<void(int, const ModelParameters&)>& watch) {
  const TrainingSet set = make_training_set(samples, options.warp);
  const Matrix<double> values = feature_values(set.samples, options.threads);
  if (!values.allFinite()) throw Error("training samples: expected finite features, got others");
  ModelParameters model = initial_parameters(pretrained, set, values, options);
  const ModelParameters start = model;
  if (options.warm_start != nullptr) take_warm_start(options.warm_start->parameters(), model);

  Matrix<double> targets(values.cols(), static_cast<Eigen::Index>(set.targets.size()));
  for (std::size_t o = 0; o < set.targets.size(); ++o) {
    const Eigen::Map<const Eigen::VectorXd> y(set.targets[o].data(), values.cols());
    targets.col(static_cast<Eigen::Index>(o)) =
        (y.array() - model.outputs[o].offset) / model.outputs[o].scale;
  }
  Objective objective({.x = standardise(model.scaler, values),
                       .targets = std::move(targets),
                       .raw_inputs = model.raw_inputs,
                       .dropout = {options.seed, static_cast<std::uint64_t>(RandomStream::dropout),
                                   options.dropout},
                       .threads = options.threads},
                      options, start);

  std::vector<double> p = pack(model), gradient;
  std::vector<double> rate(p.size(), options.learning_rate);
  std::fill_n(rate.begin(), EncoderLayout::size, options.encoder_rate);
  std::fill_n(rate.begin() + EncoderLayout::skip, kLatent * kFeatures,
              model.skip ? options.skip_rate : 0.0);
  if (!options.linear_mean)
    for (std::size_t o = 0; o < model.outputs.size(); ++o)
      std::fill_n(rate.begin() + FitLayout::output(static_cast<int>(o)) + FitLayout::weight,
                  kKernelInputs, 0.0);
  Adam<double> adam(p.size());
  for (int step = 0; step < steps; ++step) {
    if (interrupted()) throw Failure("fit interrupted: nothing written");
    objective.evaluate(model, step, gradient);
    const double factor = one_cycle(step, options.steps);
    adam.step(p, gradient, [&](std::size_t i) { return rate[i] * factor; });
    unpack(p, model);
    watch(step + 1, model);
  }
  model.steps = steps;
  return model;
}

/// Steps after which a fit without some layers predicts these best, by the density of their
/// measurements.
int validated_steps(const Pretrained& pretrained, std::span<const DesignSample> samples,
                    const FitOptions& options) {
  constexpr int kInterval = 10;
  std::vector<Layer> layers;
  for (const DesignSample& sample : samples)
    if (std::find(layers.begin(), layers.end(), sample.layer) == layers.end())
      layers.push_back(sample.layer);
  const auto held =
      static_cast<std::size_t>(options.validation * static_cast<double>(layers.size()));
  if (held == 0 || samples.size() < kLeastValidationSamples) return options.steps;
  for (std::size_t i = layers.size(); i-- > 1;)
    std::swap(layers[i],
              layers[uniform_below(i + 1, options.seed,
                                   static_cast<std::uint64_t>(RandomStream::validation), i)]);
  layers.resize(held);
  std::vector<DesignSample> train, test;
  for (const DesignSample& sample : samples)
    (std::find(layers.begin(), layers.end(), sample.layer) == layers.end() ? train : test)
        .push_back(sample);
  int best = options.steps;
  double most = -std::numeric_limits<double>::infinity();
  optimise(pretrained, train, options, options.steps,
           [&](int step, const ModelParameters& parameters) {
             if (step % kInterval != 0 && step != options.steps) return;
             const double density = StarlightModel(parameters, train, options.threads)
                                        .test(test, options.threads)
                                        .mean_log_density;
             if (density <= most) return;
             most = density;
             best = step;
           });
  return best;
}

/// The samples of each layer.
std::vector<std::vector<Eigen::Index>> by_layer(const std::vector<DesignSample>& samples) {
  std::vector<std::vector<Eigen::Index>> out;
  for (std::size_t i = 0; i < samples.size(); ++i) {
    const auto same = [&](const std::vector<Eigen::Index>& group) {
      return samples[static_cast<std::size_t>(group[0])].layer == samples[i].layer;
    };
    auto found = std::find_if(out.begin(), out.end(), same);
    if (found == out.end()) found = out.insert(out.end(), std::vector<Eigen::Index>());
    found->push_back(static_cast<Eigen::Index>(i));
  }
  return out;
}

/// Factor on the deviations of output `o` with which 90 % of the samples lie inside their 90 %
/// intervals, each predicted from the samples of other layers; at least 1. With the rows and
/// columns G of C^-1 that belong to a layer, its residuals are (C^-1_GG)^-1 (C^-1 r)_G and their
/// covariance is (C^-1_GG)^-1 (Rasmussen & Williams, 2006, section 5.4.2, for groups).
double calibration(const StarlightModel& model, const std::vector<DesignSample>& samples,
                   std::size_t o) {
  constexpr double kShare = 0.9, kNormal95 = 1.6448536269514722;
  const PosteriorTensors<double>& tensors = model.tensors_f64();
  const auto n = static_cast<Eigen::Index>(samples.size());
  const Eigen::Map<const RowMajor<double>> factor(tensors.inverse_factor.data(), n, n);
  const Eigen::Map<const Eigen::VectorXd> alpha(
      tensors.alpha.data() + static_cast<Eigen::Index>(o) * n, n);
  std::vector<double> deviations;
  for (const std::vector<Eigen::Index>& group : by_layer(samples)) {
    const Matrix<double> columns = factor(Eigen::all, group);
    const Matrix<double> covariance = (columns.transpose() * columns).inverse();
    const Eigen::VectorXd residual = covariance * alpha(group);
    for (Eigen::Index i = 0; i < residual.size(); ++i)
      deviations.push_back(std::abs(residual[i]) / (tensors.sd[o] * std::sqrt(covariance(i, i))));
  }
  const auto place = deviations.begin() +
                     static_cast<std::ptrdiff_t>(kShare * static_cast<double>(deviations.size()));
  std::nth_element(deviations.begin(), place, deviations.end());
  return std::max(1.0, *place / kNormal95);
}

}  // namespace

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

StarlightModel fit_starlight(const Pretrained& pretrained, std::span<const DesignSample> samples,
                             const FitOptions& options) {
  std::vector<bool> failed(samples.size());
  if (options.estimate_deviation > 0.0) failed = failed_measurements(samples, options.threads);
  std::vector<DesignSample> kept;
  for (std::size_t i = 0; i < samples.size(); ++i)
    if (!failed[i]) kept.push_back(samples[i]);
  const int steps = validated_steps(pretrained, kept, options);
  ModelParameters parameters =
      optimise(pretrained, kept, options, steps, [](int, const ModelParameters&) {});
  parameters.failures = static_cast<std::int64_t>(samples.size() - kept.size());
  StarlightModel model(parameters, kept, options.threads);
  const std::vector<DesignSample> used = make_training_set(kept, options.warp).samples;
  if (!options.calibrate || used.size() < kLeastCalibrationSamples) return model;
  for (std::size_t o = 0; o < parameters.outputs.size(); ++o)
    parameters.outputs[o].log_sd += std::log(calibration(model, used, o));
  return StarlightModel(std::move(parameters), kept, options.threads);
}

}  // namespace polaris
