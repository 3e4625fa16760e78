// The seam between the scheduler and what runs its jobs: simulators of the built-in accelerator
// (verilated.hpp) or a user's own command (external.hpp).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "host/rtl/rtl_types.hpp"

namespace polaris {

/// Runs jobs of one array size, one at a time.
class JobRunner {
 public:
  enum class Outcome {
    answered,   ///< the result is final, whatever its status
    timed_out,  ///< the job's time limit has passed
    died        ///< worth another attempt with a new runner
  };

  virtual ~JobRunner() = default;

  /// Runs one job; `id` is the scheduler's. `why` says in one line what went wrong unless answered;
  /// then the runner is of no further use. Throws Failure where it cannot be started.
  virtual Outcome run(std::uint64_t id, const RtlJob& job, RtlResult& result, std::string& why) = 0;

  /// Any thread may call it: the running `run` returns soon, a later one at once. The runner is of
  /// no further use.
  virtual void kill() noexcept = 0;
};

/// Makes a runner; throws Failure where it cannot be started. Any thread may call it.
using StartRunner = std::function<std::unique_ptr<JobRunner>()>;

/// What jobs run on. All members may be called from several threads at once.
class JobBackend {
 public:
  virtual ~JobBackend() = default;

  /// What a result depends on besides its job.
  virtual std::string hash() const = 0;

  /// Why no runner can do the job, in one line; empty if one can.
  virtual std::string refusal(const RtlJob& job) const = 0;

  /// Does once what all runners for `dim` need (a build); throws Failure where that fails or
  /// `cancelled` turns true.
  virtual StartRunner prepare(int dim, const std::function<bool()>& cancelled) const = 0;
};

}  // namespace polaris
