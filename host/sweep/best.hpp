// What is kept of a stream of candidates: the k best, and the Pareto front of latency and energy.
// Both depend on the set of candidates only, not on their order, and offering one twice changes
// nothing: parts of a sweep may be merged in any order.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "models/space/scored_index.hpp"

namespace polaris {

/// Cost of one execution of a layer: exact, or the medians of a prediction.
struct Estimate {
  double cycles = 0.0;
  double energy_pj = 0.0;
  double log_cycles_sd = 0.0;  ///< standard deviation of ln cycles; 0: exact
  double log_energy_sd = 0.0;  ///< of ln energy
};

struct RankedPoint {
  ScoredIndex key;  ///< smaller scores rank first, equal ones by the index
  Estimate estimate;
};

/// The k points that rank first.
class BestList {
 public:
  explicit BestList(int k) : k_(static_cast<std::size_t>(k)) {}

  /// No candidate with a larger score can enter.
  double threshold() const {
    return points_.size() < k_ ? std::numeric_limits<double>::infinity() : points_.back().key.score;
  }
  /// Precondition: the score is not NaN.
  void offer(const RankedPoint& point);
  void merge(const BestList& other);

  const std::vector<RankedPoint>& points() const { return points_; }  ///< in ranking order

 private:
  std::size_t k_;
  std::vector<RankedPoint> points_;
};

struct FrontPoint {
  double latency;  ///< what dominance is judged by: cycles and pJ, or their logarithms
  double energy;
  std::uint64_t index;
  Estimate estimate;
};

/// The points that no other one beats or equals in both latency and energy; of points equal in both
/// the one of the smallest index.
class ParetoFront {
 public:
  /// Whether a point of the front is better in both; cheaper than the offer that it would refuse.
  bool beats(double latency, double energy) const;
  /// Precondition: neither value is NaN.
  void offer(const FrontPoint& point);
  void merge(const ParetoFront& other);

  /// Latency ascending, energy descending, both strictly.
  const std::vector<FrontPoint>& points() const { return points_; }
  std::vector<FrontPoint>& points() { return points_; }

 private:
  std::vector<FrontPoint> points_;
};

}  // namespace polaris
