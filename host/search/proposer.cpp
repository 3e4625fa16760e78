#include "host/search/proposer.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <tuple>
#include <unordered_set>
#include <utility>

#include "host/core/parallel.hpp"
#include "models/starlight/acquisition.hpp"

namespace polaris {
namespace {

/// Streams of the counter-based generator, apart from those of other parts of the search.
constexpr std::uint64_t kWalkStream = std::uint64_t{1} << 62;
constexpr int kLongestWalk = 6;
constexpr int kUniformTries = 32;
/// Attempts per wanted candidate before a small or mostly infeasible space is given up on.
constexpr std::int64_t kAttempts = 8;

bool by_score(const Promising& a, const Promising& b) {
  return std::tie(a.score, a.id) < std::tie(b.score, b.id);
}

std::vector<std::uint64_t> sorted(const std::unordered_set<std::uint64_t>& indices) {
  std::vector<std::uint64_t> out(indices.begin(), indices.end());
  std::sort(out.begin(), out.end());
  return out;
}

double log_value(const NetworkCost& median, double sd, double target_edp, std::size_t runs) {
  return log_expected_improvement(std::log(median.edp()), sd, std::log(target_edp)) -
         std::log(static_cast<double>(runs));
}

}  // namespace

Proposer::Proposer(const SearchProblem& problem, Engine& engine, const ProposerOptions& options,
                   const std::vector<std::vector<MappingList>>& start)
    : problem_(problem),
      engine_(engine),
      options_(options),
      cells_(problem.hardware().size() * static_cast<std::size_t>(problem.layer_count())),
      totals_(problem.hardware().size()) {
  for (std::size_t h = 0; h < start.size(); ++h)
    for (int l = 0; l < problem.layer_count(); ++l) {
      const MappingList& list = start[h][static_cast<std::size_t>(l)];
      for (std::size_t i = 0; i < list.points.size(); ++i) {
        Promising& elite = cell(h, l).elites.emplace_back();
        elite.id = list.points[i];
        elite.median = elite.optimistic = list.costs[i];
      }
      totals_[h].cycles += list.costs.front().cycles;
      totals_[h].energy_pj += list.costs.front().energy_pj;
    }
}

Proposer::Cell& Proposer::cell(std::size_t hardware_position, int layer) {
  return cells_[hardware_position * static_cast<std::size_t>(problem_.layer_count()) +
                static_cast<std::size_t>(layer)];
}

std::vector<std::uint64_t> Proposer::candidates(int layer, std::size_t hardware_position,
                                                const Observations& observations,
                                                const std::set<PointId>& pending,
                                                std::uint64_t iteration, std::int64_t wanted) {
  const LayerSpaceView& space = problem_.view(layer);
  const std::uint64_t hardware = problem_.hardware()[hardware_position];
  const int moves = space.neighbour_count();
  std::unordered_set<std::uint64_t> found;
  const auto consider = [&](std::uint64_t index) {
    if (index == kNoIndex) return;
    const PointId id = problem_.representative({layer, index});
    if (problem_.hardware_of(id) == hardware && problem_.feasible(id) && !observations.known(id) &&
        !pending.contains(id))
      found.insert(id.index);
  };
  Cell& here = cell(hardware_position, layer);
  here.whole = space.mapping_count <= static_cast<std::uint64_t>(kAttempts * wanted);
  if (here.whole) {
    const std::uint64_t first = hardware * space.mapping_count;
    for (std::uint64_t m = 0; m < space.mapping_count; ++m) consider(first + m);
    return sorted(found);
  }
  std::vector<std::uint64_t> from;
  for (const Promising& elite : here.elites) from.push_back(elite.id.index);
  for (const PointId id : observations.points(static_cast<int>(hardware_position), layer))
    from.push_back(id.index);
  for (const std::uint64_t start : from) {
    consider(start);
    for (int move = 2 * kHardwareAxes; move < moves; ++move) consider(space.neighbour(start, move));
  }
  // The rest: walks of a few random moves from the same points, and uniform draws, in turns.
  const std::uint64_t stream = kWalkStream +
                               (iteration * problem_.hardware().size() + hardware_position) *
                                   static_cast<std::uint64_t>(problem_.layer_count()) +
                               static_cast<std::uint64_t>(layer);
  std::uint64_t counter = 0;
  for (std::int64_t attempt = 0;
       attempt < kAttempts * wanted && static_cast<std::int64_t>(found.size()) < wanted;
       ++attempt) {
    if (attempt % 2 == 0 && !from.empty()) {
      const Philox4 bits = philox(options_.seed, stream, counter++);
      std::uint64_t index = from[bits.word[0] % from.size()];
      const int steps = 2 + static_cast<int>(bits.word[1] % (kLongestWalk - 1));
      for (int step = 0; step < steps; ++step) {
        const int move = 2 * kHardwareAxes +
                         static_cast<int>(uniform_below(
                             static_cast<std::uint64_t>(std::max(1, moves - 2 * kHardwareAxes)),
                             options_.seed, stream, counter++));
        const std::uint64_t next = move < moves ? space.neighbour(index, move) : kNoIndex;
        if (next != kNoIndex) index = next;
      }
      consider(index);
    } else {
      for (int i = 0; i < kUniformTries; ++i) {
        const std::uint64_t index =
            hardware * space.mapping_count +
            uniform_below(space.mapping_count, options_.seed, stream, counter++);
        if (check(space.layer, space.decode(index)) != Feasibility::feasible) continue;
        consider(index);
        break;
      }
    }
  }
  return sorted(found);
}

std::vector<Promising> Proposer::predict(const StarlightModel& model, int layer,
                                         std::span<const std::uint64_t> indices) {
  std::vector<Prediction> predictions(indices.size());
  engine_.predict(model, problem_.view(layer), indices, predictions);
  std::vector<Promising> out;
  const double count = problem_.count(layer);
  for (std::size_t i = 0; i < indices.size(); ++i) {
    const Prediction& p = predictions[i];
    Promising& promising = out.emplace_back();
    promising.id = {layer, indices[i]};
    promising.median = {count * std::exp(double{p.log_latency}),
                        count * std::exp(double{p.log_energy})};
    promising.cycles_sd = promising.median.cycles * double{p.log_latency_sd};
    promising.energy_sd = promising.median.energy_pj * double{p.log_energy_sd};
    promising.optimistic = {
        promising.median.cycles * std::exp(-options_.kappa * double{p.log_latency_sd}),
        promising.median.energy_pj * std::exp(-options_.kappa * double{p.log_energy_sd})};
  }
  return out;
}

std::int64_t Proposer::refine(const StarlightModel& model, const Observations& observations,
                              std::span<const PointId> pending, std::uint64_t iteration) {
  const std::set<PointId> running(pending.begin(), pending.end());
  const std::size_t hardware = problem_.hardware().size();
  // Small spaces first, so that larger ones make up for what those do not hold.
  std::vector<int> layers(static_cast<std::size_t>(problem_.layer_count()));
  std::iota(layers.begin(), layers.end(), 0);
  std::stable_sort(layers.begin(), layers.end(), [&](int a, int b) {
    return problem_.view(a).mapping_count < problem_.view(b).mapping_count;
  });
  std::int64_t scored = 0;
  for (std::size_t done = 0; done < layers.size(); ++done) {
    const int layer = layers[done];
    const auto pairs_left = static_cast<std::int64_t>(hardware * (layers.size() - done));
    const std::int64_t wanted = (options_.candidates - scored + pairs_left - 1) / pairs_left;
    std::vector<std::vector<std::uint64_t>> found(hardware);
    parallel_for(static_cast<std::int64_t>(hardware), 1, options_.threads,
                 [&](std::int64_t begin, std::int64_t end) {
                   for (std::int64_t h = begin; h < end; ++h) {
                     const auto at = static_cast<std::size_t>(h);
                     found[at] = candidates(layer, at, observations, running, iteration, wanted);
                   }
                 });
    std::vector<std::uint64_t> indices;
    for (const auto& part : found) indices.insert(indices.end(), part.begin(), part.end());
    const std::vector<Promising> predicted = predict(model, layer, indices);
    scored += static_cast<std::int64_t>(indices.size());
    std::size_t next = 0;
    for (std::size_t h = 0; h < hardware; ++h) {
      std::vector<Promising>& elites = cell(h, layer).elites;
      elites.clear();
      for (std::size_t i = 0; i < found[h].size(); ++i, ++next) {
        Promising promising = predicted[next];
        promising.score = promising.optimistic.cycles / totals_[h].cycles +
                          promising.optimistic.energy_pj / totals_[h].energy_pj;
        if (std::isfinite(promising.score)) elites.push_back(promising);
      }
      const std::size_t keep = std::min(elites.size(), static_cast<std::size_t>(options_.elites));
      std::partial_sort(elites.begin(), elites.begin() + static_cast<std::ptrdiff_t>(keep),
                        elites.end(), by_score);
      elites.resize(keep);
    }
  }
  return scored;
}

std::vector<PointId> Proposer::choose(const StarlightModel& model, const Observations& observations,
                                      std::span<const PointId> pending, double incumbent_edp,
                                      int batch) {
  const int layers = problem_.layer_count();
  const std::size_t hardware = problem_.hardware().size();
  std::vector<std::vector<Promising>> waiting(cells_.size());
  for (int layer = 0; layer < layers; ++layer) {
    std::vector<std::uint64_t> indices;
    for (const PointId id : pending)
      if (id.layer == layer) indices.push_back(id.index);
    for (const Promising& p : predict(model, layer, indices)) {
      const int h = problem_.hardware_position(problem_.hardware_of(p.id));
      waiting[static_cast<std::size_t>(h * layers + layer)].push_back(p);
    }
  }

  std::vector<Plan> plans;
  for (std::size_t h = 0; h < hardware; ++h)
    if (auto found = plan(h, observations, waiting)) plans.push_back(std::move(*found));
  if (plans.empty()) return {};
  // Before the first whole design the best that is thought possible is what is to be beaten.
  double target_edp = incumbent_edp;
  if (!std::isfinite(target_edp))
    for (const Plan& plan : plans) target_edp = std::min(target_edp, plan.cost.edp());
  std::vector<Proposal> proposals;
  for (const Plan& plan : plans)
    if (!plan.runs.empty()) proposals.push_back(whole(plan, target_edp));
  for (const Plan& plan : plans) add_singles(plan, target_edp, proposals);
  std::stable_sort(proposals.begin(), proposals.end(), [](const Proposal& a, const Proposal& b) {
    return a.first != b.first ? a.first : a.value > b.value;
  });
  std::vector<PointId> out;
  std::set<PointId> chosen;
  for (const Proposal& proposal : proposals)
    for (const PointId id : proposal.runs) {
      if (static_cast<int>(out.size()) == batch) return out;
      if (chosen.insert(id).second) out.push_back(id);
    }
  return out;
}

std::optional<Proposer::Plan> Proposer::plan(std::size_t hardware_position,
                                             const Observations& observations,
                                             const std::vector<std::vector<Promising>>& waiting) {
  const auto layers = static_cast<std::size_t>(problem_.layer_count());
  const auto running = [&](std::size_t l) -> const std::vector<Promising>& {
    return waiting[hardware_position * layers + l];
  };
  const auto measured = [&](std::size_t l) {
    return observations.costs(static_cast<int>(hardware_position), static_cast<int>(l));
  };
  // Options of a layer in this order: measured, running, promising.
  std::vector<std::vector<LayerCost>> optimistic(layers), known(layers);
  for (std::size_t l = 0; l < layers; ++l) {
    optimistic[l].assign(measured(l).begin(), measured(l).end());
    known[l] = optimistic[l];
    for (const Promising& p : running(l)) known[l].push_back(p.median);
    for (const Promising& p : running(l)) optimistic[l].push_back(p.optimistic);
    for (const Promising& p : cell(hardware_position, static_cast<int>(l)).elites)
      optimistic[l].push_back(p.optimistic);
  }
  const Combination combination = best_combination(optimistic);
  if (combination.choice.empty()) return std::nullopt;
  totals_[hardware_position] = combination.cost;
  Plan out;
  out.hardware_position = hardware_position;
  double cycles_variance = 0.0, energy_variance = 0.0;
  for (std::size_t l = 0; l < layers; ++l) {
    std::size_t choice = combination.choice[l];
    if (choice < measured(l).size()) {
      out.median.push_back(measured(l)[choice]);
    } else {
      choice -= measured(l).size();
      const bool is_running = choice < running(l).size();
      const Promising& p =
          is_running
              ? running(l)[choice]
              : cell(hardware_position, static_cast<int>(l)).elites[choice - running(l).size()];
      if (!is_running) out.runs.push_back(p);
      out.median.push_back(p.median);
      cycles_variance += p.cycles_sd * p.cycles_sd;
      energy_variance += p.energy_sd * p.energy_sd;
    }
    out.cost.cycles += out.median.back().cycles;
    out.cost.energy_pj += out.median.back().energy_pj;
  }
  const std::vector<std::size_t> known_choice = best_combination(known).choice;
  for (std::size_t l = 0; l < known_choice.size(); ++l)
    out.known.push_back(known[l][known_choice[l]]);
  out.sd = std::sqrt(cycles_variance / (out.cost.cycles * out.cost.cycles) +
                     energy_variance / (out.cost.energy_pj * out.cost.energy_pj));
  return out;
}

Proposer::Proposal Proposer::whole(const Plan& plan, double target_edp) const {
  Proposal out{true, log_value(plan.cost, plan.sd, target_edp, plan.runs.size()), {}};
  // Where the batch cuts a plan short, the runs that say most come first.
  const NetworkCost& total = totals_[plan.hardware_position];
  std::vector<Promising> runs = plan.runs;
  std::stable_sort(runs.begin(), runs.end(), [&](const Promising& a, const Promising& b) {
    return a.cycles_sd / total.cycles + a.energy_sd / total.energy_pj >
           b.cycles_sd / total.cycles + b.energy_sd / total.energy_pj;
  });
  for (const Promising& run : runs) out.runs.push_back(run.id);
  return out;
}

void Proposer::add_singles(const Plan& plan, double target_edp, std::vector<Proposal>& out) {
  const bool is_known = !plan.known.empty();
  const std::vector<LayerCost>& layers = is_known ? plan.known : plan.median;
  NetworkCost sum;
  for (const LayerCost& layer : layers) {
    sum.cycles += layer.cycles;
    sum.energy_pj += layer.energy_pj;
  }
  for (int l = 0; l < problem_.layer_count(); ++l)
    for (const Promising& p : cell(plan.hardware_position, l).elites) {
      const LayerCost& now = layers[static_cast<std::size_t>(l)];
      const NetworkCost with{sum.cycles - now.cycles + p.median.cycles,
                             sum.energy_pj - now.energy_pj + p.median.energy_pj};
      const double sd = std::hypot(p.cycles_sd / with.cycles, p.energy_sd / with.energy_pj);
      out.push_back({is_known, log_value(with, sd, target_edp, 1), {p.id}});
    }
}

std::vector<PointId> Proposer::choose_analytically(const Observations& observations,
                                                   std::span<const PointId> pending,
                                                   std::uint64_t iteration, int batch) {
  constexpr std::int64_t kCandidatesPerCell = 64;
  const std::set<PointId> running(pending.begin(), pending.end());
  const std::size_t hardware = problem_.hardware().size();
  std::vector<std::tuple<std::size_t, double, PointId>> ranked;  // rank in its cell, EDP, point
  for (std::size_t h = 0; h < hardware; ++h)
    for (int l = 0; l < problem_.layer_count(); ++l) {
      std::vector<std::pair<double, PointId>> here;
      for (const std::uint64_t index :
           candidates(l, h, observations, running, iteration, kCandidatesPerCell))
        here.emplace_back(problem_.analytical_edp({l, index}), PointId{l, index});
      std::sort(here.begin(), here.end());
      for (std::size_t rank = 0; rank < here.size(); ++rank)
        ranked.emplace_back(rank, here[rank].first, here[rank].second);
    }
  std::sort(ranked.begin(), ranked.end());
  std::vector<PointId> out;
  for (const auto& [rank, edp, id] : ranked) {
    if (static_cast<int>(out.size()) == batch) break;
    out.push_back(id);
  }
  return out;
}

bool Proposer::exhausted() const {
  return std::all_of(cells_.begin(), cells_.end(), [](const Cell& cell) { return cell.whole; });
}

}  // namespace polaris
