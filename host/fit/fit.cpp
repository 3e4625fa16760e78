#include "host/fit/fit.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <memory>
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
constexpr NormalPrior kBiasPrior{0.0, 1.0};

/// Held-out rows, split by layer, chose the widths of these: wider ones let as many length-scales
/// and weights as there are inputs over-fit a few hundred samples.
NormalPrior length_prior(const FitOptions& options) {
  return {0.5 * std::log(3.0 * kKernelInputs), options.length_deviation};
}
NormalPrior weight_prior(const FitOptions& options) { return {0.0, options.weight_deviation}; }

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

/// A feature that is the same in all samples says nothing about its effect on the measurements, so
/// its effect in the pre-trained encoder is not trusted elsewhere: the encoder sees that one value
/// for ever, moved into the biases.
void freeze_constant_features(const Matrix<double>& values, ModelParameters& model) {
  for (int f = 0; f < kFeatures; ++f) {
    if (!(values.row(f).array() == values(f, 0)).all()) continue;
    const auto n = static_cast<std::size_t>(f);
    const double x =
        standardise_feature(false, values(f, 0), model.scaler.mean[n], model.scaler.inverse_sd[n]);
    model.scaler.inverse_sd[n] = 0.0;
    double* p = model.encoder.data();
    for (int i = 0; i < kHidden1; ++i)
      p[EncoderLayout::bias1 + i] += p[EncoderLayout::weight1 + i * kFeatures + f] * x;
    for (int k = 0; k < kLatent; ++k)
      p[EncoderLayout::bias3 + k] += p[EncoderLayout::skip + k * kFeatures + f] * x;
  }
}

bool same_scaler(const FeatureScaler& a, const FeatureScaler& b) {
  return a.mean == b.mean && a.inverse_sd == b.inverse_sd;
}

/// Negative log posterior of all parameters and its gradient.
class Objective {
 public:
  Objective(FitProblem problem, const FitOptions& options, std::vector<double> anchor)
      : options_(options),
        anchor_(std::move(anchor)),
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
      value += kBiasPrior.add(output.bias, g[FitLayout::bias]);
      for (int k = 0; k < kKernelInputs; ++k)
        value += weight_prior(options_).add(output.weight[static_cast<std::size_t>(k)],
                                            g[FitLayout::weight + k]);
    }
    return value;
  }

 private:
  const FitOptions& options_;
  std::vector<double> anchor_;
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
  const std::vector<double> anchor = model.encoder;
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
                      options, anchor);

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

}  // namespace

StarlightModel fit_starlight(const Pretrained& pretrained, std::span<const DesignSample> samples,
                             const FitOptions& options) {
  const int steps = validated_steps(pretrained, samples, options);
  return StarlightModel(
      optimise(pretrained, samples, options, steps, [](int, const ModelParameters&) {}), samples,
      options.threads);
}

}  // namespace polaris
