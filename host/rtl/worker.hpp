// One simulator process and the line protocol it speaks (rtl/harness/worker.cpp).
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "host/rtl/job_runner.hpp"
#include "host/rtl/program.hpp"
#include "host/rtl/rtl_types.hpp"
#include "host/rtl/subprocess.hpp"

namespace polaris {

/// What a worker answers.
struct WorkerAnswer {
  bool finished = false;        ///< else the cycle limit was reached
  std::uint32_t errors = 0;     ///< error output of the accelerator
  std::int64_t mismatches = 0;  ///< output bytes unlike the reference
  RtlCounters counters;
  std::string refusal;  ///< why the worker did not run the job; the rest is unset unless empty
};

/// Reads a line of the protocol: "failed REASON", or "done" and the numbers of WorkerAnswer, none
/// negative; nothing where the line is another.
std::optional<WorkerAnswer> parse_worker_answer(std::string_view line);

class RtlWorker {
 public:
  using Outcome = JobRunner::Outcome;

  /// Starts a process for arrays of `dim`; throws Failure where it cannot be started.
  RtlWorker(const std::filesystem::path& executable, int dim,
            const std::vector<std::string>& arguments = {});

  /// Runs one job with `program`'s registers. `why` says in one line what went wrong unless
  /// answered; then the worker is of no further use.
  Outcome run(const RtlJob& job, const RtlProgram& program, WorkerAnswer& answer, std::string& why);

  /// Ends the process; a `run` in another thread returns `died`.
  void kill() noexcept { process_.kill(); }

 private:
  bool expect_line(std::string& line, double deadline_s, Outcome& outcome, std::string& why);

  Subprocess process_;
  int dim_;
  bool greeted_ = false;
};

}  // namespace polaris
