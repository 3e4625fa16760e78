// Keeps all cores busy with RTL simulations: of the built-in accelerator, or of a user's own flow.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "host/rtl/rtl_types.hpp"

namespace polaris {

/// The signals of a run, cycle by cycle, for a waveform viewer.
struct RtlTrace {
  std::filesystem::path file;  ///< VCD, or FST
  bool fst = false;
  std::int64_t first_cycle = 0;  ///< cycles outside of [first, last] are left out
  std::int64_t last_cycle = std::numeric_limits<std::int64_t>::max();
};

struct RtlSchedulerOptions {
  int threads = 0;                  ///< simulations at a time; 0: default_threads()
  std::filesystem::path cache_dir;  ///< of built simulators; empty: polaris::cache_dir()
  std::filesystem::path rtl_dir;    ///< accelerator sources; empty: polaris::rtl_dir()
  bool assertions = false;          ///< simulate with the RTL's assertions on (for tests)
  std::string compiler;             ///< builds the simulators; empty: clang++, else g++
  /// Executable for an array size, instead of a built simulator; throws Failure where there is
  /// none.
  std::function<std::filesystem::path(int dim)> worker_for;
  /// Writes the waveform of each run over that of the run before: for one job on one thread.
  std::optional<RtlTrace> trace;
  /// Program and arguments that evaluate the jobs instead of the built-in accelerator, whose
  /// options above are then unused; empty: none (host/rtl/README.md states the protocol).
  std::vector<std::string> evaluator;
};

/// Runs jobs in worker processes, one per thread: a failing job costs its own result only. Jobs
/// with more expected cycles go first. Simulators are built when a job first needs their array
/// size, several at a time. A worker that dies is replaced and its job tried once more. An external
/// evaluator is one process per job instead; all else is the same.
/// All members may be called from any thread; the destructor cancels what is left.
class RtlScheduler {
 public:
  using Id = std::uint64_t;

  /// Throws Failure where the RTL sources or the cache folder are unusable or a thread cannot be
  /// started, Error where the external evaluator's program is not found.
  explicit RtlScheduler(const RtlSchedulerOptions& options = {});
  ~RtlScheduler();
  RtlScheduler(const RtlScheduler&) = delete;
  RtlScheduler& operator=(const RtlScheduler&) = delete;

  /// Queues a job; its result comes exactly once from `wait_any`. Ids count up from 0.
  Id submit(const RtlJob& job);

  /// The next finished job; waits up to `timeout_s` (negative: as long as it takes). Empty where
  /// the time is up, or at once where no job is left.
  std::optional<std::pair<Id, RtlResult>> wait_any(double timeout_s);

  /// Ends a queued or running job with status cancelled; no effect on a finished one.
  void cancel(Id id);
  void cancel_all();

  /// Jobs submitted whose results have not been fetched.
  std::int64_t outstanding() const;

  /// Hash of the RTL sources or of the external evaluator, for provenance.
  std::string rtl_hash() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace polaris
