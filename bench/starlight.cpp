// Candidates per second of the CPU engine, and the time of a fit, by the number of RTL samples.
#include <benchmark/benchmark.h>

#include <cstdint>
#include <vector>

#include "host/engine/engine.hpp"
#include "host/fit/fit.hpp"
#include "host/fit/pretrain.hpp"
#include "host/space/layer_space.hpp"
#include "models/analytical/analytical.hpp"

namespace polaris {
namespace {

/// A layer of ResNet-50 under a grid like the zoo's default.
const LayerSpaceView& space() {
  static const LayerSpace layer_space = [] {
    Layer layer;
    const std::int32_t size[kDims] = {3, 3, 28, 28, 128, 128, 1};
    for (int d = 0; d < kDims; ++d) layer.size[d] = size[d];
    HardwareGrid grid{};
    const std::int64_t axes[kHardwareAxes][3] = {
        {8, 16, 32}, {65536, 131072, 262144}, {131072, 262144, 524288}, {8, 16, 32}};
    for (int a = 0; a < kHardwareAxes; ++a) {
      grid.count[a] = 3;
      for (int i = 0; i < 3; ++i) grid.value[a][i] = axes[a][i];
    }
    return LayerSpace(layer, grid);
  }();
  return layer_space.view();
}

std::vector<std::uint64_t> feasible(std::size_t count, std::uint64_t stream) {
  std::vector<std::uint64_t> out;
  for (std::uint64_t i = 0; out.size() < count; ++i) {
    const std::uint64_t index = space().sample(1, stream, i);
    if (check(space().layer, space().decode(index)) == Feasibility::feasible) out.push_back(index);
  }
  return out;
}

const Pretrained& encoder() {
  static const Pretrained pretrained = [] {
    std::vector<LayerPoint> points;
    for (const std::uint64_t index : feasible(4000, 1)) {
      const DesignPoint point = space().decode(index);
      points.push_back({space().layer, point.hardware, point.mapping});
    }
    PretrainOptions options;
    options.epochs = 2;
    return pretrain(points, options);
  }();
  return pretrained;
}

std::vector<DesignSample> samples(std::int64_t count) {
  std::vector<DesignSample> out;
  for (const std::uint64_t index : feasible(static_cast<std::size_t>(count), 2)) {
    const DesignPoint point = space().decode(index);
    const AnalyticalResult result =
        evaluate_analytical(space().layer, point.hardware, point.mapping);
    out.push_back({space().layer, point.hardware, point.mapping,
                   1.5 * static_cast<double>(result.cycles), result.energy_pj});
  }
  return out;
}

StarlightModel quick_model(std::int64_t count) {
  FitOptions options;
  options.steps = 2;
  return fit_starlight(encoder(), samples(count), options);
}

void predict(benchmark::State& state) {
  const StarlightModel model = quick_model(state.range(0));
  const auto engine = make_engine("cpu", {static_cast<int>(state.range(1))});
  const std::vector<std::uint64_t> indices = feasible(1 << 15, 3);
  std::vector<Prediction> predictions(indices.size());
  for (auto _ : state) engine->predict(model, space(), indices, predictions);
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(indices.size()));
}
BENCHMARK(predict)
    ->ArgNames({"samples", "threads"})
    ->ArgsProduct({{256, 611, 1567}, {1, 2}})
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();

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
