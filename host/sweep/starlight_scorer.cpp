// The sweep by Starlight. Where the sweep has thresholds, candidates that cannot reach them are
// pruned by a cheap bound (prune.hpp), then by the engine's sketch. It predicts the others in
// float32, with bounds of their deviations and, where these leave a chance, with the deviations;
// those whose error bounds still leave one are predicted again in float64, one by one, so that what
// they get depends on nothing but themselves: not on the tile, the shard or the back end of the
// screen.
#include <algorithm>
#include <atomic>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <memory>
#include <utility>
#include <vector>

#include "host/core/parallel.hpp"
#include "host/sweep/pool.hpp"
#include "host/sweep/prune.hpp"
#include "host/sweep/scorer.hpp"
#include "host/sweep/walk.hpp"
#include "models/analytical/analytical.hpp"

namespace polaris {
namespace {

/// Candidates predicted at a time: bounds memory, and is large against an engine's work item.
constexpr std::size_t kBatch = std::size_t{1} << 18;
/// Indices that are walked before the engine is asked again, and those that a thread takes of them.
constexpr std::uint64_t kWalked = std::uint64_t{1} << 20;
constexpr std::uint64_t kWalkGrain = std::uint64_t{1} << 16;

struct Candidate {
  std::uint64_t mapping;
  std::size_t position;
};

/// What a walk over some blocks yields.
struct Walked {
  Coverage coverage;
  std::vector<Candidate> candidates;
};

/// Walks blocks of one layer and leaves out what is to be avoided and what cannot be among the best
/// points.
class Collector {
 public:
  /// `floor_limit`: as the function of this name gives it.
  Collector(const SweepPlan& plan, const SweepLayer& layer, double floor_limit)
      : plan_(plan), layer_(layer), floor_limit_(floor_limit), walker_(plan, layer) {
    for (const HardwareConfig& hardware : plan.hardware()) {
      limit_.push_back(floor_limit / lower_bound_cycles(layer.view().layer, hardware));
      energy_.push_back(access_energy(hardware));
    }
  }

  void collect(const IndexRange& blocks, Walked& out) {
    walker_.walk(blocks, out.coverage,
                 [&](const Block& block, std::span<const LoopOrder> orders,
                     std::span<const std::size_t> positions) {
                   // Hardware outermost, so that neighbours in a batch have features in common.
                   const auto kept = prune(block, orders, positions);
                   for (std::size_t p = 0; p < positions.size(); ++p)
                     for (std::size_t o = 0; o < orders.size(); ++o)
                       add(block.first + orders[o].rank, positions[p],
                           kept[o * positions.size() + p] != 0, out);
                 });
  }

 private:
  /// [order][position] 0: pruned.
  std::span<const char> prune(const Block& block, std::span<const LoopOrder> orders,
                              std::span<const std::size_t> positions) {
    kept_.assign(orders.size() * positions.size(), 1);
    if (!std::isfinite(floor_limit_)) return kept_;
    Mapping mapping = block.mapping;
    char* kept = kept_.data();
    for (const LoopOrder& order : orders) {
      std::copy_n(order.dims, kDims, mapping.order[index_of(Level::dram)]);
      const AccessCounts counts = access_counts(layer_.view().layer, mapping, block.footprint);
      TrafficCost traffic{};
      const HardwareConfig* last = nullptr;  // machines of one array and bus stand together
      for (const std::size_t p : positions) {
        const HardwareConfig& hardware = plan_.hardware()[p];
        if (last == nullptr || last->dim != hardware.dim || last->bus_bytes != hardware.bus_bytes)
          traffic = traffic_cost(counts, hardware, mapping);
        last = &hardware;
        const double pj = sum_energy(
            traffic, energy_[p].accumulator * mapping.spatial_k * traffic.accumulator_accesses,
            energy_[p].scratchpad * traffic.scratchpad_accesses);
        *kept++ = pj <= limit_[p] ? 1 : 0;
      }
    }
    return kept_;
  }

  void add(std::uint64_t mapping, std::size_t position, bool kept, Walked& out) const {
    if (!layer_.avoided.empty() &&
        std::binary_search(layer_.avoided.begin(), layer_.avoided.end(),
                           AvoidedPoint{mapping, plan_.ordinal(position)})) {
      ++out.coverage.avoided;
      --out.coverage.scored;
    } else if (!kept) {
      ++out.coverage.pruned;
      --out.coverage.scored;
    } else {
      out.candidates.push_back({mapping, position});
    }
  }

  const SweepPlan& plan_;
  const SweepLayer& layer_;
  double floor_limit_;
  std::vector<double> limit_;         // [position] pJ
  std::vector<AccessEnergy> energy_;  // [position]
  BlockWalker walker_;
  std::vector<char> kept_;
};

/// A candidate whose float64 value may enter a list of the best.
struct Contender {
  std::size_t position;
  double score;  // the least it may have
  std::uint64_t index;

  friend auto operator<=>(const Contender&, const Contender&) = default;
};

constexpr double kInfinity = std::numeric_limits<double>::infinity();

enum class Verdict : std::uint8_t { within, over, unsure };

Estimate estimate_of(const ExactPrediction& prediction) {
  return {std::exp(prediction.log_latency), std::exp(prediction.log_energy),
          prediction.log_latency_sd, prediction.log_energy_sd};
}

class StarlightScorer final : public TileScorer {
 public:
  StarlightScorer(const SweepPlan& plan, const StarlightModel& model, Engine& engine, int threads)
      : plan_(plan),
        model_(model),
        engine_(engine),
        threads_(threads),
        error_(screen_error(model)) {}

  void score(const SweepLayer& layer, const TileSequence& tiles, LayerResult& result) override {
    threshold_ =
        plan_.spec().thresholds.empty() ? kInfinity : plan_.spec().thresholds[layer.number];
    const double limit = floor_limit(model_, plan_.spec().acquisition, threshold_);
    for (std::uint64_t i = 0; i < tiles.count; ++i) {
      const IndexRange blocks = layer.blocks(tiles.tile(i));
      const std::uint64_t block_points = layer.view().order_count * plan_.hardware().size();
      const std::uint64_t step = std::max<std::uint64_t>(1, kWalked / block_points);
      for (std::uint64_t begin = blocks.begin; begin < blocks.end; begin += step) {
        collect(layer, {begin, std::min(begin + step, blocks.end)}, limit, result);
        if (indices_.size() >= kBatch) flush(layer, result);
      }
    }
    flush(layer, result);
  }

  void finish(const SweepLayer& layer, LayerResult& result) override {
    parallel_for(
        static_cast<std::int64_t>(result.hardware.size()), 1, threads_,
        [&](std::int64_t begin, std::int64_t) {
          for (FrontPoint& point : result.hardware[static_cast<std::size_t>(begin)].front.points())
            point.estimate = estimate_of(predict_exact(layer, point.index));
        });
  }

 private:
  /// Appends the candidates of `blocks`, in their order.
  void collect(const SweepLayer& layer, const IndexRange& blocks, double limit,
               LayerResult& result) {
    const std::uint64_t block_points = layer.view().order_count * plan_.hardware().size();
    const std::uint64_t grain = std::max<std::uint64_t>(1, kWalkGrain / block_points);
    const std::uint64_t count = blocks.end - blocks.begin;
    std::vector<Walked> parts((count + grain - 1) / grain);
    parallel_for(
        static_cast<std::int64_t>(parts.size()), 1, threads_,
        [&](std::int64_t begin, std::int64_t end) {
          Collector collector(plan_, layer, limit);
          for (auto i = static_cast<std::uint64_t>(begin); i < static_cast<std::uint64_t>(end); ++i)
            collector.collect(
                {blocks.begin + i * grain, std::min(blocks.begin + (i + 1) * grain, blocks.end)},
                parts[i]);
        });
    for (const Walked& part : parts) {
      result.coverage.add(part.coverage);
      for (const Candidate& candidate : part.candidates) {
        candidates_.push_back(candidate);
        indices_.push_back(plan_.ordinal(candidate.position) * layer.view().mapping_count +
                           candidate.mapping);
      }
    }
  }

  void flush(const SweepLayer& layer, LayerResult& result) {
    if (!plan_.spec().thresholds.empty()) prune_by_sketch(layer, result);
    predictions_.resize(indices_.size());
    engine_.predict_bounds(model_, layer.view(), indices_, predictions_);
    add_checksum(layer, result);
    const std::vector<Verdict> verdicts = judge(layer);
    const std::vector<double> scores = least_scores(predictions_, true);
    promising_.clear();
    for (std::size_t i = 0; i < indices_.size(); ++i) {
      if (verdicts[i] == Verdict::over) {
        ++result.coverage.over_limit;
        --result.coverage.scored;
        continue;
      }
      HardwareResult& kept = result.hardware[candidates_[i].position];
      if (scores[i] <= std::min(threshold_, kept.best.threshold()))
        promising_.push_back({candidates_[i].position, scores[i], indices_[i]});
      if (!plan_.spec().thresholds.empty()) continue;
      const Prediction& p = predictions_[i];
      if (kept.front.beats(p.log_latency, p.log_energy)) continue;
      kept.front.offer({p.log_latency,
                        p.log_energy,
                        indices_[i],
                        {std::exp(double{p.log_latency}), std::exp(double{p.log_energy})}});
    }
    choose_contenders(layer, result);
    rank(layer, result);
    candidates_.clear();
    indices_.clear();
  }

  /// Leaves out the candidates that cannot reach the threshold of the layer.
  void prune_by_sketch(const SweepLayer& layer, LayerResult& result) {
    predictions_.resize(indices_.size());
    engine_.predict_sketch(model_, layer.view(), indices_, predictions_);
    const std::vector<double> scores = least_scores(predictions_, true);
    std::size_t kept = 0;
    for (std::size_t i = 0; i < indices_.size(); ++i) {
      if (scores[i] > threshold_) continue;
      candidates_[kept] = candidates_[i];
      indices_[kept++] = indices_[i];
    }
    result.coverage.pruned += indices_.size() - kept;
    result.coverage.scored -= indices_.size() - kept;
    candidates_.resize(kept);
    indices_.resize(kept);
  }

  void add_checksum(const SweepLayer& layer, LayerResult& result) {
    std::atomic<std::uint64_t> sum = 0;
    parallel_for(
        static_cast<std::int64_t>(indices_.size()), kGrain, threads_,
        [&](std::int64_t begin, std::int64_t end) {
          std::uint64_t part = 0;
          for (auto i = static_cast<std::size_t>(begin); i < static_cast<std::size_t>(end); ++i) {
            const Prediction& p = predictions_[i];
            part += checksum_term(std::uint64_t{std::bit_cast<std::uint32_t>(p.log_latency)} << 32 |
                                      std::bit_cast<std::uint32_t>(p.log_energy),
                                  mapping_key(layer.number, candidates_[i].mapping),
                                  hardware_key(plan_.ordinal(candidates_[i].position)));
          }
          sum += part;
        });
    result.coverage.checksum += sum;
  }

  /// The least score that each prediction may have in float64; `bounds`: its deviation may be any
  /// smaller.
  std::vector<double> least_scores(std::span<const Prediction> predictions, bool bounds) {
    PredictionError error = error_;
    error.upper_only = bounds;
    std::vector<double> out(predictions.size());
    parallel_for(static_cast<std::int64_t>(out.size()), kGrain, threads_,
                 [&](std::int64_t begin, std::int64_t end) {
                   for (auto i = static_cast<std::size_t>(begin); i < static_cast<std::size_t>(end);
                        ++i)
                     out[i] = -highest_acquisition(plan_.spec().acquisition,
                                                   edp_prediction(predictions[i]), error);
                 });
    return out;
  }

  /// Of the promising ones those that remain so with their deviations.
  void choose_contenders(const SweepLayer& layer, const LayerResult& result) {
    std::vector<std::uint64_t> indices;
    for (const Contender& c : promising_) indices.push_back(c.index);
    predictions_.resize(indices.size());
    engine_.predict(model_, layer.view(), indices, predictions_);
    const std::vector<double> scores = least_scores(predictions_, false);
    contenders_.clear();
    for (std::size_t i = 0; i < scores.size(); ++i) {
      const std::size_t position = promising_[i].position;
      if (scores[i] <= std::min(threshold_, result.hardware[position].best.threshold()))
        contenders_.push_back({position, scores[i], indices[i]});
    }
  }

  /// Verdict of the limits on every candidate; in float64 where float32 cannot tell.
  std::vector<Verdict> judge(const SweepLayer& layer) {
    std::vector<Verdict> out(indices_.size(), Verdict::within);
    const SweepLimits& limits = plan_.spec().limits;
    if (limits.cycles <= 0.0 && limits.energy_pj <= 0.0) return out;
    const auto verdict = [&limits](double log_latency, double log_energy, double error) {
      Verdict worst = Verdict::within;
      for (const auto& [value, limit] :
           {std::pair(log_latency, limits.cycles), std::pair(log_energy, limits.energy_pj)}) {
        if (limit <= 0.0 || value <= std::log(limit) - error) continue;
        if (value > std::log(limit) + error) return Verdict::over;
        worst = Verdict::unsure;
      }
      return worst;
    };
    parallel_for(static_cast<std::int64_t>(out.size()), kGrain, threads_,
                 [&](std::int64_t begin, std::int64_t end) {
                   for (auto i = static_cast<std::size_t>(begin); i < static_cast<std::size_t>(end);
                        ++i) {
                     const Prediction& p = predictions_[i];
                     out[i] = verdict(p.log_latency, p.log_energy, kScreenMeanError);
                     if (out[i] != Verdict::unsure) continue;
                     const ExactPrediction exact = predict_exact(layer, indices_[i]);
                     out[i] = verdict(exact.log_latency, exact.log_energy, 0.0);
                   }
                 });
    return out;
  }

  /// Predicts the contenders in float64 and offers them, the most promising of each hardware first:
  /// they raise the threshold that spares the others.
  void rank(const SweepLayer& layer, LayerResult& result) {
    std::sort(contenders_.begin(), contenders_.end());
    std::vector<std::span<const Contender>> groups;  // one a hardware
    for (auto begin = contenders_.cbegin(); begin != contenders_.cend();) {
      const auto end = std::find_if(begin, contenders_.cend(), [begin](const Contender& c) {
        return c.position != begin->position;
      });
      groups.emplace_back(begin, end);
      begin = end;
    }
    parallel_for(static_cast<std::int64_t>(groups.size()), 1, threads_,
                 [&](std::int64_t group, std::int64_t) {
                   for (const Contender& contender : groups[static_cast<std::size_t>(group)]) {
                     BestList& best = result.hardware[contender.position].best;
                     if (contender.score > best.threshold()) break;
                     offer(layer, contender.index, best);
                   }
                 });
  }

  void offer(const SweepLayer& layer, std::uint64_t index, BestList& best) {
    const ExactPrediction exact = predict_exact(layer, index);
    const EdpPrediction edp = edp_prediction(exact);
    const double score = -plan_.spec().acquisition(edp.mean, edp.sd);
    const RankedPoint point{{score, index}, estimate_of(exact)};
    if (is_candidate(point.key) && score <= threshold_) best.offer(point);
  }

  ExactPrediction predict_exact(const SweepLayer& layer, std::uint64_t index) {
    const auto engine = exact_engines_.take([] { return make_engine("cpu", {.threads = 1}); });
    ExactPrediction out{};
    engine->predict_exact(model_, layer.view(), {&index, 1}, {&out, 1});
    return out;
  }

  static constexpr std::int64_t kGrain = 1024;

  const SweepPlan& plan_;
  const StarlightModel& model_;
  Engine& engine_;
  int threads_;
  PredictionError error_;
  double threshold_ = kInfinity;  // of the running layer
  std::vector<Candidate> candidates_;
  std::vector<std::uint64_t> indices_;
  std::vector<Prediction> predictions_;
  std::vector<Contender> promising_, contenders_;
  Pool<Engine> exact_engines_;  // one a thread: an engine serves one caller at a time
};

}  // namespace

std::unique_ptr<TileScorer> make_starlight_scorer(const SweepPlan& plan,
                                                  const StarlightModel& model, Engine& engine,
                                                  int threads) {
  return std::make_unique<StarlightScorer>(plan, model, engine, threads);
}

}  // namespace polaris
