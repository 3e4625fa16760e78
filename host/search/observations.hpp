// What the RTL has said so far.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <span>
#include <vector>

#include "host/search/problem.hpp"

namespace polaris {

enum class RunOutcome : std::uint8_t {
  measured,
  stopped,     ///< at its cycle limit: a lower bound, never a measurement
  failed,      ///< the point itself cannot be run, or gives wrong outputs
  unavailable  ///< the machine failed (RtlStatus not final): nothing is known about the point
};

/// One RTL run of a search.
struct Observation {
  PointId id;
  RunOutcome outcome = RunOutcome::failed;
  double cycles = 0.0;     ///< of one execution of the layer: measured; stopped: a lower bound
  double energy_pj = 0.0;  ///< of one execution of the layer; set where measured
};

/// Whether there are observations and all of them were lost to failures of the machine.
bool all_unavailable(std::span<const Observation> observations);

class Observations {
 public:
  explicit Observations(const SearchProblem& problem);

  void add(const Observation& observation);

  /// Run before, with whatever outcome.
  bool known(PointId id) const { return known_.contains(id); }

  /// Runs recorded, with whatever outcome.
  std::size_t size() const { return all_.size(); }
  const std::vector<Observation>& all() const { return all_; }

  /// Runs that were stopped and have not been measured since, with the cycles of one execution of
  /// the layer that they have proved to be too few.
  const std::map<PointId, double>& stopped() const { return stopped_; }

  /// Measured mappings of one layer on one hardware, in order of arrival.
  std::span<const PointId> points(int hardware_position, int layer) const;
  std::span<const LayerCost> costs(int hardware_position, int layer) const;

  /// Least network EDP over all hardware measured in every layer; none before the first such.
  std::optional<Design> best() const;

 private:
  struct Cell {
    std::vector<PointId> points;
    std::vector<LayerCost> costs;
  };
  const Cell& cell(int hardware_position, int layer) const;

  const SearchProblem& problem_;
  std::vector<Observation> all_;
  std::set<PointId> known_;
  std::map<PointId, double> stopped_;
  std::vector<Cell> cells_;  ///< [hardware position * layers + layer]
};

}  // namespace polaris
