#include "host/sweep/sweep.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <utility>

#include "host/core/error.hpp"
#include "host/core/interrupt.hpp"
#include "host/core/parallel.hpp"

namespace polaris {
namespace {

/// Time of a round: long against starting threads, short against a person's patience.
constexpr double kRoundSeconds = 0.5;

class Clock {
 public:
  double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

/// Tiles of the shard from its i-th on, at most `most`, that lie in the same layer.
TileSequence round_from(const SweepPlan& plan, const Shard& shard, std::uint64_t i,
                        std::uint64_t most) {
  const std::uint64_t tile = shard.tile(i);
  const SweepLayer& layer = plan.layer_of(tile);
  const std::uint64_t first = tile - layer.first_tile;
  const std::uint64_t left = (layer.tile_count - first - 1) / shard.count + 1;
  return {first, shard.count, std::min(left, most)};
}

std::uint64_t evaluated(const std::vector<LayerResult>& layers) {
  std::uint64_t sum = 0;
  for (const LayerResult& layer : layers) sum += layer.coverage.scored + layer.coverage.over_limit;
  return sum;
}

std::string name(const Shard& shard) { return fmt::format("{}/{}", shard.number, shard.count); }

/// The first layer whose classes do not add up to its range; empty where there is none.
std::string coverage_fault(const SweepPlan& plan, const std::vector<LayerResult>& layers) {
  for (const SweepLayer& layer : plan.layers()) {
    const std::uint64_t wanted = layer.range.end - layer.range.begin;
    const std::uint64_t covered = layers[layer.number].coverage.total();
    if (covered != wanted)
      return fmt::format("coverage of layer {}: expected {} points, got {}",
                         plan.spec().workload.layers[layer.number].name, wanted, covered);
  }
  return "";
}

/// A sweep of a whole workload, by which hardware is ranked, has all of every layer.
void expect_whole_ranges(const SweepPlan& plan) {
  for (const SweepLayer& layer : plan.layers())
    if (plan.spec().whole && (layer.range.begin != 0 || layer.range.end != layer.view().size))
      throw Error::expected(fmt::format("indices 0:{}, as of a whole workload", layer.view().size),
                            fmt::format("{}:{}", layer.range.begin, layer.range.end),
                            "layer " + plan.spec().workload.layers[layer.number].name);
}

ShardState start_or_resume(const SweepPlan& plan, const Shard& shard,
                           const std::filesystem::path& file) {
  if (!std::filesystem::exists(file)) return ShardState(plan, shard);
  ShardState state = read_shard(file, plan);
  if (state.shard.number != shard.number || state.shard.count != shard.count)
    throw Error::expected("shard " + name(shard), name(state.shard), file.string());
  return state;
}

}  // namespace

ShardState run_shard(const SweepPlan& plan, const Shard& shard, TileScorer& scorer,
                     const ShardRunOptions& options) {
  ShardState state = start_or_resume(plan, shard, options.file);
  const std::uint64_t tiles = shard.tiles(plan.tile_count());
  if (state.tiles_done == tiles && std::filesystem::exists(options.file)) return state;
  write_shard(state, plan, options.file);  // a path that cannot be written shows now

  const auto workers =
      static_cast<std::uint64_t>(options.threads > 0 ? options.threads : default_threads());
  const std::uint64_t start_tiles = state.tiles_done, start_scored = evaluated(state.layers);
  const Clock clock;
  double written = 0.0;
  for (std::uint64_t most = workers; state.tiles_done < tiles && !interrupted();) {
    const TileSequence round = round_from(plan, shard, state.tiles_done, most);
    const SweepLayer& layer = plan.layer_of(shard.tile(state.tiles_done));
    const Clock round_clock;
    scorer.score(layer, round, state.layers[layer.number]);
    state.tiles_done += round.count;
    most = round_clock.seconds() < kRoundSeconds ? 2 * most : std::max(workers, most / 2);
    if (options.progress)
      options.progress({state.tiles_done, tiles, state.tiles_done - start_tiles,
                        evaluated(state.layers) - start_scored, clock.seconds()});
    if (clock.seconds() - written < options.checkpoint_seconds) continue;
    write_shard(state, plan, options.file);
    written = clock.seconds();
  }
  if (state.tiles_done == tiles)
    for (const SweepLayer& layer : plan.layers()) scorer.finish(layer, state.layers[layer.number]);
  write_shard(state, plan, options.file);
  return state;
}

std::vector<LayerResult> merge_shards(const SweepPlan& plan,
                                      std::span<const std::filesystem::path> files) {
  expect_whole_ranges(plan);
  std::vector<LayerResult> sum;
  std::map<std::uint64_t, std::filesystem::path> seen;
  std::uint64_t count = 0;
  for (const std::filesystem::path& file : files) {
    ShardState part = read_shard(file, plan);
    if (count == 0) count = part.shard.count;
    if (part.shard.count != count)
      throw Error::expected(fmt::format("a shard of {}", count), name(part.shard), file.string());
    if (!part.complete(plan))
      throw Error::expected(
          "a complete shard",
          fmt::format("{} of {} tiles", part.tiles_done, part.shard.tiles(plan.tile_count())),
          file.string());
    const auto [earlier, is_new] = seen.emplace(part.shard.number, file);
    if (!is_new)
      throw Error::expected(
          "each shard once",
          "shard " + name(part.shard) + " again after " + earlier->second.string(), file.string());
    if (sum.empty()) {
      sum = std::move(part.layers);
      continue;
    }
    for (std::size_t l = 0; l < sum.size(); ++l) sum[l].merge(part.layers[l]);
  }
  for (std::uint64_t number = 1; number <= count; ++number)
    if (!seen.contains(number))
      throw Error::expected(fmt::format("all {} shards", count),
                            fmt::format("no shard {}/{} ({} given)", number, count, seen.size()),
                            "merge");
  if (const std::string fault = coverage_fault(plan, sum); !fault.empty())
    throw Error("merge: " + fault);
  return sum;
}

void expect_covered(const SweepPlan& plan, const std::vector<LayerResult>& layers) {
  if (const std::string fault = coverage_fault(plan, layers); !fault.empty()) throw Failure(fault);
}

SweepForecast forecast(const SweepPlan& plan, const Shard& shard, TileScorer& scorer,
                       double seconds, int threads) {
  SweepForecast out{};
  double kept = 0.0;
  for (const SweepLayer& layer : plan.layers()) {
    out.points +=
        static_cast<double>(layer.range.end - layer.range.begin) / static_cast<double>(shard.count);
    if (layer.tile_count == 0) continue;
    // Tiles in golden-ratio steps: spread evenly however many there is time for.
    LayerResult result(plan.hardware().size(), plan.spec().top);
    const double share = seconds / static_cast<double>(plan.layers().size());
    constexpr double kGoldenRatio = 0.61803398874989485;
    const Clock clock;
    std::uint64_t sampled = 0;
    double position = 0.0;
    while (sampled == 0 || (sampled < layer.tile_count && clock.seconds() < share)) {
      position += kGoldenRatio;
      position -= position < 1.0 ? 0.0 : 1.0;
      const auto tile =
          static_cast<std::uint64_t>(position * static_cast<double>(layer.tile_count));
      scorer.score(layer, {std::min(tile, layer.tile_count - 1), 1, 1}, result);
      ++sampled;
    }
    const double scale = static_cast<double>(layer.tile_count) /
                         (static_cast<double>(sampled) * static_cast<double>(shard.count));
    out.seconds += clock.seconds() * scale;
    out.scored += static_cast<double>(result.coverage.scored) * scale;
    out.sample += sampled;
    for (const HardwareResult& hardware : result.hardware)
      kept += static_cast<double>(plan.spec().top) * sizeof(RankedPoint) +
              static_cast<double>(hardware.front.points().size()) * sizeof(FrontPoint);
  }
  // A tile runs on one thread here and on all in the sweep; each thread keeps one layer's lists.
  const double workers = threads > 0 ? threads : default_threads();
  if (plan.spec().fidelity == Fidelity::analytical) out.seconds /= workers;
  out.result_bytes = kept * (1.0 + workers / static_cast<double>(plan.layers().size()));
  return out;
}

}  // namespace polaris
