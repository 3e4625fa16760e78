// The operations of scoring, seen through the engines' public calls: a model is chosen that lets
// the operation's result through. Unit weights of the linear mean show single kernel inputs, noise
// far above the signal makes alpha a single one and the mean an entry of the kernel row.
#include <algorithm>
#include <cmath>
#include <utility>

#include "tests/kernels/device_predictions.hpp"
#include "tests/kernels/parity_models.hpp"

namespace polaris {
namespace {

std::vector<std::uint64_t> candidates_of(const ParityCase& shape) {
  return random_indices(shape.candidates, 8);
}

/// The means are the kernel inputs `first` and `first + 1`, before the length-scales.
StarlightModel input_model(int first) {
  ModelParameters parameters = random_parameters();
  constexpr double kNothingButNoise = 40.0;
  parameters.log_noise = kNothingButNoise;
  parameters.warp = false;
  for (int o = 0; o < kMaxOutputs; ++o) {
    auto& weight = parameters.outputs[static_cast<std::size_t>(o)].weight;
    weight.fill(0.0);
    if (first + o < kKernelInputs) weight[static_cast<std::size_t>(first + o)] = 1.0;
  }
  return {parameters, random_samples(1), 1};
}

/// The means are the correlations with the first and the last sample, but for a 300th of others.
StarlightModel row_model(const ParityCase& shape) {
  constexpr double kNoise = 300.0, kCycles = 1e12;
  ModelParameters parameters = random_parameters();
  parameters.log_noise = std::log(kNoise);
  parameters.warp = false;
  for (OutputParameters& output : parameters.outputs) output.weight.fill(0.0);
  parameters.outputs[0].offset = std::log(kCycles);
  std::vector<DesignSample> samples = random_samples(shape.samples);
  for (DesignSample& sample : samples) {
    sample.cycles = kCycles;
    sample.energy_pj = evaluate_analytical(sample.layer, sample.hardware, sample.mapping).energy_pj;
  }
  samples.front().cycles *= std::exp(kNoise);
  samples.back().energy_pj *= std::exp(kNoise);
  return {parameters, samples, 1};
}

/// float64 predictions pass through, those of float are widened.
template <typename T>
std::vector<ExactPrediction> widened(const std::vector<BasicPrediction<T>>& predictions) {
  std::vector<ExactPrediction> out;
  for (const BasicPrediction<T>& p : predictions)
    out.push_back({p.log_latency, p.log_latency_sd, p.log_energy, p.log_energy_sd});
  return out;
}

using Predictions = std::vector<ExactPrediction>;
using Indices = std::vector<std::uint64_t>;

/// A way from a model to predictions.
struct Predictor {
  std::string name;
  ScreenPrecision precision;
  std::function<Predictions(const StarlightModel&, const Indices&)> predict;
};

Predictor engine_predictor(const std::string& backend, ScreenPrecision precision) {
  const bool exact = precision == ScreenPrecision::fp64;
  return {backend + (exact ? "_fp64" : "_fp32"), precision,
          [=](const StarlightModel& model, const Indices& indices) {
            const auto engine = make_engine(backend, kParityOptions);
            Predictions out(indices.size());
            if (exact) {
              engine->predict_exact(model, parity_space(), indices, out);
              return out;
            }
            std::vector<Prediction> single(indices.size());
            engine->predict(model, parity_space(), indices, single);
            return widened(single);
          }};
}

Predictor kernel_predictor(const std::string& name, ScreenPrecision precision, ScoreDepth depth) {
  return {"kernel_" + name, precision, [=](const StarlightModel& model, const Indices& indices) {
            const DeviceRequest request{indices, depth, kLargeShared, precision};
            const StarlightSketch sketch = sketch_of(posterior_view(model.tensors_f64()));
            return precision == ScreenPrecision::fp64
                       ? widened(predict_on_device(model.tensors_f64(), parity_space(), request,
                                                   sketch))
                       : widened(predict_on_device(model.tensors_f32(), parity_space(), request,
                                                   sketch));
          }};
}

std::vector<Predictor> whole_predictors() {
  return {engine_predictor("cpu", ScreenPrecision::fp64),
          engine_predictor("cpu", ScreenPrecision::fp32),
          engine_predictor("cuda", ScreenPrecision::fp64),
          engine_predictor("cuda", ScreenPrecision::fp32),
          kernel_predictor("tf32", ScreenPrecision::tf32, ScoreDepth::whole),
          kernel_predictor("bf16", ScreenPrecision::bf16, ScoreDepth::whole)};
}

/// The CPU engine shows whole variances only.
std::vector<Predictor> partial_predictors(ScoreDepth depth) {
  return {kernel_predictor("fp64", ScreenPrecision::fp64, depth),
          kernel_predictor("fp32", ScreenPrecision::fp32, depth),
          kernel_predictor("tf32", ScreenPrecision::tf32, depth)};
}

Predictions reference_predictions(const StarlightModel& model, const Indices& indices,
                                  int most_rows) {
  const PosteriorTensors<double>& tensors = model.tensors_f64();
  Predictions out;
  for (const std::uint64_t index : indices)
    out.push_back(reference_prediction(tensors, layer_point(parity_space(), index),
                                       std::min(most_rows, tensors.samples)));
  return out;
}

constexpr int kAllRows = 1 << 30;

/// An operation that the predictions of one or more models show. `read`: its result.
ParityOp prediction_op(
    const std::string& name, const std::vector<ParityCase>& cases,
    const std::function<std::vector<StarlightModel>(const ParityCase&)>& make_models,
    const std::function<void(const StarlightModel&, const ExactPrediction&, ParityValues&)>& read,
    const std::function<double(ScreenPrecision)>& bound,
    const std::vector<Predictor>& predictors = whole_predictors(), int rows = kAllRows) {
  const auto models = remembered(make_models);
  const auto candidates = remembered<Indices>(candidates_of);
  const auto run = [models, candidates, read](const ParityCase& shape, const auto& predict) {
    const Indices& indices = candidates(shape);
    ParityValues out;
    for (const StarlightModel& model : models(shape))
      for (const ExactPrediction& p : predict(model, indices)) read(model, p, out);
    return out;
  };
  ParityOp op{name,
              cases,
              [run, rows](const ParityCase& shape) {
                return run(shape, [rows](const StarlightModel& model, const Indices& indices) {
                  return reference_predictions(model, indices, rows);
                });
              },
              largest_difference,
              {}};
  for (const Predictor& p : predictors)
    op.ways.push_back({p.name, bound(p.precision),
                       [run, p](const ParityCase& shape) { return run(shape, p.predict); }});
  return op;
}

/// What was seen is below a quarter of what screens count on.
double mean_bound(ScreenPrecision precision) {
  const double bound = screen_bounds(precision).mean;
  return precision == ScreenPrecision::fp64 ? bound : 0.25 * bound;
}
double deviation_bound(ScreenPrecision precision) {
  const double bound = screen_bounds(precision).sd;
  return precision == ScreenPrecision::fp64 ? bound : 0.25 * bound;
}
/// Of values of a few units that were not amplified by alpha or L^-1.
double plain_bound(ScreenPrecision precision) {
  return precision == ScreenPrecision::fp64 ? 1e-12 : 1e-4;
}

void read_means(const StarlightModel&, const ExactPrediction& p, ParityValues& out) {
  out.push_back(p.log_latency);
  out.push_back(p.log_energy);
}

/// Deviations over those far from all samples.
void read_deviations(const StarlightModel& model, const ExactPrediction& p, ParityValues& out) {
  const PosteriorTensors<double>& tensors = model.tensors_f64();
  const double far = std::sqrt(tensors.unit_variance);
  out.push_back(p.log_latency_sd / (tensors.sd[0] * far));
  if (tensors.outputs == 2) out.push_back(p.log_energy_sd / (tensors.sd[1] * far));
}

std::function<std::vector<StarlightModel>(const ParityCase&)> one_model(
    StarlightModel (*make)(const ParityCase&)) {
  return [make](const ParityCase& shape) { return std::vector{make(shape)}; };
}

std::function<std::vector<StarlightModel>(const ParityCase&)> input_models(int begin, int end) {
  return [begin, end](const ParityCase&) {
    std::vector<StarlightModel> out;
    for (int k = begin; k < end; k += kMaxOutputs) out.push_back(input_model(k));
    return out;
  };
}

ParityOp feasible_op() {
  const auto listed = [](const ParityCase& shape) {
    Indices out;
    for (int i = 0; i < shape.candidates; ++i)
      out.push_back(parity_space().sample(4, 9, static_cast<std::uint64_t>(i)));
    return out;
  };
  const auto by_engine = [listed](const std::string& backend) {
    return [listed, backend](const ParityCase& shape) {
      const Indices indices = listed(shape);
      ParityValues out;
      for (const ExactPrediction& p : engine_predictor(backend, ScreenPrecision::fp32)
                                          .predict(fitted_model({.samples = 1}), indices))
        out.push_back(std::isnan(p.log_latency) ? 0.0 : 1.0);
      return out;
    };
  };
  return {"feasible",
          {{0}, {1}, {31}, {32}, {33}, {511}, {513}},
          [listed](const ParityCase& shape) {
            ParityValues out;
            for (const std::uint64_t index : listed(shape))
              out.push_back(is_feasible(parity_space(), index) ? 1.0 : 0.0);
            return out;
          },
          largest_difference,
          {{"cpu", 0.0, by_engine("cpu")}, {"cuda", 0.0, by_engine("cuda")}}};
}

}  // namespace

std::vector<ParityOp> scoring_ops() {
  const std::vector<ParityCase> any_samples = {{33, 1},  {33, 8},  {33, 31}, {33, 32},
                                               {33, 33}, {33, 64}, {65, 65}, {65, 130}};
  return {
      feasible_op(),
      prediction_op("features", {{17, 1}}, input_models(kLatent, kKernelInputs), read_means,
                    plain_bound),
      prediction_op("latent", {{1, 1}, {65, 1}}, input_models(0, kLatent), read_means, plain_bound),
      prediction_op("kernel_row", any_samples, one_model(row_model), read_means, plain_bound),
      prediction_op("mean", any_samples, one_model(fitted_model), read_means, mean_bound),
      prediction_op("variance_bound", any_samples, one_model(fitted_model), read_deviations,
                    deviation_bound, partial_predictors(ScoreDepth::bound), kPrefixRows),
      prediction_op("variance", any_samples, one_model(fitted_model), read_deviations,
                    deviation_bound),
      prediction_op(
          "prediction",
          {{0},
           {1, 33, 0, 1},
           {7},
           {8},
           {9},
           {63, 33, 0, 1},
           {64},
           {65},
           {127},
           {129, 33, 0, 1},
           {257}},
          one_model(fitted_model),
          [](const StarlightModel& model, const ExactPrediction& p, ParityValues& out) {
            read_means(model, p, out);
            out.push_back(p.log_latency_sd);
            out.push_back(p.log_energy_sd);
          },
          [](ScreenPrecision precision) {
            return std::max(mean_bound(precision), deviation_bound(precision));
          })};
}

}  // namespace polaris
