// What the searches for the k best share.
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "host/engine/engine.hpp"

namespace polaris {

/// The k best of `finalists` by their float64 predictions, best first, ties by the smaller index;
/// never one whose value is NaN.
std::vector<Scored> rank_exactly(Engine& engine, const StarlightModel& model,
                                 const LayerSpaceView& space, const Acquisition& acquisition,
                                 std::span<const std::uint64_t> finalists, int k);

/// Candidates that may be among the k best, by the ends of the ranges their values lie in.
class Contenders {
 public:
  explicit Contenders(std::size_t k) : k_(k) {}

  /// Nothing below it can be among the k best: the k-th largest low end so far. Only grows.
  double threshold() const { return threshold_; }
  /// A value that at least k candidates of the set are known to reach.
  void raise_threshold(double to) { threshold_ = to > threshold_ ? to : threshold_; }

  /// `low`, `high`: ends of the acquisition value's range; NaN counts as unknown.
  void offer(double low, double high, std::uint64_t index);

  std::vector<std::uint64_t> indices();

 private:
  void compact();

  std::size_t k_;
  std::size_t limit_ = std::size_t{1} << 16;
  double threshold_ = -std::numeric_limits<double>::infinity();
  std::vector<Scored> kept_;  // score: the largest it may be
  std::vector<double> lows_;  // heap of the k largest low ends, the smallest on top
};

}  // namespace polaris
