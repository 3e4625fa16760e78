// A design point and its score, and the order that rankings are made in.
#pragma once

#include <cstdint>
#include <limits>

#include "models/space/layer_space.hpp"
#include "models/space/macros.hpp"

namespace polaris {

/// Score of what must never be chosen.
inline constexpr double kInfeasibleScore = std::numeric_limits<double>::infinity();

/// 16 bytes, aligned: a GPU thread loads and stores it in one access.
struct alignas(16) ScoredIndex {
  double score;         ///< smaller is better
  std::uint64_t index;  ///< in a layer's space
};

/// Fills lists that hold fewer candidates than they have room for; comes after every candidate.
POLARIS_HD constexpr ScoredIndex no_candidate() { return {kInfeasibleScore, kNoIndex}; }

POLARIS_HD constexpr bool operator==(const ScoredIndex& a, const ScoredIndex& b) {
  return a.score == b.score && a.index == b.index;
}

/// The smaller score first, equal scores by the smaller index. A total order, hence one answer for
/// any number of threads, as long as no score is NaN.
POLARIS_HD constexpr bool ranks_before(const ScoredIndex& a, const ScoredIndex& b) {
  return a.score < b.score || (a.score == b.score && a.index < b.index);
}

/// Whether a candidate may be chosen at all: neither infeasible nor NaN.
POLARIS_HD constexpr bool is_candidate(const ScoredIndex& c) { return c.score < kInfeasibleScore; }

}  // namespace polaris
