// How long an RTL run of a search may take, and what a run that was cut short proves.
#pragma once

#include <cstdint>
#include <vector>

#include "host/search/observations.hpp"

namespace polaris {

/// Cycles that one core simulates in a second, roughly: 0.5 to 7 million were measured, by array
/// size and load. For announcements and for the limit that ends a hanging simulation; results never
/// depend on it.
inline constexpr double kSimulatedCyclesPerSecond = 2e6;

/// What a search may take for granted of its evaluator.
enum class EvaluatorKind : std::uint8_t {
  built_in,  ///< SearchProblem::lower_bound and expected_cycles describe it
  foreign    ///< a user's own flow: its cycles and energies may be of any scale
};

/// Cycles after which the first run of a point is stopped: what the point itself is expected to
/// need, with ample room for what the expectation does not know of (a slower memory system, a
/// foreign evaluator). A stopped run is no verdict: see `undecided_runs`.
std::int64_t first_cycle_limit(const SearchProblem& problem, PointId id, EvaluatorKind kind);

/// Cycles after which the next run of a point that was stopped at `limit` is stopped.
std::int64_t next_cycle_limit(double limit);

/// Cycles at which the point can no longer be part of a design below `incumbent_edp` (J * cycle),
/// whatever the other layers do: their cycles and energies are taken at their lower bounds.
/// Built-in evaluator only.
std::int64_t losing_cycles(const SearchProblem& problem, PointId id, double incumbent_edp);

/// Stopped runs that may still belong to a design below `incumbent_edp`: with their cycles at what
/// the run has proved, their energy at its lower bound (a foreign evaluator has none), and the
/// other layers of that hardware at the best of what was run; layers without a run at their lower
/// bound. In the order of PointId.
std::vector<PointId> undecided_runs(const SearchProblem& problem, const Observations& observations,
                                    double incumbent_edp, EvaluatorKind kind);

}  // namespace polaris
