// Throughput of the analytical fidelity on one core: points per second.
#include "models/analytical/analytical.hpp"

#include <benchmark/benchmark.h>

#include <cstdint>
#include <vector>

#include "host/space/layer_space.hpp"

namespace polaris {
namespace {

constexpr std::uint64_t kSeed = 1;
constexpr std::uint64_t kPoints = 4096;  // more than the branch predictor remembers, within L2

/// A 3 x 3 convolution of ResNet-50 on arrays of 8 to 32: about 10^11 design points.
LayerSpace resnet_space() {
  Layer layer;
  layer.size[index_of(Dim::R)] = layer.size[index_of(Dim::S)] = 3;
  layer.size[index_of(Dim::P)] = layer.size[index_of(Dim::Q)] = 28;
  layer.size[index_of(Dim::C)] = layer.size[index_of(Dim::K)] = 128;
  HardwareGrid grid{};
  const std::vector<std::vector<std::int64_t>> axes = {
      {8, 16, 32}, {16384, 65536, 262144}, {65536, 262144, 1048576}, {8, 16}};
  for (int a = 0; a < kHardwareAxes; ++a)
    for (const std::int64_t value : axes[static_cast<std::size_t>(a)])
      grid.value[a][grid.count[a]++] = value;
  return LayerSpace(layer, grid);
}

/// Uniform samples, feasible or not: what a sweep or a random search sees.
std::vector<std::uint64_t> sample_indices(const LayerSpaceView& view) {
  std::vector<std::uint64_t> out(kPoints);
  for (std::uint64_t i = 0; i < kPoints; ++i) out[i] = view.sample(kSeed, 0, i);
  return out;
}

std::vector<DesignPoint> feasible_points(const LayerSpaceView& view) {
  std::vector<DesignPoint> out;
  for (std::uint64_t i = 0; out.size() < kPoints; ++i) {
    const DesignPoint point = view.decode(view.sample(kSeed, 0, i));
    if (check(view.layer, point) == Feasibility::feasible) out.push_back(point);
  }
  return out;
}

void finish(benchmark::State& state) {
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(kPoints));
}

void decode_only(benchmark::State& state) {
  const LayerSpace space = resnet_space();
  const auto indices = sample_indices(space.view());
  for (auto _ : state)
    for (const std::uint64_t index : indices) {
      DesignPoint point = space.view().decode(index);
      benchmark::DoNotOptimize(point);
    }
  finish(state);
}
BENCHMARK(decode_only);

void decode_check_evaluate(benchmark::State& state) {
  const LayerSpace space = resnet_space();
  const auto indices = sample_indices(space.view());
  std::int64_t feasible = 0;
  for (auto _ : state)
    for (const std::uint64_t index : indices) {
      const DesignPoint point = space.view().decode(index);
      if (check(space.view().layer, point) != Feasibility::feasible) continue;
      double edp = evaluate_analytical(space.view().layer, point.hardware, point.mapping).edp;
      benchmark::DoNotOptimize(edp);
      ++feasible;
    }
  finish(state);
  state.counters["feasible"] =
      static_cast<double>(feasible) / static_cast<double>(state.iterations() * kPoints);
}
BENCHMARK(decode_check_evaluate);

void evaluate_only(benchmark::State& state) {
  const LayerSpace space = resnet_space();
  const auto points = feasible_points(space.view());
  for (auto _ : state)
    for (const DesignPoint& point : points) {
      double edp = evaluate_analytical(space.view().layer, point.hardware, point.mapping).edp;
      benchmark::DoNotOptimize(edp);
    }
  finish(state);
}
BENCHMARK(evaluate_only);

void evaluate_all_fields(benchmark::State& state) {
  const LayerSpace space = resnet_space();
  const auto points = feasible_points(space.view());
  for (auto _ : state)
    for (const DesignPoint& point : points) {
      AnalyticalResult result =
          evaluate_analytical(space.view().layer, point.hardware, point.mapping);
      benchmark::DoNotOptimize(result);
    }
  finish(state);
}
BENCHMARK(evaluate_all_fields);

}  // namespace
}  // namespace polaris

BENCHMARK_MAIN();
