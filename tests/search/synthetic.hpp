// A small problem, and a stand-in for the RTL with a known law.
#pragma once

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "host/search/evaluator.hpp"
#include "models/analytical/analytical.hpp"

namespace polaris::testing {

inline Layer make_layer(std::initializer_list<std::int32_t> sizes, std::int32_t stride = 1) {
  Layer layer;
  std::copy(sizes.begin(), sizes.end(), layer.size);
  layer.stride_w = layer.stride_h = stride;
  return layer;
}

inline DesignSpace small_space() {
  DesignSpace space;
  space.name = "small";
  const std::vector<std::vector<std::int64_t>> axes = {
      {4, 8, 16}, {16384, 65536}, {16384, 65536}, {8}};
  for (int a = 0; a < kHardwareAxes; ++a) {
    const auto& values = axes[static_cast<std::size_t>(a)];
    space.hardware.count[a] = static_cast<std::int32_t>(values.size());
    std::copy(values.begin(), values.end(), space.hardware.value[a]);
  }
  return space;
}

inline Workload small_workload() {
  Workload workload;
  workload.name = "three";
  workload.layers = {{"conv", make_layer({3, 3, 14, 14, 16, 32, 1}), 2},
                     {"strided", make_layer({3, 3, 7, 7, 32, 64, 1}, 2), 1},
                     {"gemm", make_layer({1, 1, 16, 1, 128, 64, 1}), 3}};
  return workload;
}

/// Cycles of the law: the analytical ones, but a pass over the array takes at least dim cycles, and
/// every DRAM tile costs a latency.
inline double law_cycles(const SearchProblem& problem, PointId id) {
  const DesignPoint point = problem.point(id);
  const AnalyticalResult result =
      evaluate_analytical(problem.layer(id.layer), point.hardware, point.mapping);
  const Mapping& m = point.mapping;
  const double rows = static_cast<double>(m.column_tile(Dim::P) * m.column_tile(Dim::Q));
  const double floor =
      static_cast<double>(result.compute_cycles) * std::max(1.0, point.hardware.dim / rows);
  constexpr double kLatency = 150.0;
  double tiles = 1.0;
  for (int d = 0; d < kDims; ++d)
    tiles *= static_cast<double>(m.factor(Level::dram, static_cast<Dim>(d)));
  return std::max(static_cast<double>(result.cycles), floor) + kLatency * tiles;
}

/// Follows the law; every `fail_every`-th run fails with `failure`. Records what was asked of it.
class SyntheticEvaluator : public Evaluator {
 public:
  explicit SyntheticEvaluator(const SearchProblem& problem, int fail_every = 0,
                              RunOutcome failure = RunOutcome::failed)
      : problem_(problem), fail_every_(fail_every), failure_(failure) {}

  void submit(std::span<const RunRequest> batch) override {
    batch_.assign(batch.begin(), batch.end());
  }

  std::vector<Observation> wait() override {
    std::vector<Observation> out;
    for (const RunRequest& request : batch_) {
      Observation& observation = out.emplace_back();
      observation.id = request.id;
      feasible &= problem_.feasible(request.id);
      // A point may come again after it was stopped, and then for longer.
      const auto [before, is_new] = last_limit.try_emplace(request.id, 0);
      repeated |= !is_new && before->second >= request.max_cycles;
      before->second = request.max_cycles;
      seen.insert(request.id);
      ++runs;
      if (fail_every_ > 0 && runs % fail_every_ == 0) {
        observation.outcome = failure_;
        continue;
      }
      const double cycles = slowdown * law_cycles(problem_, request.id);
      const auto limit = static_cast<double>(request.max_cycles);
      observation.outcome = cycles > limit ? RunOutcome::stopped : RunOutcome::measured;
      observation.cycles = std::min(cycles, limit);
      simulated_cycles += observation.cycles;
      observation.energy_pj =
          1.05 * problem_.analytical_cost(request.id).energy_pj / problem_.count(request.id.layer);
    }
    batch_.clear();
    return out;
  }

  int runs = 0;
  double simulated_cycles = 0.0;
  bool feasible = true;   ///< all points asked for were
  bool repeated = false;  ///< some point was asked for again, and not for longer
  std::set<PointId> seen;
  std::map<PointId, std::int64_t> last_limit;
  double slowdown = 1.0;  ///< of this machine against the law

 private:
  const SearchProblem& problem_;
  int fail_every_;
  RunOutcome failure_;
  std::vector<RunRequest> batch_;
};

}  // namespace polaris::testing
