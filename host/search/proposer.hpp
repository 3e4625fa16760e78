// Starlight's part of the search: scores a million mappings an iteration, and says which RTL runs
// are worth most.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <span>
#include <vector>

#include "host/engine/engine.hpp"
#include "host/search/analytical_search.hpp"
#include "host/search/observations.hpp"
#include "host/search/problem.hpp"

namespace polaris {

struct ProposerOptions {
  std::int64_t candidates = 1'000'000;  ///< scored per iteration, at least
  int elites = 6;                       ///< unmeasured mappings kept per (hardware, layer)
  double kappa = 1.0;                   ///< optimism: costs are taken at mean - kappa * sd
  std::uint64_t seed = 0;
  int threads = 0;  ///< 0: all cores
};

/// A mapping that Starlight finds promising; costs times the layer's count.
struct Promising {
  PointId id;
  LayerCost median;
  LayerCost optimistic;    ///< median * exp(-kappa * sd)
  double cycles_sd = 0.0;  ///< of median.cycles, first order
  double energy_sd = 0.0;  ///< of median.energy_pj, first order
  double score = 0.0;      ///< share of the network's cycles plus share of its energy
};

class Proposer {
 public:
  /// `start`: per hardware position and layer, mappings to begin from (none may be empty).
  Proposer(const SearchProblem& problem, Engine& engine, const ProposerOptions& options,
           const std::vector<std::vector<MappingList>>& start);

  /// Moves the promising mappings of every (hardware, layer) to the best of their neighbours,
  /// random walks from them, and uniform draws, by the model's optimistic cost. Points known to
  /// `observations` and `pending` ones are left out. Returns the number of candidates scored.
  std::int64_t refine(const StarlightModel& model, const Observations& observations,
                      std::span<const PointId> pending, std::uint64_t iteration);

  /// Up to `batch` points to run, by the expected improvement of log EDP below `incumbent_edp` per
  /// RTL run: whole sets of layers of one hardware, and single layers of hardware that has been
  /// measured in all of them. Empty only where no candidate is left. `pending` are taken as run, at
  /// the model's prediction. Deterministic.
  std::vector<PointId> choose(const StarlightModel& model, const Observations& observations,
                              std::span<const PointId> pending, double incumbent_edp, int batch);

  /// Up to `batch` points to run where there is no model yet: of every (hardware, layer) in turn
  /// the candidate of least analytical EDP, then the second, and so on.
  std::vector<PointId> choose_analytically(const Observations& observations,
                                           std::span<const PointId> pending,
                                           std::uint64_t iteration, int batch);

  /// Whether the candidates last drawn were all that the space holds.
  bool exhausted() const;

 private:
  struct Cell {
    std::vector<Promising> elites;
    bool whole = false;  ///< the elites were taken from all mappings that had not been run
  };
  /// The best that is thought possible on one hardware: measured, running and promising mappings.
  struct Plan {
    std::size_t hardware_position = 0;
    std::vector<LayerCost> median;  ///< per layer, of the mapping taken
    NetworkCost cost;               ///< sum of the medians
    double sd = 0.0;                ///< of ln EDP
    std::vector<Promising> runs;    ///< what has yet to be measured of it
    /// Per layer, of the best design of measured and running mappings; empty where there is none.
    std::vector<LayerCost> known;
  };
  /// Runs that are worth most together.
  struct Proposal {
    bool first;    ///< false: what helps no design by itself, for where nothing else is left
    double value;  ///< log of the expected improvement per run
    std::vector<PointId> runs;
  };
  Cell& cell(std::size_t hardware_position, int layer);
  std::vector<std::uint64_t> candidates(int layer, std::size_t hardware_position,
                                        const Observations& observations,
                                        const std::set<PointId>& pending, std::uint64_t iteration,
                                        std::int64_t wanted);
  std::optional<Plan> plan(std::size_t hardware_position, const Observations& observations,
                           const std::vector<std::vector<Promising>>& waiting);
  Proposal whole(const Plan& plan, double target_edp) const;
  void add_singles(const Plan& plan, double target_edp, std::vector<Proposal>& out);
  std::vector<Promising> predict(const StarlightModel& model, int layer,
                                 std::span<const std::uint64_t> indices);

  const SearchProblem& problem_;
  Engine& engine_;
  ProposerOptions options_;
  std::vector<Cell> cells_;          ///< [hardware position * layers + layer]
  std::vector<NetworkCost> totals_;  ///< [hardware position]: what scores are relative to
};

}  // namespace polaris
