// Anchors: bounds for many neighbours from one kernel row.
//
// The candidates of one tiling and one class of loop orders differ in few kernel inputs, and little
// in these: after a search of ResNet-50 by a median of 0.08 length-scales. An anchor is the mean of
// some of them, for which the posterior means, their gradients and the unexplained variance are
// computed. With d the distance to it over the length-scales, r = sqrt(5) d, and |f| the length of
// a posterior mean f in the kernel's feature space, whose points are phi(x):
// - f(x) is its tangent at the anchor up to |f| |phi(x) - phi(a) - phi'(a) (x - a)|;
// - the root of the unexplained variance is that of the anchor up to |phi(x) - phi(a)|.
// For Matern-5/2 the squares of these distances are 2 + r^2 / 3 - 2 e^-r (1 + r + 2 r^2 / 3 + r^3 /
// 3) and 2 - 2 (1 + r + r^2 / 3) e^-r: at most those of (r^2 / 2) / (1 + r / 3) and r / sqrt(3).
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <vector>

#include "host/engine/screen_model.hpp"
#include "host/engine/shared_strip.hpp"

namespace polaris {

/// Finds and computes the anchors of a tile, one strip at a time. Memory is taken at construction.
class Anchors {
 public:
  /// For tiles of so many candidates. The references must outlive it.
  Anchors(const simd::Stages& stages, const ScreenModel& model, const PackedFactor& factor,
          int candidates);

  /// Strips of a tile, so many floats apart: inputs in, bounds out.
  struct Strips {
    const float* inputs;
    std::size_t inputs_stride;
    simd::NearRows out;
    std::size_t mean_stride, spread_stride, explained_stride;
  };
  /// Bounds the candidates in `slots` by one strip of anchors; lane[slot]: of `shared`, where the
  /// shared features of a slot are.
  void bound(SharedStrip& shared, const int* lane, std::span<const int> slots,
             const Strips& strips);

 private:
  /// Own features of a candidate times what they count for in r.
  static constexpr int kPlaces = 8;
  using Place = std::array<float, kPlaces>;

  /// Candidates of one anchor: members [begin, end), whose shared features are in one lane.
  struct Group {
    int begin, end, lane;
    float farthest;      // square of the largest distance of a member to their mean, in r
    std::size_t widest;  // place in which they differ most
    float middle;        // of it
  };

  void find(const int* lane, std::span<const int> slots, const Strips& strips);
  Group group(int begin, int end, int lane) const;
  /// Cuts the largest groups until they fill a strip.
  void split();
  void compute_anchors(SharedStrip& shared, const Strips& strips);
  void bound_members(const Strips& strips);
  std::size_t at(int input, int lane) const {
    return static_cast<std::size_t>(input * lanes_ + lane);
  }
  simd::AnchorRows rows() {
    return {mean_.data(), gradient_.data(), unexplained_.data(),
            inputs_.data() + at(model_.shared_features().count, 0)};
  }
  const float* inputs_of(int slot, const Strips& strips) const {
    return strips.inputs + static_cast<std::size_t>(slot / lanes_) * strips.inputs_stride +
           slot % lanes_;
  }
  const Place& place(int member) const {
    return places_[static_cast<std::size_t>(members_[static_cast<std::size_t>(member)])];
  }

  const simd::Stages& stages_;
  const ScreenModel& model_;
  const PackedFactor& factor_;
  int lanes_, own_;
  std::array<float, kPlaces> scale_{};
  std::vector<Place> places_;  // of the slots
  std::vector<int> members_;   // slots, group by group
  std::vector<Group> groups_;
  AlignedFloats inputs_;       // [kKernelInputs][lanes] of anchors; shared ones not used
  AlignedFloats near_inputs_;  // the same of candidates
  AlignedFloats kernel_;       // [samples][lanes]
  AlignedFloats slopes_;       // [2][samples][lanes]
  AlignedFloats mean_;         // [2][lanes]
  AlignedFloats gradient_;     // [2][own inputs][lanes]
  AlignedFloats unexplained_;  // [lanes]
  AlignedFloats near_;         // [4][lanes]: two means, spread, explained
};

}  // namespace polaris
