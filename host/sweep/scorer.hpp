// Turns tiles into results; one scorer per fidelity.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "host/engine/engine.hpp"
#include "host/sweep/best.hpp"
#include "host/sweep/coverage.hpp"
#include "host/sweep/plan.hpp"

namespace polaris {

/// What is kept of one layer on one hardware.
struct HardwareResult {
  BestList best;
  ParetoFront front;
};

/// What is kept of one layer.
struct LayerResult {
  Coverage coverage;
  std::vector<HardwareResult> hardware;  ///< [position]

  LayerResult(std::size_t positions, int top)
      : hardware(positions, HardwareResult{BestList(top), {}}) {}
  void merge(const LayerResult& other) {
    coverage.add(other.coverage);
    for (std::size_t p = 0; p < hardware.size(); ++p) {
      hardware[p].best.merge(other.hardware[p].best);
      hardware[p].front.merge(other.hardware[p].front);
    }
  }
};

/// Tiles first, first + step, ... of a layer, numbered as in SweepLayer::blocks.
struct TileSequence {
  std::uint64_t first = 0;
  std::uint64_t step = 1;
  std::uint64_t count = 0;

  std::uint64_t tile(std::uint64_t i) const { return first + i * step; }
};

class TileScorer {
 public:
  virtual ~TileScorer() = default;

  /// Adds the tiles of one layer to its result.
  virtual void score(const SweepLayer& layer, const TileSequence& tiles, LayerResult& result) = 0;

  /// Called once a shard has scored all its tiles: makes the estimates of what was kept exact.
  virtual void finish(const SweepLayer& layer, LayerResult& result) = 0;
};

/// Tiles by the analytical model, spread over `threads` (0: all cores). `plan` must outlive it.
std::unique_ptr<TileScorer> make_analytical_scorer(const SweepPlan& plan, int threads);

/// Tiles by Starlight: a float32 screen on `engine`, float64 on the CPU for all that the screen's
/// error bounds cannot exclude. The references must outlive it.
std::unique_ptr<TileScorer> make_starlight_scorer(const SweepPlan& plan,
                                                  const StarlightModel& model, Engine& engine,
                                                  int threads);

}  // namespace polaris
