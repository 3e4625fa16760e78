#include "host/bench/throughput.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <tuple>
#include <utility>
#include <vector>

#include "host/engine/sample_order.hpp"
#include "host/engine/screen_tile.hpp"
#include "models/starlight/network.hpp"
#include "models/starlight/order_class.hpp"

namespace polaris {
namespace {

using nlohmann::ordered_json;

LayerPoint decode_point(const LayerSpaceView& space, std::uint64_t index) {
  const DesignPoint point = space.decode(index);
  return {space.layer, point.hardware, point.mapping};
}

/// A model as the CPU engine prepares it.
struct StageModel {
  explicit StageModel(const ThroughputRequest& of)
      : tensors(order_samples(of.model.tensors_f64(), kBoundRows, of.threads)),
        factor(tensors, tensors.samples, stages),
        tail(TailFactor::of(tensors, stages)),
        screen(tensors, stages, varying_features(of.space),
               decode_point(of.space, of.candidates[0])) {}

  const simd::Stages& stages = simd::best_stages();
  PosteriorTensors<double> tensors;
  PackedFactor factor;
  std::optional<TailFactor> tail;
  ScreenModel screen;
};

/// What one thread measures stages with: a tile full of candidates that passed all of them.
struct StageBench {
  StageBench(const ThroughputRequest& of, const StageModel& model)
      : request(of),
        factor(model.factor),
        tail(model.tail ? &*model.tail : nullptr),
        screen(model.screen),
        tile(model.stages, factor.samples()) {
    for (std::size_t i = 0; i < std::min(kPoints, of.candidates.size()); ++i)
      points.push_back(decode_point(of.space, of.candidates[i]));
    put_features();
    tile.encode(screen, kSize);
    tile.compute_kernel(screen, kSize);
    tile.clear_explained(kSize);
  }

  void decode() {
    for (int i = 0; i < kSize; ++i) {
      const DesignPoint point =
          request.space.decode(request.candidates[next_index++ % request.candidates.size()]);
      feasible += check(request.space.layer, point) == Feasibility::feasible;
    }
  }
  void put_features() {
    for (int slot = 0; slot < kSize; ++slot) {
      const LayerPoint& p = points[next_point++ % points.size()];
      tile.put(slot, p.layer, p.hardware, p.mapping);
    }
  }
  void acquisition() {
    const Acquisition ei{AcquisitionKind::expected_improvement, request.incumbent, 0.0};
    for (int slot = 0; slot < kSize; ++slot) {
      const EdpPrediction edp = edp_prediction(tile.prediction(slot));
      value = std::max(value, highest_acquisition(ei, edp, {1e-3, 1e-3, true}));
    }
  }

  static constexpr int kSize = ScreenTile::kSize;
  static constexpr std::size_t kPoints = 1 << 12;  // many: branches must not be learnt by heart

  const ThroughputRequest& request;
  const PackedFactor& factor;
  const TailFactor* tail;
  const ScreenModel& screen;
  ScreenTile tile;
  std::vector<LayerPoint> points;
  std::size_t next_index = 0, next_point = 0;
  int feasible = 0;
  double value = 0.0;
};

ordered_json rate_entry(const std::string& name, double rate, double flops,
                        const MachinePeaks& machine) {
  ordered_json entry = {{"name", name}, {"candidates_per_s", rate}};
  if (flops > 0.0) {
    entry["flop_per_candidate"] = flops;
    entry["share_of_gemm_peak"] = rate * flops / machine.gemm_flops;
    entry["share_of_multiply_add_peak"] = rate * flops / machine.multiply_add_flops;
  }
  return entry;
}

/// Operations of the stages, those that the mathematics asks for (padding is not counted).
struct StageFlops {
  double encoder, kernel, bound, rest;  ///< the latter two: rows of the triangle
  double variance;                      ///< the whole, in the form that the engine uses
};

StageFlops stage_flops(int samples, int features, const StageModel* model) {
  constexpr double kMatern = 25.0, kHidden = kHidden1 + kLatent;
  const double n = samples;
  StageFlops out{2.0 * (kHidden * features + kHidden1 * kHidden2 + kHidden2 * kLatent),
                 n * (2.0 * (kLatent + features) + kMatern + 2.0 * kMaxOutputs), 0.0, 0.0,
                 n * (n + 1.0)};
  if (model == nullptr) return out;
  const double rows =
      std::min(n, static_cast<double>(model->factor.bound_panels() * model->stages.rows));
  out.bound = rows * (rows + 1.0);
  out.rest = out.variance - out.bound;
  if (model->tail) {
    const double first = kBoundRows, rank = model->tail->projection().count;
    out.variance = first * (first + 1.0) + 2.0 * (first + rank + 1.0) * (n - first);
  }
  return out;
}

ordered_json measure_stages(const ThroughputRequest& request, const StageModel& model,
                            const StageFlops& flops, const MachinePeaks& machine) {
  const int bound_panels = model.factor.bound_panels();
  struct Stage {
    const char* name;
    double flops;
    std::function<void(StageBench&)> run;
  };
  constexpr int kSize = StageBench::kSize;
  const Stage list[] = {
      {"decode and check", 0.0, [](StageBench& b) { b.decode(); }},
      {"features", 0.0, [](StageBench& b) { b.put_features(); }},
      {"encoder", flops.encoder, [](StageBench& b) { b.tile.encode(b.screen, kSize); }},
      {"sketch", 0.0, [](StageBench& b) { b.tile.finish_sketch(b.screen, b.factor, kSize); }},
      {"kernel row and mean", flops.kernel,
       [](StageBench& b) { b.tile.compute_kernel(b.screen, kSize); }},
      {"bound of the variance", flops.bound,
       [bound_panels](StageBench& b) {
         b.tile.clear_explained(kSize);
         b.tile.explain(b.factor, 0, bound_panels, kSize);
       }},
      {"rest of the variance", flops.rest,
       [bound_panels](StageBench& b) {
         b.tile.explain(b.factor, bound_panels, b.factor.panels(), kSize);
       }},
      // The last step overwrites the kernel row.
      {"kernel row, mean and whole variance", flops.kernel + flops.variance,
       [](StageBench& b) {
         b.tile.compute_kernel(b.screen, kSize);
         b.tile.explain_all(b.screen, b.factor, b.tail, kSize);
       }},
      {"prediction", 0.0,
       [](StageBench& b) {
         b.tile.clear_explained(kSize);
         b.tile.finish(b.screen, kSize);
       }},
      {"acquisition", 0.0, [](StageBench& b) { b.acquisition(); }},
  };
  ordered_json out = ordered_json::array();
  for (const Stage& stage : list) {
    const double rate = parallel_rate(request.threads, request.seconds, [&] {
      return [bench = std::make_shared<StageBench>(request, model), &stage] {
        stage.run(*bench);
        return static_cast<double>(kSize);
      };
    });
    out.push_back(rate_entry(stage.name, rate, stage.flops, machine));
  }
  return out;
}

/// Candidates for each set of features that the engine's classes of loop orders let them share.
double candidates_per_class(const LayerSpaceView& space,
                            std::span<const std::uint64_t> candidates) {
  std::set<std::pair<std::uint64_t, OrderClass>> classes;
  for (const std::uint64_t index : candidates)
    classes.emplace(index / space.order_count, order_class(space.decode(index).mapping));
  return static_cast<double>(candidates.size()) / static_cast<double>(classes.size());
}

/// Calls `run` until `seconds` have passed; candidates per second.
double repeat(double seconds, std::size_t candidates, const std::function<void()>& run) {
  run();
  return parallel_rate(1, seconds, [&] {
    return [&] {
      run();
      return static_cast<double>(candidates);
    };
  });
}

}  // namespace

ordered_json measure_throughput(const ThroughputRequest& request, Engine& engine,
                                const MachinePeaks& machine) {
  const PosteriorTensors<double>& tensors = request.model.tensors_f64();
  const VaryingFeatures varying = varying_features(request.space);
  const int features = static_cast<int>(std::count(varying.begin(), varying.end(), true));
  ordered_json out = {{"model", request.name},      {"samples", tensors.samples},
                      {"inputs", kKernelInputs},    {"inputs_that_vary", kLatent + features},
                      {"outputs", tensors.outputs}, {"candidates", request.candidates.size()}};
  std::optional<StageModel> prepared;
  if (engine.name() == "cpu") prepared.emplace(request);
  const StageFlops flops = stage_flops(tensors.samples, features, prepared ? &*prepared : nullptr);
  out["tail_rank"] = prepared && prepared->tail ? ordered_json(prepared->tail->projection().count)
                                                : ordered_json(nullptr);
  out["stages"] =
      prepared ? measure_stages(request, *prepared, flops, machine) : ordered_json::array();

  out["candidates_per_shared_features"] = candidates_per_class(request.space, request.range);
  const double flops_of_all = flops.encoder + flops.kernel + flops.variance;
  for (const auto& [prefix, candidates, counted] :
       {std::tuple("", request.candidates, flops_of_all),
        std::tuple("range: ", request.range, 0.0)}) {
    std::vector<Prediction> predictions(candidates.size());
    const double all = repeat(request.seconds, candidates.size(), [&] {
      engine.predict(request.model, request.space, candidates, predictions);
    });
    out["end_to_end"].push_back(
        rate_entry(fmt::format("{}mean and variance of all", prefix), all, counted, machine));
    const double means = repeat(request.seconds, candidates.size(), [&] {
      engine.predict_bounds(request.model, request.space, candidates, predictions);
    });
    out["end_to_end"].push_back(
        rate_entry(fmt::format("{}mean and bound of the variance", prefix), means, 0.0, machine));
    for (const auto& [kind, name] :
         {std::pair(AcquisitionKind::expected_improvement, "expected improvement"),
          std::pair(AcquisitionKind::lower_confidence_bound, "lower confidence bound")}) {
      const Acquisition acquisition{kind, request.incumbent, 2.0};
      const double rate = repeat(request.seconds, candidates.size(), [&] {
        engine.top_k(request.model, {request.space, candidates, 0, 0}, acquisition, request.best);
      });
      const TopKStats& stats = engine.top_k_stats();
      ordered_json entry = rate_entry(fmt::format("{}{} best by {}", prefix, request.best, name),
                                      rate, 0.0, machine);
      ordered_json blocks = ordered_json::array();
      for (const TopKStats::Block& block : stats.blocks)
        blocks.push_back({{"rows", block.rows}, {"candidates", block.candidates}});
      entry["blocks"] = blocks;
      entry["variance_share"] = stats.variance_share();
      entry["rescored"] = stats.rescored;
      out["end_to_end"].push_back(entry);
    }
  }
  return out;
}

}  // namespace polaris
