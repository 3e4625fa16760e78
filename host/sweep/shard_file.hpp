// The one file of a shard: its checkpoint while it runs, its result once it is complete. JSON that
// says what it belongs to, ended by a hash of all before it (README.md shows the form).
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "host/sweep/plan.hpp"
#include "host/sweep/scorer.hpp"

namespace polaris {

struct ShardState {
  Shard shard;
  std::uint64_t tiles_done = 0;     ///< of this shard
  std::vector<LayerResult> layers;  ///< of those tiles

  /// Nothing done yet.
  ShardState(const SweepPlan& plan, const Shard& shard);

  bool complete(const SweepPlan& plan) const {
    return tiles_done == shard.tiles(plan.tile_count());
  }
};

/// Throws Error where the file cannot be created, Failure where writing fails; an older file stays
/// as it was.
void write_shard(const ShardState& state, const SweepPlan& plan, const std::filesystem::path& path);

/// Throws Error in one line where the file cannot be read, is damaged or cut short, belongs to
/// another sweep than `plan`, or holds what no sweep writes: the hash keeps accidents out, not
/// lies.
ShardState read_shard(const std::filesystem::path& path, const SweepPlan& plan);

/// The specification that a shard file belongs to. Throws Error as read_shard.
SweepSpec read_shard_spec(const std::filesystem::path& path);

}  // namespace polaris
