// The k best by brute force in float64, and what may differ from them.
#pragma once

#include <algorithm>
#include <cmath>
#include <map>
#include <string>
#include <vector>

#include "models/space/candidate_set.hpp"
#include "models/space/scored_index.hpp"
#include "tests/kernels/starlight_fixture.hpp"

namespace polaris {

/// Rounding of float64 scores, relative to 1 + |score|.
inline constexpr double kScoreError = 1e-8;

/// Acquisition values, negated, of all candidates that can run, in ranking order.
inline std::vector<ScoredIndex> all_scores(const PosteriorTensors<double>& model,
                                           const CandidateSet& candidates,
                                           const Acquisition& acquisition) {
  std::vector<ScoredIndex> out;
  for (std::uint64_t i = 0; i < candidates.size(); ++i) {
    const std::uint64_t index = candidates.index(i);
    if (!is_feasible(candidates.space, index)) continue;
    const EdpPrediction edp = edp_prediction(
        reference_prediction(model, layer_point(candidates.space, index), model.samples));
    const ScoredIndex scored{-acquisition(edp.mean, edp.sd), index};
    if (is_candidate(scored)) out.push_back(scored);
  }
  std::sort(out.begin(), out.end(), ranks_before);
  return out;
}

/// Where `got` is not the first k of `all`; empty where it is. Scores that differ by less than
/// rounding may change places. Equal scores may not: theirs are equal points.
inline std::string ranking_difference(const std::vector<ScoredIndex>& got,
                                      const std::vector<ScoredIndex>& all, int k) {
  const std::size_t count = std::min(all.size(), static_cast<std::size_t>(k));
  if (got.size() != count)
    return std::to_string(got.size()) + " instead of " + std::to_string(count);
  std::map<std::uint64_t, double> score;
  for (const ScoredIndex& c : all) score[c.index] = c.score;
  for (std::size_t i = 0; i < count; ++i) {
    const auto own = score.find(got[i].index);
    const double expected = all[i].score, tolerance = kScoreError * (1.0 + std::abs(expected));
    const std::string place = " at place " + std::to_string(i);
    if (!(std::abs(got[i].score - expected) <= tolerance)) return "another score" + place;
    if (got[i].index == all[i].index) continue;
    if (own == score.end()) return "no candidate" + place;
    if (!(std::abs(own->second - expected) <= tolerance)) return "another candidate" + place;
    if (own->second == expected) return "a tie, and not the smaller index," + place;
  }
  return {};
}

}  // namespace polaris
