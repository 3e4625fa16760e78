// A tile of candidates on their way through the float32 stages. All memory is taken at
// construction.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "host/engine/anchors.hpp"
#include "host/engine/screen_model.hpp"
#include "host/engine/shared_strip.hpp"
#include "host/engine/tail_factor.hpp"
#include "models/space/layer_point.hpp"
#include "models/starlight/prediction.hpp"

namespace polaris {

/// Slot i of the tile is lane i % lanes of strip i / lanes. The stages work on whole strips; lanes
/// beyond the candidates that were put in hold leftovers.
class ScreenTile {
 public:
  static constexpr int kSize = simd::kTileCandidates;
  /// Part of the screen's error of deviations (kScreenSdError) that is left to the tail.
  static constexpr double kTailError = 2.5e-4;

  /// Of `candidates` slots; kernel rows, of up to `samples` samples, only for the first kSize.
  ScreenTile(const simd::Stages& stages, int samples, int candidates = kSize);
  int size() const { return static_cast<int>(lane_.size()); }

  /// Writes the features of a point to `slot`.
  void put(int slot, const Layer& layer, const HardwareConfig& hardware, const Mapping& mapping);

  /// From here on candidates come by put_shared (or by put again). The bits of all results are the
  /// same.
  void share(bool sharing);
  /// What the candidates of a sharing tile have in common.
  SharedStrip& shared() { return shared_; }
  /// The point whose shared features are in `lane` of shared(), and whose own are the places of its
  /// loops, `ranks` [kDims], and the energy ratio.
  void put_shared(int slot, int lane, const float* ranks, float energy_ratio,
                  double lower_bound_cycles, double analytical_pj);

  /// The stages for slots [0, count), in this order.
  void encode(const ScreenModel& model, int count);
  void compute_kernel(const ScreenModel& model, int count);
  /// Forgets what `explain` has added up.
  void clear_explained(int count);
  /// Adds the part of the panels [begin, end) to the explained variance.
  void explain(const PackedFactor& factor, int begin, int end, int count);
  /// The whole explained variance, after compute_kernel: by the tail (null: by the triangle), and
  /// by the triangle where the tail does not tell a deviation to `error` times that far from all
  /// samples; returns of how many candidates. The kernel rows are lost.
  int explain_all(const ScreenModel& model, const PackedFactor& factor, const TailFactor* tail,
                  int count, double error = kTailError);
  /// Predictions of the means and of the variance explained so far: an upper bound on deviations
  /// where panels are missing.
  void finish(const ScreenModel& model, int count);
  /// After `encode`: lower bounds of the means and upper bounds of the deviations, by the model's
  /// sketch, or, for some slots of a sharing tile, by a strip of anchors. Kernel rows are lost.
  void finish_sketch(const ScreenModel& model, const PackedFactor& factor, int count);
  void finish_near(const ScreenModel& model, Anchors& anchors, std::span<const int> slots);

  Prediction prediction(int slot) const;
  /// After one of the finish functions, for slots [0, count): mean - slope sd of ln EDP, rounded in
  /// float32.
  void compute_lowest(double slope, int count);
  double lowest(int slot) const {
    return static_cast<double>(per_candidate_.data()[at(kRows, slot, kLowest)]);
  }

  /// Copies to this tile's `slot` what the stages need from the slot of a tile, this or another:
  /// those from compute_kernel on, or those after it.
  void take_inputs(int slot, const ScreenTile& from, int from_slot);
  void take_kernel(int slot, const ScreenTile& from, int from_slot);

 private:
  /// Rows of `per_candidate_` in each strip.
  enum Row {
    kBound,
    kAnalytical,
    kSpread,
    kLatency,
    kLatencySd,
    kEnergy,
    kEnergySd,
    kLowest,
    kRows
  };

  /// Null where nothing is shared.
  const simd::SharedSums* sums(int first_slot);
  void run_kernel(const ScreenModel& model, const simd::KernelStages& kernel, int first, int count);
  void run_explain(const PackedFactor& factor, int begin, int end, int first, int count);
  void run_finish(const ScreenModel& model, const simd::Remainder* remainder, bool spread,
                  int count);
  void copy_column(AlignedFloats& to, int slot, const AlignedFloats& from, int from_slot, int rows);

  int strips(int count) const { return (count + lanes_ - 1) / lanes_; }
  std::size_t at(int rows, int slot, int row) const {
    return static_cast<std::size_t>((slot / lanes_) * rows + row) *
               static_cast<std::size_t>(lanes_) +
           static_cast<std::size_t>(slot % lanes_);
  }

  const simd::Stages& stages_;
  int lanes_;
  bool sharing_ = false;
  SharedStrip shared_;
  std::vector<int> lane_;  // of shared_, where it is used
  simd::SharedSums sums_{};
  int samples_ = 0;              // of the kernel rows that are in kernel_
  AlignedFloats quantities_;     // [strip][kFeatures][lanes]
  AlignedFloats inputs_;         // [strip][kKernelInputs][lanes]; rows beyond the model's unused,
                                 // those of shared features too where they are shared
  AlignedFloats hidden_;         // [kHidden1 + kHidden2][lanes]
  AlignedFloats kernel_;         // [strip][samples][lanes]
  AlignedFloats mean_;           // [strip][2][lanes]
  AlignedFloats explained_;      // [strip][lanes]
  AlignedFloats tail_;           // [3][strip][lanes]: square, least and most explained
  AlignedFloats per_candidate_;  // [strip][kRows][lanes]
};

}  // namespace polaris
