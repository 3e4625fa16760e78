// The analytical sweep. Access counts do not depend on the hardware and cycles only on its array
// and bus, so one mapping is counted once for all hardware; what is left for each machine, a few
// multiplications, is done for all of them in one vectorised loop. The numbers are bit for bit
// those of `analytical_score`.
#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <limits>
#include <memory>
#include <vector>

#include "host/core/parallel.hpp"
#include "host/sweep/pool.hpp"
#include "host/sweep/scorer.hpp"
#include "host/sweep/walk.hpp"
#include "models/analytical/analytical.hpp"

namespace polaris {
namespace {

/// Buckets of numbers from 1 on, four an octave: by the exponent and the first two bits of a
/// double's fraction.
constexpr int kFractionBits = 50;
constexpr std::size_t kBuckets = 64 * 4;  // cycles are below 2^63

std::size_t bucket_of(double x) {
  return (std::bit_cast<std::uint64_t>(x) >> kFractionBits) -
         (std::bit_cast<std::uint64_t>(1.0) >> kFractionBits);
}

double bucket_begin(std::size_t bucket) {
  return std::bit_cast<double>((bucket << kFractionBits) + std::bit_cast<std::uint64_t>(1.0));
}

/// Cycles that no mapping of the layer goes below on an array: the most PEs used that can be.
std::int64_t least_cycles(const LayerSpaceView& view, std::int32_t dim) {
  std::int64_t pes = 1;
  for (const Dim spatial : {Dim::C, Dim::K}) {
    const int d = index_of(spatial);
    std::int32_t most = 1;
    for (int i = 0; i < view.split_count[d]; ++i)
      if (view.splits[d][i].inner <= dim) most = std::max(most, view.splits[d][i].inner);
    pes *= most;
  }
  return view.layer.macs() / pes;
}

/// For buckets of latency and each hardware the least energy of a front point that is no slower
/// than anything in the bucket: whatever takes more is dominated. The buckets count from the
/// hardware's least cycles, near which most of the best points lie, so they are narrowest there.
class FrontScreen {
 public:
  FrontScreen(const SweepPlan& plan, const LayerSpaceView& view)
      : positions_(plan.hardware().size()),
        energy_(kBuckets * positions_, std::numeric_limits<double>::infinity()) {
    for (const HardwareConfig& hardware : plan.hardware())
      least_.push_back(least_cycles(view, hardware.dim));
  }

  /// [position], for points of `cycles` on hardware with the array of `position`.
  const double* row(std::size_t position, std::int64_t cycles) const {
    return &energy_[bucket_of(excess(position, cycles)) * positions_];
  }

  void add(std::size_t position, std::int64_t cycles, double energy) {
    const double x = excess(position, cycles);
    std::size_t b = bucket_of(x);
    if (bucket_begin(b) < x) ++b;
    for (; b < kBuckets && energy_[b * positions_ + position] > energy; ++b)
      energy_[b * positions_ + position] = energy;
  }

 private:
  double excess(std::size_t position, std::int64_t cycles) const {
    return static_cast<double>(cycles - least_[position] + 1);
  }

  std::size_t positions_;
  std::vector<double> energy_;       // [bucket][position]
  std::vector<std::int64_t> least_;  // [position] cycles
};

/// The machines that can run a block, one a lane; those of one array and bus stand together.
struct Lanes {
  explicit Lanes(std::size_t positions)
      : position(positions),
        accumulator(positions),
        scratchpad(positions),
        key(positions),
        threshold(positions),
        energy(positions),
        edp(positions) {}

  std::vector<std::int32_t> position;
  std::vector<double> accumulator;  // pJ per access, all columns
  std::vector<double> scratchpad;   // pJ per access
  std::vector<std::uint64_t> key;   // hardware_key
  std::vector<double> threshold;    // EDP that enters the list of the best
  std::vector<double> energy;       // pJ, of the running mapping
  std::vector<double> edp;          // J * cycle, likewise
};

/// Scores one mapping on lanes [begin, end), which share `traffic`, and adds to the checksum.
/// Returns how many may enter a list; `front` = FrontScreen::row.
std::uint64_t score_lanes(Lanes& lanes, std::size_t begin, std::size_t end,
                          const TrafficCost& traffic, std::uint64_t mapping_key,
                          const double* front, std::uint64_t& checksum) {
  const std::int32_t* const position = lanes.position.data();
  const double* const accumulator = lanes.accumulator.data();
  const double* const scratchpad = lanes.scratchpad.data();
  const std::uint64_t* const key = lanes.key.data();
  const double* const threshold = lanes.threshold.data();
  double* const __restrict energy = lanes.energy.data();
  double* const __restrict edp = lanes.edp.data();
  std::uint64_t hits = 0, sum = 0;
  for (std::size_t i = begin; i < end; ++i) {
    const double e = sum_energy(traffic, accumulator[i] * traffic.accumulator_accesses,
                                scratchpad[i] * traffic.scratchpad_accesses);
    const double product = analytical_edp(traffic.cycles, e);
    energy[i] = e;
    edp[i] = product;
    sum += checksum_term(std::bit_cast<std::uint64_t>(product), mapping_key, key[i]);
    hits += static_cast<std::uint64_t>((product <= threshold[i]) | (e <= front[position[i]]));
  }
  checksum += sum;
  return hits;
}

/// One thread's part of one layer.
class Worker {
 public:
  Worker(const SweepPlan& plan, const SweepLayer& layer, const LayerResult& start)
      : plan_(plan),
        layer_(layer),
        result_(start),
        screen_(plan, layer.view()),
        lanes_(plan.hardware().size()),
        walker_(plan, layer) {
    result_.coverage = {};
    for (std::size_t p = 0; p < plan.hardware().size(); ++p)
      for (const FrontPoint& point : result_.hardware[p].front.points())
        screen_.add(p, static_cast<std::int64_t>(point.latency), point.energy);
  }

  void score(const IndexRange& blocks) {
    const std::uint64_t orders = layer_.view().order_count;
    const auto begin = std::lower_bound(layer_.avoided.begin(), layer_.avoided.end(),
                                        AvoidedPoint{blocks.begin * orders, 0});
    const auto end =
        std::lower_bound(begin, layer_.avoided.end(), AvoidedPoint{blocks.end * orders, 0});
    avoided_ = {begin, end};
    walker_.walk(blocks, result_.coverage,
                 [this](const Block& block, std::span<const LoopOrder> loop_orders,
                        std::span<const std::size_t> positions) {
                   score_block(block, loop_orders, positions);
                 });
    for (const AvoidedPoint& point : avoided_) take_back(point);
  }

  /// What was added since the last call; the lists stay and may be merged again.
  LayerResult& result() { return result_; }

 private:
  /// Lanes of one array and bus.
  struct Group {
    std::size_t position;  // of the first
    std::size_t begin, end;
  };

  void set_lanes(const Block& block, std::span<const std::size_t> positions) {
    groups_.clear();
    for (std::size_t i = 0; i < positions.size(); ++i) {
      const std::size_t p = positions[i];
      const HardwareConfig& hardware = plan_.hardware()[p];
      const AccessEnergy energy = access_energy(hardware);
      lanes_.position[i] = static_cast<std::int32_t>(p);
      lanes_.accumulator[i] = energy.accumulator * block.mapping.spatial_k;
      lanes_.scratchpad[i] = energy.scratchpad;
      lanes_.key[i] = hardware_key(plan_.ordinal(p));
      lanes_.threshold[i] = result_.hardware[p].best.threshold();
      if (groups_.empty() || !same_traffic(groups_.back().position, p))
        groups_.push_back({p, i, i});
      groups_.back().end = i + 1;
    }
  }

  bool same_traffic(std::size_t p, std::size_t q) const {
    const HardwareConfig& a = plan_.hardware()[p];
    const HardwareConfig& b = plan_.hardware()[q];
    return a.dim == b.dim && a.bus_bytes == b.bus_bytes;
  }

  void score_block(const Block& block, std::span<const LoopOrder> loop_orders,
                   std::span<const std::size_t> positions) {
    set_lanes(block, positions);
    const Layer& layer = layer_.view().layer;
    Mapping mapping = block.mapping;
    for (const LoopOrder& order : loop_orders) {
      std::copy_n(order.dims, kDims, mapping.order[index_of(Level::dram)]);
      const AccessCounts counts = access_counts(layer, mapping, block.footprint);
      const std::uint64_t number = block.first + order.rank;
      const std::uint64_t key = mapping_key(layer_.number, number);
      for (const Group& group : groups_) {
        const TrafficCost traffic = traffic_cost(counts, plan_.hardware()[group.position], mapping);
        const double* const front = screen_.row(group.position, traffic.cycles);
        if (score_lanes(lanes_, group.begin, group.end, traffic, key, front,
                        result_.coverage.checksum) != 0)
          keep(group, number, traffic.cycles, front);
        if (limited()) count_over_limit(group, static_cast<double>(traffic.cycles));
      }
    }
  }

  bool limited() const {
    return plan_.spec().limits.cycles > 0.0 || plan_.spec().limits.energy_pj > 0.0;
  }
  bool over_limit(double cycles, double energy) const {
    const SweepLimits& limits = plan_.spec().limits;
    return (limits.cycles > 0.0 && cycles > limits.cycles) ||
           (limits.energy_pj > 0.0 && energy > limits.energy_pj);
  }

  void count_over_limit(const Group& group, double cycles) {
    std::uint64_t over = 0;
    for (std::size_t i = group.begin; i < group.end; ++i)
      over += static_cast<std::uint64_t>(over_limit(cycles, lanes_.energy[i]));
    result_.coverage.over_limit += over;
    result_.coverage.scored -= over;
  }

  /// Offers what passed the screen to the lists of its hardware.
  void keep(const Group& group, std::uint64_t number, std::int64_t whole_cycles,
            const double* front) {
    const double cycles = static_cast<double>(whole_cycles);
    for (std::size_t i = group.begin; i < group.end; ++i) {
      const auto p = static_cast<std::size_t>(lanes_.position[i]);
      const double energy = lanes_.energy[i], edp = lanes_.edp[i];
      if (edp > lanes_.threshold[i] && energy > front[p]) continue;
      if (over_limit(cycles, energy)) continue;
      const std::uint64_t ordinal = plan_.ordinal(p);
      if (!avoided_.empty() &&
          std::binary_search(avoided_.begin(), avoided_.end(), AvoidedPoint{number, ordinal}))
        continue;
      const std::uint64_t index = ordinal * layer_.view().mapping_count + number;
      const Estimate estimate{cycles, energy};
      HardwareResult& kept = result_.hardware[p];
      kept.best.offer({{edp, index}, estimate});
      kept.front.offer({cycles, energy, index, estimate});
      screen_.add(p, whole_cycles, energy);
      lanes_.threshold[i] = kept.best.threshold();
    }
  }

  /// Moves a point to avoid, evaluated with the others of its block, to its class.
  void take_back(const AvoidedPoint& avoided) {
    const LayerSpaceView& view = layer_.view();
    const DesignPoint point = view.decode(avoided.ordinal * view.mapping_count + avoided.mapping);
    const AnalyticalResult cost = evaluate_analytical(view.layer, point.hardware, point.mapping);
    Coverage& coverage = result_.coverage;
    coverage.checksum -=
        checksum_term(std::bit_cast<std::uint64_t>(cost.edp),
                      mapping_key(layer_.number, avoided.mapping), hardware_key(avoided.ordinal));
    ++coverage.avoided;
    --(over_limit(static_cast<double>(cost.cycles), cost.energy_pj) ? coverage.over_limit
                                                                    : coverage.scored);
  }

  const SweepPlan& plan_;
  const SweepLayer& layer_;
  LayerResult result_;
  FrontScreen screen_;
  Lanes lanes_;
  BlockWalker walker_;
  std::vector<Group> groups_;
  std::span<const AvoidedPoint> avoided_;  // of the running tile
};

class AnalyticalScorer final : public TileScorer {
 public:
  AnalyticalScorer(const SweepPlan& plan, int threads) : plan_(plan), threads_(threads) {}

  void score(const SweepLayer& layer, const TileSequence& tiles, LayerResult& result) override {
    // Workers stay while the layer does: their lists are what makes the screen sharp.
    if (layer_ != &layer) workers_.clear();
    layer_ = &layer;
    parallel_for(static_cast<std::int64_t>(tiles.count), 1, threads_,
                 [&](std::int64_t begin, std::int64_t end) {
                   const auto worker = workers_.take(
                       [&] { return std::make_unique<Worker>(plan_, layer, result); });
                   for (std::int64_t i = begin; i < end; ++i)
                     worker->score(layer.blocks(tiles.tile(static_cast<std::uint64_t>(i))));
                 });
    workers_.for_each([&result](Worker& worker) {
      result.merge(worker.result());
      worker.result().coverage = {};
    });
  }

  void finish(const SweepLayer&, LayerResult&) override {}

 private:
  const SweepPlan& plan_;
  int threads_;
  const SweepLayer* layer_ = nullptr;
  Pool<Worker> workers_;
};

}  // namespace

std::unique_ptr<TileScorer> make_analytical_scorer(const SweepPlan& plan, int threads) {
  return std::make_unique<AnalyticalScorer>(plan, threads);
}

}  // namespace polaris
