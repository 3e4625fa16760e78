// Where a search gets its RTL measurements from.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "host/search/observations.hpp"

namespace polaris {

struct RunRequest {
  PointId id;
  std::int64_t max_cycles = 0;  ///< the run is stopped beyond it
};

/// Runs batches of points in the background; one batch at a time.
class Evaluator {
 public:
  virtual ~Evaluator() = default;

  /// Starts the runs and returns. Precondition: no batch is running.
  virtual void submit(std::span<const RunRequest> batch) = 0;

  /// Waits for the batch; outcomes in the order of the requests, whatever order they ended in.
  /// Runs given up on after a second interrupt are left out.
  virtual std::vector<Observation> wait() = 0;
};

}  // namespace polaris
