#include "bench/accuracy/methods.hpp"

#include <chrono>
#include <cmath>
#include <limits>

#include "host/core/error.hpp"
#include "host/engine/engine.hpp"
#include "host/fit/pretrain.hpp"
#include "models/analytical/analytical.hpp"

namespace polaris {
namespace {

constexpr const char* kMethodNames[] = {"analytical", "paper", "gp", "polaris"};

std::vector<LayerPoint> points_of(std::span<const DesignSample> samples) {
  std::vector<LayerPoint> out;
  for (const DesignSample& s : samples) out.push_back({s.layer, s.hardware, s.mapping});
  return out;
}

Predictions analytical_predictions(std::span<const DesignSample> test, bool measured_energy) {
  Predictions out;
  for (const DesignSample& s : test) {
    const AnalyticalResult result = evaluate_analytical(s.layer, s.hardware, s.mapping);
    out.cycles.push_back(std::log(static_cast<double>(result.cycles)));
    out.edp.push_back(out.cycles.back() +
                      std::log(measured_energy ? result.energy_pj : s.energy_pj));
  }
  return out;
}

}  // namespace

const char* to_string(Method method) { return kMethodNames[static_cast<int>(method)]; }

Method method_of(const std::string& name) {
  for (int m = 0; m < 4; ++m)
    if (name == kMethodNames[m]) return static_cast<Method>(m);
  throw Error::expected("analytical, paper, gp or polaris", "'" + name + "'", "method");
}

Predictions evaluate(Method method, const Encoders& encoders, std::span<const DesignSample> train,
                     std::span<const DesignSample> test, bool measured_energy,
                     const std::map<std::string, double>& settings, std::uint64_t seed,
                     int threads) {
  if (method == Method::analytical) return analytical_predictions(test, measured_energy);
  std::vector<DesignSample> samples(train.begin(), train.end());
  if (!measured_energy)
    for (DesignSample& s : samples) s.energy_pj = std::numeric_limits<double>::quiet_NaN();

  const auto start = std::chrono::steady_clock::now();
  FitOptions options;
  if (method == Method::paper) options = FitOptions::paper();
  if (method == Method::gp) options = FitOptions::plain();
  if (method != Method::paper)
    for (const auto& [name, value] : settings) change_setting(options, name, value);
  options.seed = seed;
  options.threads = threads;
  const std::vector<LayerPoint> train_points = points_of(train);
  const StarlightModel model =
      fit_starlight(method == Method::paper ? encoders.paper
                    : method == Method::gp  ? no_pretraining(train_points, threads)
                                            : encoders.ours,
                    samples, options);
  Predictions out;
  out.fit_seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();

  const std::vector<LayerPoint> points = points_of(test);
  std::vector<ExactPrediction> predictions(points.size());
  make_engine("cpu", {threads})->predict_points(model, points, predictions);
  for (std::size_t i = 0; i < test.size(); ++i) {
    const ExactPrediction& p = predictions[i];
    out.cycles.push_back(p.log_latency);
    out.cycles_sd.push_back(p.log_latency_sd);
    out.edp.push_back(p.log_latency +
                      (measured_energy ? p.log_energy : std::log(test[i].energy_pj)));
    out.edp_sd.push_back(measured_energy ? std::hypot(p.log_latency_sd, p.log_energy_sd)
                                         : p.log_latency_sd);
  }
  return out;
}

}  // namespace polaris
