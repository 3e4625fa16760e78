#include "host/engine/cpu_top_k.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>
#include <mutex>
#include <numeric>

#include "host/core/error.hpp"
#include "host/core/interrupt.hpp"
#include "host/core/parallel.hpp"
#include "host/engine/select.hpp"
#include "host/engine/tile_filler.hpp"
#include "models/analytical/analytical.hpp"

namespace polaris {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// Positions of a work item, and of one of the few that are scored first.
constexpr std::int64_t kGrain = 1 << 13;
constexpr std::int64_t kFirstGrain = 2 * ScreenTile::kSize;

/// Spread-out positions, at most so many and at most this share of all, whose analytically best are
/// scored first, so that the first tiles have a k-th best to beat.
constexpr std::uint64_t kWarmUp = std::uint64_t{1} << 14;
constexpr std::uint64_t kWarmUpShare = 16;
/// Of them, those that are scored: so many for each of the k best.
constexpr std::uint64_t kWarmUpExcess = 8;

/// What a mean must not exceed for an acquisition value to be reached: base + slope sd.
struct MeanLimit {
  double base, slope;
};

/// For `threshold` and deviations up to `most_sd`. The other acquisitions than the confidence bound
/// are sd^a h((best - mean) / sd), a = 0 or 1 or its logarithm, with a growing h, so that a
/// candidate must be as close to the incumbent, in deviations, as one of deviation `most_sd` has to
/// be.
MeanLimit mean_limit(const Acquisition& acquisition, double most_sd, double threshold) {
  if (acquisition.kind == AcquisitionKind::lower_confidence_bound)
    return {-threshold, acquisition.beta};
  constexpr double kReach = 40.0;
  constexpr int kHalvings = 40;
  double low = 0.0, high = kReach;
  const auto too_far = [&](double deviations) {
    return acquisition(acquisition.best + deviations * most_sd, most_sd) < threshold;
  };
  if (!too_far(high)) return {kInfinity, 0.0};
  for (int i = 0; i < kHalvings; ++i) {
    const double middle = 0.5 * (low + high);
    (too_far(middle) ? high : low) = middle;
  }
  return {acquisition.best, high};
}

/// Contenders of all threads.
class SharedContenders {
 public:
  explicit SharedContenders(int k) : contenders_(static_cast<std::size_t>(k)) {}

  double threshold() const { return threshold_.load(std::memory_order_relaxed); }
  void raise_threshold(double to) {
    contenders_.raise_threshold(to);
    threshold_ = contenders_.threshold();
  }
  void offer(double low, double high, std::uint64_t index) {
    const std::lock_guard lock(mutex_);
    contenders_.offer(low, high, index);
    threshold_.store(contenders_.threshold(), std::memory_order_relaxed);
  }
  std::vector<std::uint64_t> indices() { return contenders_.indices(); }

 private:
  std::mutex mutex_;
  Contenders contenders_;
  std::atomic<double> threshold_{-kInfinity};
};

/// Ends of the blocks of panels of L^-1 after which candidates are dropped, each of twice the rows.
std::vector<int> block_ends(int panels, int panel_rows) {
  std::vector<int> ends;
  for (int rows = kBoundRows; ends.empty() || ends.back() < panels; rows *= 2) {
    const int end = whole_panels(rows, panel_rows);
    // A last block smaller than the one before is not worth a test of its own.
    ends.push_back(3 * end > 2 * panels ? panels : end);
  }
  return ends;
}

/// One thread's part of a search.
class Worker {
 public:
  Worker(const TopKRequest& request, const LoopOrders& orders, SharedContenders& shared,
         const std::vector<int>& ends)
      : request_(request),
        shared_(shared),
        ends_(ends),
        all_(request, kNeighbours),
        promising_(request, ScreenTile::kSize),
        waiting_(request, ScreenTile::kSize),
        anchors_(request.stages, request.model, request.factor, kNeighbours),
        filler_(request.candidates.space, orders, all_.tile),
        passed_(ends.size()) {}

  /// The candidates index(begin) to index(end - 1).
  template <typename Index>
  void add(const Index& index, std::int64_t begin, std::int64_t end) {
    screen();
    filler_.expect(index, begin, end);
    for (std::int64_t i = begin; i < end; ++i) {
      if (!filler_.put(all_.count, index(i), [this] { screen(); })) continue;
      all_.index[static_cast<std::size_t>(all_.count++)] = index(i);
      if (all_.count == (filler_.sharing() ? kNeighbours : ScreenTile::kSize)) screen();
    }
  }

  void finish() {
    screen();
    bound();
    decide();
  }

  /// Candidates that were screened.
  std::uint64_t screened() const { return screened_; }
  /// Candidates that entered each block of rows.
  const std::vector<std::uint64_t>& passed() const { return passed_; }

 private:
  /// Candidates of a tile of neighbours: about as many as a strip of shared features is of.
  static constexpr int kNeighbours = 8 * ScreenTile::kSize;

  /// A tile and the candidates in it.
  struct Stop {
    Stop(const TopKRequest& request, int size)
        : tile(request.stages, request.factor.samples(), size),
          index(static_cast<std::size_t>(size)) {}

    /// Counts the candidate whose data are in slot `count`; true if the tile is full.
    bool append(std::uint64_t candidate) {
      index[static_cast<std::size_t>(count++)] = candidate;
      return count == tile.size();
    }

    ScreenTile tile;
    std::vector<std::uint64_t> index;
    int count = 0;
  };

  /// Whether the tile's slot, after one of the finish functions, may be among the k best. Its
  /// deviation counts as an upper bound.
  bool may_be_best(const ScreenTile& tile, int slot) const {
    PredictionError error = request_.error;
    error.upper_only = true;
    return !(highest_acquisition(request_.acquisition, edp_prediction(tile.prediction(slot)),
                                 error) < shared_.threshold());
  }

  MeanLimit limit_of(double threshold) {
    if (threshold != limit_threshold_) {
      limit_threshold_ = threshold;
      limit_ = threshold == -kInfinity
                   ? MeanLimit{kInfinity, 0.0}
                   : mean_limit(request_.acquisition, request_.prior_sd, threshold);
    }
    return limit_;
  }

  /// Drops what the sketch can, and of neighbours what anchors can.
  void screen() {
    if (all_.count == 0) return;
    screened_ += static_cast<std::uint64_t>(all_.count);
    ScreenTile& tile = all_.tile;
    tile.encode(request_.model, all_.count);
    left_.resize(static_cast<std::size_t>(all_.count));
    std::iota(left_.begin(), left_.end(), 0);
    tile.finish_sketch(request_.model, request_.factor, all_.count);
    drop();
    if (filler_.sharing()) {
      // A strip of anchors costs about as much as the kernel rows of as many candidates.
      const auto anchors = static_cast<std::size_t>(request_.stages.lanes);
      bool worthwhile = true;
      while (worthwhile && left_.size() > anchors) {
        const std::size_t before = left_.size();
        tile.finish_near(request_.model, anchors_, left_);
        drop();
        worthwhile = 2 * left_.size() <= before;
      }
    }
    for (const int slot : left_) {
      promising_.tile.take_inputs(promising_.count, tile, slot);
      if (promising_.append(all_.index[static_cast<std::size_t>(slot)])) bound();
    }
    all_.count = 0;
    filler_.share(filler_.sharing());
  }

  /// Those slots of all_ that the limit of the mean shows not to be among the k best.
  void drop() {
    const MeanLimit limit = limit_of(shared_.threshold());
    const PredictionError& error = request_.error;
    // Five roundings of the mean's two terms, ln cycles below 100, and of slope sd.
    constexpr double kRounding = 1e-6, kLogCycles = 100.0;
    const double slack =
        kRounding * (kLogCycles + std::abs(limit.base) + limit.slope * request_.prior_sd);
    const double most = limit.base + limit.slope * error.sd + error.mean + slack;
    all_.tile.compute_lowest(limit.slope, all_.count);
    std::erase_if(left_, [&](int slot) { return all_.tile.lowest(slot) > most; });
  }

  /// Means, and the first rows of L^-1.
  void bound() {
    if (promising_.count == 0) return;
    ScreenTile& tile = promising_.tile;
    tile.compute_kernel(request_.model, promising_.count);
    tile.clear_explained(promising_.count);
    tile.explain(request_.factor, 0, ends_.front(), promising_.count);
    tile.finish(request_.model, promising_.count);
    passed_.front() += static_cast<std::uint64_t>(promising_.count);
    for (int slot = 0; slot < promising_.count; ++slot) {
      if (!may_be_best(tile, slot)) continue;
      waiting_.tile.take_kernel(waiting_.count, tile, slot);
      if (waiting_.append(promising_.index[static_cast<std::size_t>(slot)])) decide();
    }
    promising_.count = 0;
  }

  /// The rest of the variance, block by block.
  void decide() {
    if (waiting_.count == 0) return;
    ScreenTile& tile = waiting_.tile;
    tile.finish(request_.model, waiting_.count);
    for (std::size_t block = 1; block < ends_.size() && waiting_.count > 0; ++block) {
      passed_[block] += static_cast<std::uint64_t>(waiting_.count);
      tile.explain(request_.factor, ends_[block - 1], ends_[block], waiting_.count);
      tile.finish(request_.model, waiting_.count);
      int kept = 0;
      for (int slot = 0; slot < waiting_.count; ++slot) {
        if (!may_be_best(tile, slot)) continue;
        if (kept != slot) tile.take_kernel(kept, tile, slot);
        waiting_.index[static_cast<std::size_t>(kept++)] =
            waiting_.index[static_cast<std::size_t>(slot)];
      }
      waiting_.count = kept;
    }
    for (int slot = 0; slot < waiting_.count; ++slot) {
      const EdpPrediction edp = edp_prediction(tile.prediction(slot));
      shared_.offer(lowest_acquisition(request_.acquisition, edp, request_.error),
                    highest_acquisition(request_.acquisition, edp, request_.error),
                    waiting_.index[static_cast<std::size_t>(slot)]);
    }
    waiting_.count = 0;
  }

  const TopKRequest& request_;
  SharedContenders& shared_;
  const std::vector<int>& ends_;
  Stop all_, promising_, waiting_;
  std::vector<int> left_;  // slots of all_ that were not dropped
  Anchors anchors_;
  TileFiller filler_;
  std::uint64_t screened_ = 0;
  double limit_threshold_ = std::numeric_limits<double>::quiet_NaN();
  MeanLimit limit_{kInfinity, 0.0};
  std::vector<std::uint64_t> passed_;
};

/// Runs the candidates index(0) to index(count - 1) through the tiles, `grain` a work item.
template <typename Index>
void scan(const TopKRequest& request, const std::vector<int>& ends, std::uint64_t count,
          std::int64_t grain, const Index& index, SharedContenders& shared, TopKStats& stats) {
  const LoopOrders orders(request.candidates.space, count);
  const auto index_of = [&index](std::int64_t i) { return index(static_cast<std::uint64_t>(i)); };
  std::vector<std::unique_ptr<Worker>> workers(
      static_cast<std::size_t>(worker_count(request.threads)));
  parallel_for_workers(static_cast<std::int64_t>(count), grain, request.threads,
                       [&](int number, std::int64_t begin, std::int64_t end) {
                         if (interrupted()) throw Failure("scoring interrupted");
                         std::unique_ptr<Worker>& worker =
                             workers[static_cast<std::size_t>(number)];
                         if (!worker)
                           worker = std::make_unique<Worker>(request, orders, shared, ends);
                         worker->add(index_of, begin, end);
                       });
  for (const std::unique_ptr<Worker>& worker : workers) {
    if (!worker) continue;
    worker->finish();
    stats.feasible += worker->screened();
    for (std::size_t b = 0; b < ends.size(); ++b) stats.blocks[b].candidates += worker->passed()[b];
  }
}

/// The `count` analytically best feasible candidates of `drawn` spread over the set.
std::vector<std::uint64_t> warm_up_indices(const TopKRequest& request, std::uint64_t drawn,
                                           std::uint64_t count) {
  const LayerSpaceView& space = request.candidates.space;
  const std::uint64_t stride = request.candidates.size() / drawn;
  std::vector<Scored> out(drawn);
  parallel_for(
      static_cast<std::int64_t>(drawn), kFirstGrain, request.threads,
      [&](std::int64_t begin, std::int64_t end) {
        for (auto i = static_cast<std::uint64_t>(begin); i < static_cast<std::uint64_t>(end); ++i) {
          const std::uint64_t index = request.candidates.index(i * stride);
          const DesignPoint point = space.decode(index);
          const bool feasible = check(space.layer, point) == Feasibility::feasible;
          out[i] = {feasible ? evaluate_analytical(space.layer, point.hardware, point.mapping).edp
                             : kInfinity,
                    index};
        }
      });
  std::sort(out.begin(), out.end(),
            [](const Scored& a, const Scored& b) { return a.score < b.score; });
  std::vector<std::uint64_t> best;
  for (std::uint64_t i = 0; i < std::min(count, drawn) && out[i].score < kInfinity; ++i)
    best.push_back(out[i].index);
  return best;
}

}  // namespace

std::vector<std::uint64_t> find_finalists(const TopKRequest& request, TopKStats& stats) {
  const std::vector<int> ends = block_ends(request.factor.panels(), request.factor.panel_rows());
  for (const int end : ends) stats.blocks.push_back({end * request.stages.rows, 0});
  const std::uint64_t count = request.candidates.size();
  SharedContenders shared(request.k);
  const std::uint64_t drawn = std::min(kWarmUp, count / kWarmUpShare);
  if (const auto k = static_cast<std::uint64_t>(request.k); drawn >= k) {
    // Counted apart, as their low ends come again.
    const std::vector<std::uint64_t> indices = warm_up_indices(request, drawn, kWarmUpExcess * k);
    SharedContenders first(request.k);
    TopKStats work = stats;
    scan(
        request, ends, indices.size(), kFirstGrain,
        [&indices](std::uint64_t i) { return indices[i]; }, first, work);
    shared.raise_threshold(first.threshold());
  }
  scan(
      request, ends, count, kGrain,
      [&request](std::uint64_t i) { return request.candidates.index(i); }, shared, stats);
  stats.candidates = count;
  return shared.indices();
}

}  // namespace polaris
