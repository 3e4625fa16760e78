#include "host/fit/fit.hpp"

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
#include "host/fit/initial_parameters.hpp"
#include "host/fit/likelihood.hpp"
#include "host/fit/quality.hpp"
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
  return {kLengthCenter, options.length_deviation};
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

/// What a fit works on.
struct Start {
  TrainingSet set;
  ModelParameters model;   ///< before the first step
  Matrix<double> x;        ///< [kFeatures][N] standardised features
  Matrix<double> targets;  ///< [N][outputs] standardised
};

Start make_start(const Pretrained& pretrained, std::span<const DesignSample> samples,
                 const FitOptions& options) {
  Start start;
  start.set = make_training_set(samples, options.warp);
  const Matrix<double> values = feature_values(start.set.samples, options.threads);
  if (!values.allFinite()) throw Error("training samples: expected finite features, got others");
  start.model = initial_parameters(pretrained, start.set, values, options);
  start.x = standardise(start.model.scaler, values);
  start.targets.resize(values.cols(), static_cast<Eigen::Index>(start.set.targets.size()));
  for (std::size_t o = 0; o < start.set.targets.size(); ++o) {
    const OutputParameters& output = start.model.outputs[o];
    const Eigen::Map<const Eigen::VectorXd> y(start.set.targets[o].data(), values.cols());
    start.targets.col(static_cast<Eigen::Index>(o)) = (y.array() - output.offset) / output.scale;
  }
  return start;
}

bool all_equal(const std::vector<double>& values) {
  constexpr double kEqual = 1e-9;  // rounding of equal cycles over different bounds
  const auto [least, most] = std::minmax_element(values.begin(), values.end());
  return *most - *least <= kEqual;
}

/// Whether samples tell too little to move the hyper-parameters from the centers of their priors.
bool too_few_to_fit(const TrainingSet& set) {
  std::vector<double> cycles;
  for (const DesignSample& sample : set.samples) cycles.push_back(sample.cycles);
  return samples_by_design(set.samples).size() < kLeastFittedDesigns || all_equal(cycles) ||
         all_equal(set.targets[0]);
}

/// The parameters before the first step, but for the outputs' variances: each is the mean of its
/// posterior, conjugate to the residuals, after one pseudo-observation of what is expected before
/// any measurement, less the one that the mean takes (Gelman et al., Bayesian Data Analysis, 2013,
/// section 3.2). A repeated design does not make it more certain. Fitted to as few samples, the
/// hyper-parameters would explain every residual and claim to be sure elsewhere; they also predict
/// worse, on every data set tried.
ModelParameters without_steps(const Start& start, int threads) {
  constexpr double kPriorSpread[] = {1.0, 0.3};  // warped cycles; ln energy ratio
  ModelParameters model = start.model;
  EncoderBatch<double> batch;
  batch.forward(model.encoder.data(), start.x);
  const Matrix<double> inputs = kernel_inputs(batch.latent, start.x, model.raw_inputs);
  const Matrix<double> inverse =
      invert_lower(factorise_covariance(scale_inputs(inputs, model.log_length),
                                        std::exp(model.log_noise), threads)
                       .lower,
                   threads);
  const auto designs = static_cast<double>(samples_by_design(start.set.samples).size());
  for (std::size_t o = 0; o < model.outputs.size(); ++o) {
    OutputParameters& output = model.outputs[o];
    const double prior = kPriorSpread[o] / output.scale;
    const double squares =
        (inverse * residual(output, inputs, start.targets.col(static_cast<Eigen::Index>(o))))
            .squaredNorm();
    output.log_sd = 0.5 * std::log((prior * prior + squares) / designs);
  }
  return model;
}

/// `steps` of the schedule of options.steps; `watch` sees the parameters after each.
ModelParameters optimise(const Start& start, const FitOptions& options, int steps,
                         const std::function<void(int, const ModelParameters&)>& watch) {
  ModelParameters model = start.model;
  if (options.warm_start != nullptr) take_warm_start(options.warm_start->parameters(), model);
  Objective objective({.x = start.x,
                       .targets = start.targets,
                       .raw_inputs = model.raw_inputs,
                       .dropout = {options.seed, static_cast<std::uint64_t>(RandomStream::dropout),
                                   options.dropout},
                       .threads = options.threads},
                      options, start.model);

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
  if (held == 0) return options.steps;
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
  optimise(make_start(pretrained, train, options), options, options.steps,
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

/// Factor on the deviations of output `o` with which 90 % of the samples lie inside their 90 %
/// intervals, each predicted from the samples of other layers; at least 1.
double calibration(const StarlightModel& model, const std::vector<DesignSample>& samples,
                   std::size_t o) {
  constexpr double kShare = 0.9, kNormal95 = 1.6448536269514722;
  const TargetErrors left_out = leave_out(model, samples_by_layer(samples), o);
  std::vector<double> deviations;
  for (std::size_t i = 0; i < samples.size(); ++i)
    deviations.push_back(std::abs(left_out.residual[i]) / left_out.sd[i]);
  const auto place = deviations.begin() +
                     static_cast<std::ptrdiff_t>(kShare * static_cast<double>(deviations.size()));
  std::nth_element(deviations.begin(), place, deviations.end());
  return std::max(1.0, *place / kNormal95);
}

}  // namespace

std::vector<DesignSample> usable_samples(std::span<const DesignSample> samples,
                                         const FitOptions& options) {
  std::vector<bool> failed(samples.size());
  if (options.estimate_deviation > 0.0) failed = failed_measurements(samples, options.threads);
  std::vector<DesignSample> out;
  for (std::size_t i = 0; i < samples.size(); ++i)
    if (!failed[i]) out.push_back(samples[i]);
  return out;
}

StarlightModel fit_starlight(const Pretrained& pretrained, std::span<const DesignSample> samples,
                             const FitOptions& options) {
  const std::vector<DesignSample> kept = usable_samples(samples, options);
  const Start start = make_start(pretrained, kept, options);
  ModelParameters parameters =
      too_few_to_fit(start.set)
          ? without_steps(start, options.threads)
          : optimise(start, options, validated_steps(pretrained, kept, options),
                     [](int, const ModelParameters&) {});
  parameters.failures = static_cast<std::int64_t>(samples.size() - kept.size());
  StarlightModel model(parameters, kept, options.threads);
  const std::vector<DesignSample>& used = start.set.samples;
  if (!options.calibrate || used.size() < kLeastCalibrationSamples) return model;
  for (std::size_t o = 0; o < parameters.outputs.size(); ++o)
    parameters.outputs[o].log_sd += std::log(calibration(model, used, o));
  return StarlightModel(std::move(parameters), kept, options.threads);
}

}  // namespace polaris
