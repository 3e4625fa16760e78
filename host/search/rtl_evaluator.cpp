#include "host/search/rtl_evaluator.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <nlohmann/json.hpp>

#include "host/config/space_yaml.hpp"
#include "host/core/error.hpp"
#include "host/core/hash.hpp"
#include "host/core/interrupt.hpp"
#include "host/search/run_limits.hpp"
#include "models/analytical/area.hpp"

namespace polaris {
namespace {

constexpr double kPollSeconds = 0.25;  // how soon a second Ctrl-C is noticed

/// Seconds after which a simulation is taken for hanging: a machine at a fortieth of the usual rate
/// would still end in time. Results do not depend on it as long as it is not reached.
double safety_net_s(std::int64_t max_cycles) {
  constexpr double kStart = 120.0, kSlowest = kSimulatedCyclesPerSecond / 40.0;
  return kStart + static_cast<double>(max_cycles) / kSlowest;
}

/// `status` is that of `evaluation`.
Observation observation_of(const RunRequest& request, const Evaluation& evaluation,
                           RtlStatus status) {
  Observation out;
  out.id = request.id;
  if (!is_final(status)) {
    out.outcome = RunOutcome::unavailable;
  } else if (status == RtlStatus::cycle_limit ||
             (status == RtlStatus::ok && evaluation.cycles > request.max_cycles)) {
    // A longer run in the store must not tell more than this one would have.
    out.outcome = RunOutcome::stopped;
    out.cycles = static_cast<double>(request.max_cycles);
  } else if (status == RtlStatus::ok) {
    out.outcome = RunOutcome::measured;
    out.cycles = static_cast<double>(evaluation.cycles);
    out.energy_pj = evaluation.energy_pj;
  }
  return out;
}

std::string counters_json(const RtlResult& result) {
  if (result.named_counters) return nlohmann::json(*result.named_counters).dump();
  nlohmann::json out;
  for (const auto& [name, member] : kRtlCounterFields) out[name] = result.counters.*member;
  out["energy_pj"] = {{"mac", result.energy.mac},
                      {"registers", result.energy.reg},
                      {"accumulator", result.energy.accumulator},
                      {"scratchpad", result.energy.scratchpad},
                      {"dram", result.energy.dram}};
  return out.dump();
}

}  // namespace

RtlEvaluator::RtlEvaluator(const SearchProblem& problem, RtlScheduler& scheduler, Store& store,
                           std::int64_t run, double time_limit_s)
    : problem_(problem),
      scheduler_(scheduler),
      store_(store),
      run_(run),
      time_limit_s_(time_limit_s) {}

/// `condition` is what the result depends on besides the point and the accelerator.
std::string RtlEvaluator::evaluator_hash(const std::string& condition) const {
  return content_hash(scheduler_.rtl_hash() + "\n" + memory_hash(problem_.space().memory) + "\n" +
                      condition);
}

/// Where a result is kept: a finished measurement under no condition, another final result under
/// its limit, and what the machine failed at once for each run, for the report alone.
std::string RtlEvaluator::condition(RtlStatus status, std::int64_t max_cycles) const {
  if (status == RtlStatus::ok) return "";
  if (is_final(status)) return fmt::format("at most {} cycles", max_cycles);
  return fmt::format("no result in run {}", run_);
}

/// A status that the store may hold, with the measurements that belong to it.
RtlStatus RtlEvaluator::checked_status(const Evaluation& evaluation) const {
  const auto status = parse_rtl_status(evaluation.status);
  if (!status)
    throw Error::expected("the status of an RTL run", "another text",
                          store_.name_of(evaluation) + ", status");
  if (status == RtlStatus::ok && (evaluation.cycles == 0 || evaluation.energy_pj == 0.0))
    throw Error::expected("cycles and energy above 0 with status ok", "0",
                          store_.name_of(evaluation));
  return *status;
}

/// A final result that this request would give again.
std::optional<Evaluation> RtlEvaluator::remembered(const RunRequest& request) {
  const Layer& layer = problem_.layer(request.id.layer);
  const DesignPoint point = problem_.point(request.id);
  // Earlier versions kept the failures of the machine under the last of these, too.
  const std::string conditions[] = {condition(RtlStatus::ok, request.max_cycles),
                                    condition(RtlStatus::cycle_limit, request.max_cycles),
                                    fmt::format("{} cycles", request.max_cycles)};
  for (const std::string& limit : conditions) {
    auto found = store_.find_evaluation(layer, point, Fidelity::rtl, evaluator_hash(limit));
    if (found && is_final(checked_status(*found))) return found;
  }
  return std::nullopt;
}

Evaluation RtlEvaluator::evaluation_of(const RunRequest& request, const RtlResult& result) const {
  Evaluation out;
  out.layer = problem_.layer(request.id.layer);
  out.point = problem_.point(request.id);
  out.fidelity = Fidelity::rtl;
  out.evaluator_hash = evaluator_hash(condition(result.status, request.max_cycles));
  out.status = to_string(result.status);
  out.reason = result.reason;
  out.cycles = result.cycles;
  out.energy_pj = result.energy_pj;
  out.area_mm2 = area_mm2(out.point.hardware);
  out.counters = counters_json(result);
  out.seconds = result.seconds;
  out.rtl_hash = scheduler_.rtl_hash();
  out.memory_hash = memory_hash(problem_.space().memory);
  return out;
}

void RtlEvaluator::note_failure(const RtlResult& result) {
  ++unavailable_;
  if (first_failure_.empty()) first_failure_ = result.reason;
  if (warned_.insert(result.status).second)
    spdlog::warn("RTL run failed for a reason of the machine, {}: {} (further ones are counted)",
                 to_string(result.status), result.reason);
}

void RtlEvaluator::submit(std::span<const RunRequest> batch) {
  batch_.clear();
  std::vector<std::int64_t> found;
  for (const RunRequest& request : batch) {
    Slot& slot = batch_.emplace_back(Slot{request, std::nullopt});
    if (const auto evaluation = remembered(request)) {
      slot.outcome = observation_of(request, *evaluation, checked_status(*evaluation));
      found.push_back(evaluation->id);
    }
  }
  store_.reuse_evaluations(run_, found);
  reused_ += static_cast<std::int64_t>(found.size());
  for (std::size_t i = 0; i < batch_.size(); ++i) {
    if (batch_[i].outcome) continue;
    const RunRequest& request = batch_[i].request;
    RtlJob job;
    job.layer = problem_.layer(request.id.layer);
    job.point = problem_.point(request.id);
    job.memory = problem_.space().memory;
    job.max_cycles = request.max_cycles;
    job.time_limit_s = time_limit_s_ > 0.0 ? time_limit_s_ : safety_net_s(request.max_cycles);
    running_[scheduler_.submit(job)] = i;
  }
}

/// Takes all results that are there, or waits a while for one, and keeps them in one transaction:
/// the time of a disk to write does not bound the runs per second.
void RtlEvaluator::collect() {
  std::vector<Evaluation> evaluations;
  for (auto done = scheduler_.wait_any(kPollSeconds); done; done = scheduler_.wait_any(0.0)) {
    const auto at = running_.find(done->first);
    if (at == running_.end()) continue;
    Slot& slot = batch_[at->second];
    running_.erase(at);
    const RtlResult& result = done->second;
    if (result.status == RtlStatus::cancelled) continue;
    const Evaluation& evaluation = evaluations.emplace_back(evaluation_of(slot.request, result));
    slot.outcome = observation_of(slot.request, evaluation, result.status);
    if (is_final(result.status))
      ++simulated_;
    else
      note_failure(result);
  }
  if (!evaluations.empty()) store_.record_evaluations(run_, evaluations);
}

std::vector<Observation> RtlEvaluator::wait() {
  while (!running_.empty()) {
    if (abandoned()) {
      scheduler_.cancel_all();
      running_.clear();
      break;
    }
    collect();
  }
  std::vector<Observation> out;
  for (const Slot& slot : batch_)
    if (slot.outcome) out.push_back(*slot.outcome);
  batch_.clear();
  return out;
}

}  // namespace polaris
