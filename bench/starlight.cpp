// Seconds of a fit and rates of float64 predictions by the number of RTL samples; `polaris bench`
// measures the float32 path.
#include <benchmark/benchmark.h>

#include <cstdint>
#include <vector>

#include "bench/starlight_models.hpp"

namespace polaris {
namespace {

void predict_exact(benchmark::State& state) {
  const StarlightModel model = quick_model(state.range(0));
  const auto engine = make_engine("cpu", {2});
  const std::vector<std::uint64_t> indices = feasible(1 << 12, 3);
  std::vector<ExactPrediction> predictions(indices.size());
  for (auto _ : state) engine->predict_exact(model, space(), indices, predictions);
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(indices.size()));
}
BENCHMARK(predict_exact)
    ->ArgName("samples")
    ->Arg(611)
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();

void fit(benchmark::State& state) {
  const std::vector<DesignSample> data = samples(state.range(0));
  for (auto _ : state)
    benchmark::DoNotOptimize(fit_starlight(encoder(), data, FitOptions()).hash());
}
BENCHMARK(fit)
    ->ArgName("samples")
    ->Arg(256)
    ->Arg(611)
    ->Arg(1567)
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime()
    ->Iterations(1);

void with_samples(benchmark::State& state) {
  const std::vector<DesignSample> data = samples(state.range(0));
  const StarlightModel model = quick_model(64);
  for (auto _ : state) benchmark::DoNotOptimize(model.with_samples(data).hash());
}
BENCHMARK(with_samples)
    ->ArgName("samples")
    ->Arg(256)
    ->Arg(611)
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();

}  // namespace
}  // namespace polaris

BENCHMARK_MAIN();
