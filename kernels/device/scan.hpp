// A lane's part of a search for the k best: tile after tile through the stages
//
//   feasible -> screen by the sketch -> screen by the bound on the variance -> screen by the whole
//   posterior -> float64 -> merge into the k best
//
// A stage reads the list that the one before has left and the k-th best so far, all in device
// memory; the host only says when to go on. Screens that drop too little are left out for some
// tiles: next_tile.cuh.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "kernels/device/buffer.hpp"
#include "kernels/device/device_space.hpp"
#include "kernels/device/event.hpp"
#include "kernels/device/graph.hpp"
#include "kernels/device/score_lane.hpp"
#include "kernels/next_tile.cuh"
#include "kernels/starlight_scorer.hpp"

namespace polaris {

class Scan {
 public:
  /// On the lane's device, which must be the current one now and in every call. Cuts the lane's
  /// arena anew. Lists that are not full count `bound` as their k-th best.
  Scan(ScoreLane& lane, const ScanRequest& request, const ScoredIndex& bound);

  /// Candidates of a tile at most.
  static std::uint32_t tile_size(const ScoreLane& lane);

  /// Queues the scan of the candidates begin, begin + stride, ..., `count` of them.
  void run_strided(std::uint64_t begin, std::uint64_t stride, std::uint32_t count);
  /// Queues the scan of listed candidates.
  void run_list(std::span<const std::uint64_t> indices);

  /// Candidates of run_next(): by index, tiles as `range` says, of at most tile_size().
  void set_range(const ScanRange& range);
  /// Queues the next tile of the range, by one launch.
  void run_next();

  /// Waits for the tiles queued so far.
  void wait() const { tile_done_.synchronize(); }
  /// Waits likewise. The k best, placeholders for `bound` left out, and the stages' counts.
  ScanResult finish();

 private:
  template <typename T>
  void screen(const CandidateSource& source, ScanStage from, ScoreDepth depth);
  void queue_tile(const CandidateSource& source);
  void upload_range(const ScanRange& range);
  DeviceList<std::uint32_t> places(ScanStage stage);
  std::uint32_t* size_of(ScanStage stage);

  ScoreLane& lane_;
  const ScanRequest& request_;
  DeviceSpace space_;
  DeviceBuffer<ScoredIndex> best_, workspace_;
  DeviceBuffer<ScanState> state_;
  DeviceEvent tile_done_;
  std::optional<DeviceGraph> graph_;
  std::uint32_t tile_size_;
  std::uint64_t* indices_;    ///< of run_list, [tile_size]
  std::uint32_t* places_[2];  ///< lists of stages, in turns
  ScoredIndex* passed_;       ///< [tile_size]
};

}  // namespace polaris
