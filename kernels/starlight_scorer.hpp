// Starlight on GPUs: predictions of many candidates, and the exact k best of any number of them.
// Needs no CUDA header.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "kernels/screen_precision.hpp"
#include "kernels/starlight_model.hpp"
#include "models/space/candidate_set.hpp"
#include "models/space/layer_point.hpp"
#include "models/space/layer_space.hpp"
#include "models/space/scored_index.hpp"
#include "models/starlight/acquisition.hpp"
#include "models/starlight/prediction.hpp"

namespace polaris {

inline constexpr int kMaxScorerTopK = 16384;

struct ScorerOptions {
  std::vector<int> devices = {0};  ///< CUDA device numbers
  /// Device memory for lists of candidates, per device, in bytes; less where the device has less:
  /// tiles get smaller.
  std::size_t list_bytes = std::size_t{256} << 20;
  std::size_t shared_limit = 0;  ///< shared memory of a block, in bytes; 0: all the device has
  /// Points spread evenly over a scan that are scored before it begins, so that its first tiles
  /// already have a k-th best to beat.
  std::uint64_t warm_up = std::uint64_t{1} << 16;
};

/// A model for scoring. Views must be valid until the call that takes it returns.
struct ScorerModel {
  std::string id;  ///< equal for equal models: copies on the devices are kept from call to call
  PosteriorView<float> f32;
  PosteriorView<double> f64;
};

struct ScanRequest {
  CandidateSet candidates;
  Acquisition acquisition;  ///< of ln EDP
  int k = 1;                ///< 1 to kMaxScorerTopK
  ScreenPrecision precision = ScreenPrecision::fp32;
  PredictionError error;       ///< bound on the screen's error against float64
  std::function<bool()> stop;  ///< asked before each tile; true: ends with ScanStopped
};

struct ScanResult {
  std::vector<ScoredIndex> best;  ///< score: acquisition value negated; ranking order
  std::uint64_t feasible = 0;     ///< candidates that can run
  std::uint64_t sketched = 0;     ///< of these, not dropped by the sketch
  std::uint64_t survivors = 0;    ///< of these, whole variance computed
  std::uint64_t finalists = 0;    ///< of these, computed in float64
};

/// The request's stop() said so.
class ScanStopped {};

class StarlightScorer {
 public:
  /// Throws DeviceError where a device cannot be used.
  explicit StarlightScorer(const ScorerOptions& options);
  ~StarlightScorer();

  /// predictions[i] = that of indices[i]; NaN where the point is infeasible. float or double.
  template <typename T>
  void predict(const ScorerModel& model, const LayerSpaceView& space,
               std::span<const std::uint64_t> indices, std::span<BasicPrediction<T>> predictions);

  /// The same of given points; feasibility is not asked.
  template <typename T>
  void predict(const ScorerModel& model, std::span<const LayerPoint> points,
               std::span<BasicPrediction<T>> predictions);

  /// The k best: what sorting the float64 acquisition values of all candidates gives, ties to the
  /// smaller index; infeasible and NaN never. Memory does not depend on the length of a range.
  ScanResult top_k(const ScorerModel& model, const ScanRequest& request);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

/// CUDA devices that can be used; 0 where there is no driver. `reason`: why there are none.
int usable_device_count(std::string* reason = nullptr);

}  // namespace polaris
