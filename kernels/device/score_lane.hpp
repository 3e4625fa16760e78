// One stream of one device with what scoring on it needs: the model, and room for candidates.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "kernels/device/arena.hpp"
#include "kernels/device/device_model.hpp"
#include "kernels/device/stream.hpp"
#include "kernels/starlight_score.cuh"

namespace polaris {

/// A model and how the scoring kernel is laid out for it. Memory: that of the kernel rows, where
/// they do not fit into shared memory.
template <typename T>
class ScoreWorkbench {
 public:
  /// `shared_limit`: shared memory of a block, in bytes.
  ScoreWorkbench(std::shared_ptr<const DeviceModel<T>> model, std::size_t shared_limit, int blocks);

  /// What all uses of the kernel share; the rest is zero.
  StarlightScoreParams<T> params(const CandidateSource& source, const CandidateTile* tile,
                                 ScoreDepth depth);

 private:
  std::shared_ptr<const DeviceModel<T>> model_;
  ScoreLayout prefix_, full_;
  int blocks_;
  DeviceBuffer<T> rows_;
};

/// Lists of fewer candidates (512) are not worth a launch.
inline constexpr std::size_t kLeastListBytes = 16 * 1024;

class ScoreLane {
 public:
  /// On the current device. `list_bytes`, `shared_limit`: as in ScorerOptions.
  ScoreLane(std::size_t list_bytes, std::size_t shared_limit);

  /// Uses these models from now on.
  void attach(std::shared_ptr<const DeviceModel<float>> f32,
              std::shared_ptr<const DeviceModel<double>> f64);

  const DeviceStream& stream() const { return stream_; }
  DeviceArena& arena() { return arena_; }
  const DeviceArena& arena() const { return arena_; }
  /// Blocks that fill the device with a kernel of one candidate a thread.
  int thread_blocks() const { return thread_blocks_; }
  /// float or double
  template <typename T>
  ScoreWorkbench<T>& workbench();

 private:
  DeviceStream stream_;
  DeviceArena arena_;
  std::size_t shared_limit_;
  int score_blocks_, thread_blocks_;
  std::optional<ScoreWorkbench<float>> single_;
  std::optional<ScoreWorkbench<double>> double_;
};

}  // namespace polaris
