#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <span>
#include <vector>

#include "kernels/device/buffer.hpp"
#include "kernels/select_top_k.cuh"
#include "models/space/philox.hpp"

namespace polaris {
namespace {

using Candidates = std::vector<ScoredIndex>;

/// What select_top_k should leave: the k first, padded.
Candidates sorted_top_k(Candidates all, int k) {
  std::erase_if(all, [](const ScoredIndex& c) { return !is_candidate(c); });
  std::sort(all.begin(), all.end(), ranks_before);
  all.resize(static_cast<std::size_t>(k), no_candidate());
  return all;
}

/// The pieces, one after the other, merged into a list that starts empty.
Candidates device_top_k(const std::vector<Candidates>& pieces, int k) {
  const DeviceStream stream;
  DeviceBuffer<ScoredIndex> best(static_cast<std::size_t>(k), "test");
  best.upload(Candidates(static_cast<std::size_t>(k), no_candidate()), stream);
  DeviceBuffer<ScoredIndex> workspace(select_top_k_workspace(k), "test");
  for (const Candidates& piece : pieces) {
    DeviceBuffer<std::uint32_t> count(1, "test");
    count.upload(std::vector<std::uint32_t>{static_cast<std::uint32_t>(piece.size())}, stream);
    DeviceBuffer<ScoredIndex> candidates(piece.size(), "test");
    candidates.upload(piece, stream);
    select_top_k({.candidates = candidates.data(),
                  .count = count.data(),
                  .k = k,
                  .best = best.data(),
                  .workspace = workspace.data()},
                 stream);
  }
  return best.download(stream);
}

/// Scores from `values` different ones, so that ties are the rule where that is less than `count`.
Candidates random_candidates(std::uint64_t count, std::uint64_t values, std::uint64_t first) {
  Candidates out;
  for (std::uint64_t i = 0; i < count; ++i)
    out.push_back({static_cast<double>(uniform_below(values, 5, first, i)) - 3.0, first + i});
  return out;
}

TEST(SelectTopK, AnyCountAndK) {
  for (const std::uint64_t count : {0, 1, 511, 512, 513, 1024, 1500})
    for (const int k : {1, 2, 512, 513, 1024, 1025, 2048}) {
      const Candidates all = random_candidates(count, 1u << 30, 0);
      EXPECT_EQ(device_top_k({all}, k), sorted_top_k(all, k)) << count << " candidates, k " << k;
    }
}

TEST(SelectTopK, TheLargestK) {
  const Candidates all = random_candidates(20000, 5000, 0);
  EXPECT_EQ(device_top_k({all}, kMaxTopK), sorted_top_k(all, kMaxTopK));
}

TEST(SelectTopK, TiesGoToTheSmallerIndex) {
  for (const std::uint64_t values : {1, 2, 7}) {
    const Candidates all = random_candidates(1000, values, 0);
    EXPECT_EQ(device_top_k({all}, 300), sorted_top_k(all, 300)) << values << " different scores";
  }
}

TEST(SelectTopK, DescendingScoresMergeInEveryRound) {
  Candidates all;
  for (std::uint64_t i = 0; i < 1000; ++i) all.push_back({-static_cast<double>(i), i});
  EXPECT_EQ(device_top_k({all}, 10), sorted_top_k(all, 10));
}

TEST(SelectTopK, NeverTakesNanOrInfinity) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  Candidates all = random_candidates(600, 50, 0);
  for (std::size_t i = 0; i < all.size(); i += 3)
    all[i].score = i % 2 == 0 ? kInfinity : std::numeric_limits<double>::quiet_NaN();
  all[301].score = -kInfinity;
  EXPECT_EQ(device_top_k({all}, 1024), sorted_top_k(all, 1024));
  EXPECT_EQ(device_top_k({all}, 1)[0].index, 301u);
  for (ScoredIndex& c : all) c.score = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(device_top_k({all}, 3), Candidates(3, no_candidate()));
}

TEST(SelectTopK, PiecesInAnyOrderGiveOneAnswer) {
  // Three different scores: most candidates tie with the k-th best, some with a smaller index.
  const Candidates a = random_candidates(300, 3, 0), b = random_candidates(1, 3, 1000),
                   c = random_candidates(500, 3, 2000);
  Candidates all = a;
  all.insert(all.end(), b.begin(), b.end());
  all.insert(all.end(), c.begin(), c.end());
  const Candidates expected = sorted_top_k(all, 100);
  EXPECT_EQ(device_top_k({a, b, c}, 100), expected);
  EXPECT_EQ(device_top_k({c, {}, a, b}, 100), expected);
}

}  // namespace
}  // namespace polaris
