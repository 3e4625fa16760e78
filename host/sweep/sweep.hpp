// Runs one shard of a sweep, merges shards, and estimates what a sweep would cost.
#pragma once

#include <filesystem>
#include <functional>
#include <span>
#include <vector>

#include "host/sweep/plan.hpp"
#include "host/sweep/scorer.hpp"
#include "host/sweep/shard_file.hpp"

namespace polaris {

/// Where a running shard is; counts include what a resumed shard had done before.
struct SweepProgress {
  std::uint64_t tiles_done, tiles;
  std::uint64_t session_tiles;   ///< done since this process began
  std::uint64_t session_scored;  ///< points evaluated since then
  double seconds;                ///< since then
};

struct ShardRunOptions {
  std::filesystem::path file;       ///< the shard's file: read if it is there, then written
  double checkpoint_seconds = 5.0;  ///< between two writes
  int threads = 0;                  ///< 0: all cores
  std::function<void(const SweepProgress&)> progress;  ///< after every round of tiles
};

/// Runs the shard to its end, or to the end of the running round of tiles where the process was
/// interrupted (host/core/interrupt.hpp), and writes its file. Goes on from that file where there
/// is one; the result is the same. Throws Error where the file is damaged or of another sweep or
/// shard, Failure where it cannot be written.
ShardState run_shard(const SweepPlan& plan, const Shard& shard, TileScorer& scorer,
                     const ShardRunOptions& options);

/// The whole sweep from the files of all its shards, at least one, in any order. Throws Error where
/// a file is damaged, of another sweep, not complete, given twice, or missing.
std::vector<LayerResult> merge_shards(const SweepPlan& plan,
                                      std::span<const std::filesystem::path> files);

/// Proof of coverage: throws Failure where the classes of a layer do not add up to its range.
void expect_covered(const SweepPlan& plan, const std::vector<LayerResult>& layers);

/// What a sweep would take, from a sample of its tiles.
struct SweepForecast {
  double points;         ///< indices, exact
  double scored;         ///< estimate
  double seconds;        ///< estimate, at the speed of the sample
  double result_bytes;   ///< memory of the results, and of their copies in all threads
  std::uint64_t sample;  ///< tiles that were scored for it
};

/// Scores tiles spread over all layers of the shard for about `seconds`.
SweepForecast forecast(const SweepPlan& plan, const Shard& shard, TileScorer& scorer,
                       double seconds, int threads);

}  // namespace polaris
