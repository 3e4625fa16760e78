// The exact k best on the CPU without the whole variance of every candidate.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "host/engine/engine.hpp"
#include "host/engine/screen_tile.hpp"

namespace polaris {

/// What all threads of one search need.
struct TopKRequest {
  const simd::Stages& stages;
  const PackedFactor& factor;
  const ScreenModel& model;
  const CandidateSet& candidates;
  const Acquisition& acquisition;
  PredictionError error;  ///< bound on the screen's error against float64
  double prior_sd;        ///< no deviation of ln EDP is larger
  int k;                  ///< >= 1
  int threads;
};

/// Indices among which the k best are; adds the work to `stats`. Candidates pass three tiles, and
/// are dropped as soon as bounds, widened by the error of float32, show that they can not reach the
/// k-th best value so far:
///  1. all: features, latent, and kernel values with a few samples, which bound the means from
///     below and the deviations from above (ScreenModel::sketch); of neighbours that are left,
///     tangents at anchors do (anchors.hpp). Both are compared with what a mean may be at most;
///  2. those left, gathered from many tiles: the whole kernel row, hence the means, and the first
///     rows of L^-1, which bound the deviations, as |L^-1 k|^2 is a sum of squares;
///  3. those left, gathered again: block after block of further rows.
/// Throws Failure where interrupted.
std::vector<std::uint64_t> find_finalists(const TopKRequest& request, TopKStats& stats);

}  // namespace polaris
