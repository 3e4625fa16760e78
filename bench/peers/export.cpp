// bench_peers: one Gaussian-process posterior as arrays for other libraries, with Polaris's own
// predictions of the same candidates and the rate at which it made them (bench/peers/README.md).
#include <CLI/CLI.hpp>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <iostream>
#include <limits>
#include <string>
#include <vector>

#include "bench/starlight_models.hpp"
#include "host/bench/synthetic.hpp"
#include "host/core/atomic_file.hpp"
#include "host/fit/feature_matrix.hpp"
#include "host/fit/likelihood.hpp"
#include "host/fit/safetensors.hpp"
#include "host/fit/training_set.hpp"

namespace polaris {
namespace {

constexpr double kLeastSeconds = 2.0;

/// A model of latency alone whose prediction is the posterior itself: no warp.
StarlightModel model_of(std::int64_t count) {
  std::vector<DesignSample> measured = samples(count);
  for (DesignSample& s : measured) s.energy_pj = std::numeric_limits<double>::quiet_NaN();
  FitOptions options;
  options.warp = false;
  options.estimate_deviation = 0.0;  // every sample counts
  return fit_starlight(encoder(), measured, options);
}

/// Kernel inputs over length-scales of the candidates, [kKernelInputs][count].
Matrix<double> inputs_of(const StarlightModel& model, const std::vector<std::uint64_t>& indices) {
  std::vector<LayerPoint> points;
  for (const std::uint64_t index : indices) {
    const DesignPoint point = space().decode(index);
    points.push_back({space().layer, point.hardware, point.mapping});
  }
  const ModelParameters& p = model.parameters();
  const Matrix<double> x = standardise(p.scaler, feature_values(points, 0));
  EncoderBatch<double> batch;
  batch.forward(p.encoder.data(), x);
  return scale_inputs(kernel_inputs(batch.latent, x, p.raw_inputs), p.log_length);
}

/// Candidates per second of Engine::predict.
double rate_of(Engine& engine, const StarlightModel& model,
               const std::vector<std::uint64_t>& indices) {
  std::vector<Prediction> out(indices.size());
  engine.predict(model, space(), indices, out);  // warms up
  int rounds = 0;
  const auto start = std::chrono::steady_clock::now();
  std::chrono::duration<double> seconds{};
  for (; seconds.count() < kLeastSeconds; ++rounds) {
    engine.predict(model, space(), indices, out);
    seconds = std::chrono::steady_clock::now() - start;
  }
  return rounds * static_cast<double>(indices.size()) / seconds.count();
}

void run(std::int64_t count, std::int64_t candidates, int threads,
         const std::filesystem::path& file) {
  const StarlightModel model = model_of(count);
  const PosteriorTensors<double>& t = model.tensors_f64();
  const auto indices = feasible(static_cast<std::size_t>(candidates), 3);
  const auto engine = make_engine("cpu", {.threads = threads});

  std::vector<Prediction> single(indices.size());
  std::vector<ExactPrediction> exact(indices.size());
  engine->predict_exact(model, space(), indices, exact);
  engine->predict(model, space(), indices, single);
  const double rate = rate_of(*engine, model, indices);
  // Neighbours share work, which no peer can do with the same candidates as arrays.
  const double range_rate =
      rate_of(*engine, model, neighbouring_candidates(space(), indices.size(), 3));

  const TrainingSet training = make_training_set(samples(count), false);
  std::vector<double> mean, sd, mean32, sd32;
  for (std::size_t i = 0; i < indices.size(); ++i) {
    mean.push_back(exact[i].log_latency);
    sd.push_back(exact[i].log_latency_sd);
    mean32.push_back(single[i].log_latency);
    sd32.push_back(single[i].log_latency_sd);
  }
  const Matrix<double> inputs = inputs_of(model, indices);
  const std::int64_t n = t.samples, width = kKernelInputs;
  const double noise = std::exp(model.parameters().log_noise) + model.jitter();
  TensorMap tensors;
  tensors["train"] = make_tensor({n, width}, t.train);
  tensors["target"] = make_tensor({n}, training.targets[0]);
  tensors["test"] =
      make_tensor({candidates, width}, {inputs.data(), inputs.data() + inputs.size()});
  tensors["mean_weight"] = make_tensor({width}, t.mean_weight);
  tensors["mean_bias"] = make_tensor({1}, t.mean_bias);
  tensors["signal_variance"] = make_tensor({1}, {t.sd[0] * t.sd[0]});
  tensors["noise_variance"] = make_tensor({1}, {t.sd[0] * t.sd[0] * noise});
  tensors["polaris_mean"] = make_tensor({candidates}, std::move(mean));
  tensors["polaris_sd"] = make_tensor({candidates}, std::move(sd));
  tensors["polaris_mean_f32"] = make_tensor({candidates}, std::move(mean32));
  tensors["polaris_sd_f32"] = make_tensor({candidates}, std::move(sd32));
  tensors["polaris_per_second"] = make_tensor({1}, {rate});
  tensors["polaris_range_per_second"] = make_tensor({1}, {range_rate});
  AtomicFile out(file);
  out.stream() << serialize_tensors(tensors);
  out.commit();
}

}  // namespace
}  // namespace polaris

int main(int argc, char** argv) {
  std::int64_t samples = 611, candidates = 1 << 14;
  int threads = 0;
  std::string file;
  CLI::App app("A posterior as arrays for other libraries, with Polaris's predictions and rate");
  app.add_option("--samples", samples, "Training points")->check(CLI::Range(2, 10'000));
  app.add_option("--candidates", candidates, "Points to predict")->check(CLI::Range(1, 1 << 20));
  app.add_option("--threads", threads, "0: all cores");
  app.add_option("--out", file, "File to write (safetensors)")->required();
  CLI11_PARSE(app, argc, argv);
  try {
    polaris::run(samples, candidates, threads, file);
  } catch (const std::exception& error) {
    std::cerr << "bench_peers: " << error.what() << '\n';
    return 1;
  }
}
