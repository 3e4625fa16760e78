// Sweeps small enough to be repeated index by index, and that repetition.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "host/core/atomic_file.hpp"
#include "host/core/error.hpp"
#include "host/sweep/plan.hpp"
#include "host/sweep/results.hpp"
#include "host/sweep/scorer.hpp"
#include "host/sweep/sweep.hpp"
#include "models/analytical/analytical.hpp"
#include "models/analytical/area.hpp"
#include "tests/temporary_folder.hpp"

namespace polaris {

inline Layer layer_of(std::int32_t r, std::int32_t s, std::int32_t p, std::int32_t q,
                      std::int32_t c, std::int32_t k, std::int32_t n) {
  Layer layer;
  const std::int32_t size[kDims] = {r, s, p, q, c, k, n};
  std::copy_n(size, kDims, layer.size);
  return layer;
}

/// Two arrays and two buses; some mappings fit all of the hardware, some of it, or none.
inline HardwareGrid small_grid() {
  HardwareGrid grid{};
  const std::int64_t axes[kHardwareAxes][2] = {{4, 8}, {256, 1024}, {128, 512}, {4, 8}};
  for (int a = 0; a < kHardwareAxes; ++a) {
    grid.count[a] = 2;
    std::copy_n(axes[a], 2, grid.value[a]);
  }
  return grid;
}

/// All of `layers` on small_grid().
inline SweepSpec small_spec(const std::vector<Layer>& layers) {
  SweepSpec spec;
  spec.workload.name = "small";
  spec.space.name = "small";
  spec.space.hardware = small_grid();
  spec.acquisition = acquisition_of("mean", 0.0, 0.0);
  spec.tile_points = 1000;
  spec.top = 5;
  for (std::size_t l = 0; l < layers.size(); ++l) {
    spec.workload.layers.push_back(
        {"layer" + std::to_string(l), layers[l], static_cast<std::int64_t>(l) + 1});
    spec.ranges.push_back({0, LayerSpace(layers[l], spec.space.hardware).view().size});
  }
  return spec;
}

/// A convolution, a strided one, a product of matrices: half a million indices in all.
inline std::vector<Layer> small_layers() {
  Layer strided = layer_of(3, 1, 2, 4, 4, 1, 1);
  strided.stride_w = 2;
  return {layer_of(1, 1, 4, 2, 8, 4, 1), strided, layer_of(1, 1, 4, 1, 12, 6, 1)};
}

using AvoidList = std::vector<std::pair<std::size_t, std::uint64_t>>;

/// The answer from the definition: every index of the layer's range decoded, classified and
/// evaluated by itself.
inline LayerResult brute_force(const SweepPlan& plan, const SweepLayer& layer,
                               const AvoidList& avoid) {
  const LayerSpaceView& view = layer.view();
  const SweepLimits& limits = plan.spec().limits;
  LayerResult out(plan.hardware().size(), plan.spec().top);
  Coverage& c = out.coverage;
  std::vector<std::vector<RankedPoint>> points(plan.hardware().size());
  std::set<std::uint64_t> avoided;
  for (const auto& [number, index] : avoid)
    if (number == layer.number) avoided.insert(view.canonical(index));
  for (std::uint64_t i = layer.range.begin; i < layer.range.end; ++i) {
    const DesignPoint point = view.decode(i);
    const auto found = std::find(plan.hardware().begin(), plan.hardware().end(), point.hardware);
    if (found == plan.hardware().end()) {
      ++c.excluded;
    } else if (check(view.layer, point) != Feasibility::feasible) {
      ++c.infeasible;
    } else if (view.canonical(i) != i) {
      ++c.duplicate;
    } else if (avoided.contains(i)) {
      ++c.avoided;
    } else {
      const AnalyticalResult cost = evaluate_analytical(view.layer, point.hardware, point.mapping);
      const double cycles = static_cast<double>(cost.cycles);
      c.checksum += checksum_term(std::bit_cast<std::uint64_t>(cost.edp),
                                  mapping_key(layer.number, i % view.mapping_count),
                                  hardware_key(i / view.mapping_count));
      const bool over = (limits.cycles > 0 && cycles > limits.cycles) ||
                        (limits.energy_pj > 0 && cost.energy_pj > limits.energy_pj);
      ++(over ? c.over_limit : c.scored);
      if (!over)
        points[static_cast<std::size_t>(found - plan.hardware().begin())].push_back(
            {{cost.edp, i}, {cycles, cost.energy_pj}});
    }
  }
  for (std::size_t p = 0; p < points.size(); ++p) {
    std::sort(points[p].begin(), points[p].end(), [](const RankedPoint& a, const RankedPoint& b) {
      return ranks_before(a.key, b.key);
    });
    const auto k = std::min(points[p].size(), static_cast<std::size_t>(plan.spec().top));
    for (std::size_t i = 0; i < k; ++i) out.hardware[p].best.offer(points[p][i]);
    for (const RankedPoint& a : points[p]) {
      const bool beaten =
          std::any_of(points[p].begin(), points[p].end(), [&a](const RankedPoint& b) {
            const Estimate &x = a.estimate, &y = b.estimate;
            if (y.cycles > x.cycles || y.energy_pj > x.energy_pj) return false;
            return y.cycles < x.cycles || y.energy_pj < x.energy_pj || b.key.index < a.key.index;
          });
      if (!beaten)
        out.hardware[p].front.points().push_back(
            {a.estimate.cycles, a.estimate.energy_pj, a.key.index, a.estimate});
    }
    std::sort(out.hardware[p].front.points().begin(), out.hardware[p].front.points().end(),
              [](const FrontPoint& a, const FrontPoint& b) { return a.latency < b.latency; });
  }
  return out;
}

inline void expect_equal(const LayerResult& a, const LayerResult& b) {
  EXPECT_EQ(a.coverage.excluded, b.coverage.excluded);
  EXPECT_EQ(a.coverage.infeasible, b.coverage.infeasible);
  EXPECT_EQ(a.coverage.duplicate, b.coverage.duplicate);
  EXPECT_EQ(a.coverage.avoided, b.coverage.avoided);
  EXPECT_EQ(a.coverage.over_limit, b.coverage.over_limit);
  EXPECT_EQ(a.coverage.scored, b.coverage.scored);
  EXPECT_EQ(a.coverage.checksum, b.coverage.checksum);
  ASSERT_EQ(a.hardware.size(), b.hardware.size());
  for (std::size_t p = 0; p < a.hardware.size(); ++p) {
    const auto &x = a.hardware[p].best.points(), &y = b.hardware[p].best.points();
    ASSERT_EQ(x.size(), y.size()) << "hardware " << p;
    for (std::size_t i = 0; i < x.size(); ++i)
      EXPECT_EQ(x[i].key, y[i].key) << x[i].key.index << " and " << y[i].key.index;
    const auto &f = a.hardware[p].front.points(), &g = b.hardware[p].front.points();
    ASSERT_EQ(f.size(), g.size()) << "hardware " << p;
    for (std::size_t i = 0; i < f.size(); ++i) {
      EXPECT_EQ(f[i].index, g[i].index);
      EXPECT_EQ(f[i].latency, g[i].latency);
      EXPECT_EQ(f[i].energy, g[i].energy);
    }
  }
}

/// All tiles of all layers, without shards and files.
inline std::vector<LayerResult> sweep_all(const SweepPlan& plan, TileScorer& scorer) {
  std::vector<LayerResult> out;
  for (const SweepLayer& layer : plan.layers()) {
    out.emplace_back(plan.hardware().size(), plan.spec().top);
    scorer.score(layer, {0, 1, layer.tile_count}, out.back());
    scorer.finish(layer, out.back());
  }
  return out;
}

/// Every file of a results folder, by name.
inline std::map<std::string, std::string> files_of(const std::filesystem::path& folder) {
  std::map<std::string, std::string> out;
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    out[entry.path().filename()] = read_file(entry.path());
  return out;
}

}  // namespace polaris
