#include "host/bench/synthetic.hpp"

#include <algorithm>
#include <string>
#include <unordered_set>

#include "host/core/error.hpp"
#include "host/fit/fit.hpp"
#include "host/fit/pretrain.hpp"
#include "models/analytical/analytical.hpp"

namespace polaris {
namespace {

constexpr std::uint64_t kCandidates = 1, kSamples = 2, kRanges = 3;  // random streams
/// Draws per candidate wanted, and at least, before a space counts as too small.
constexpr std::uint64_t kDraws = 64, kLeastDraws = 1 << 16;

std::vector<std::uint64_t> draw(const LayerSpaceView& space, std::size_t count, std::uint64_t seed,
                                std::uint64_t stream) {
  std::vector<std::uint64_t> out;
  std::unordered_set<std::uint64_t> seen;
  for (std::uint64_t i = 0; i < kLeastDraws + kDraws * count && out.size() < count; ++i) {
    const std::uint64_t index = space.sample(seed, stream, i);
    if (check(space.layer, space.decode(index)) != Feasibility::feasible) continue;
    if (const std::uint64_t first = space.canonical(index); seen.insert(first).second)
      out.push_back(first);
  }
  if (out.size() < count)
    throw Error::expected(std::to_string(count) + " different feasible points",
                          std::to_string(out.size()), "the layer's design space");
  return out;
}

std::vector<LayerPoint> points(const LayerSpaceView& space,
                               const std::vector<std::uint64_t>& indices) {
  std::vector<LayerPoint> out;
  for (const std::uint64_t index : indices) {
    const DesignPoint point = space.decode(index);
    out.push_back({space.layer, point.hardware, point.mapping});
  }
  return out;
}

}  // namespace

std::vector<std::uint64_t> random_candidates(const LayerSpaceView& space, std::size_t count,
                                             std::uint64_t seed) {
  return draw(space, count, seed, kCandidates);
}

std::vector<std::uint64_t> neighbouring_candidates(const LayerSpaceView& space, std::size_t count,
                                                   std::uint64_t seed) {
  const auto feasible = [&space](std::uint64_t index) {
    return check(space.layer, space.decode(index)) == Feasibility::feasible;
  };
  std::vector<std::uint64_t> out;
  const std::size_t stretches = std::clamp<std::size_t>(count / kStretch, 1, kStretches);
  std::size_t stretch = 0;
  const std::uint64_t draws = kLeastDraws + kDraws * stretches;
  for (std::uint64_t draw = 0; draw < draws && stretch < stretches; ++draw) {
    std::uint64_t index = space.sample(seed, kRanges, draw);
    if (space.canonical(index) != index || !feasible(index)) continue;
    const std::size_t wanted = count * ++stretch / stretches;
    for (index -= index % space.order_count; index < space.size && out.size() < wanted; ++index)
      if (index % space.order_count == 0 && !feasible(index))
        index += space.order_count - 1;  // as all orders of its tiling
      else if (space.canonical(index) == index)
        out.push_back(index);
  }
  if (out.size() < count)
    throw Error::expected(std::to_string(count) + " feasible points in ranges",
                          std::to_string(out.size()), "the layer's design space");
  return out;
}

StarlightModel synthetic_model(const LayerSpaceView& space, std::size_t samples, std::uint64_t seed,
                               int threads) {
  std::vector<DesignSample> measured;
  const std::vector<LayerPoint> chosen = points(space, draw(space, samples, seed, kSamples));
  for (const LayerPoint& p : chosen) {
    const AnalyticalResult result = evaluate_analytical(p.layer, p.hardware, p.mapping);
    measured.push_back({p.layer, p.hardware, p.mapping, 1.5 * static_cast<double>(result.cycles),
                        result.energy_pj});
  }
  PretrainOptions pretraining;
  pretraining.seed = seed;
  pretraining.threads = threads;
  pretraining.epochs = 2;
  pretraining.source = "synthetic";
  FitOptions fit;
  fit.seed = seed;
  fit.threads = threads;
  fit.steps = 2;
  // Hyper-parameters from few samples, as a fit of all would take longer than the benchmark.
  constexpr std::size_t kFitted = 64;
  const StarlightModel small =
      fit_starlight(pretrain(chosen, pretraining),
                    std::span(measured).first(std::min(kFitted, measured.size())), fit);
  return small.with_samples(measured, threads);
}

}  // namespace polaris
