#include "host/search/rtl_evaluator.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "host/config/space_yaml.hpp"
#include "host/core/hash.hpp"
#include "host/core/interrupt.hpp"
#include "models/analytical/area.hpp"

namespace polaris {
namespace {

constexpr double kPollSeconds = 0.25;  // how soon a second Ctrl-C is noticed

Observation observation_of(const RunRequest& request, const Evaluation& evaluation) {
  Observation out;
  out.id = request.id;
  if (evaluation.status == to_string(RtlStatus::cycle_limit)) {
    out.outcome = RunOutcome::stopped;
    out.cycles = static_cast<double>(evaluation.cycles);
  } else if (evaluation.status == to_string(RtlStatus::ok)) {
    // A longer run in the store must not tell more than this one would have.
    out.outcome =
        evaluation.cycles > request.max_cycles ? RunOutcome::stopped : RunOutcome::measured;
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

/// `limit` names what cut a run off; a finished measurement does not depend on it.
std::string RtlEvaluator::evaluator_hash(const std::string& limit) const {
  return content_hash(scheduler_.rtl_hash() + "\n" + memory_hash(problem_.space().memory) + "\n" +
                      limit);
}

std::optional<Observation> RtlEvaluator::remembered(const RunRequest& request) {
  const Layer& layer = problem_.layer(request.id.layer);
  const DesignPoint point = problem_.point(request.id);
  for (const std::string& limit : {std::string(), fmt::format("{} cycles", request.max_cycles)}) {
    const auto found = store_.find_evaluation(layer, point, Fidelity::rtl, evaluator_hash(limit));
    if (!found) continue;
    store_.reuse_evaluation(run_, found->id);
    return observation_of(request, *found);
  }
  return std::nullopt;
}

Observation RtlEvaluator::record(const RunRequest& request, const RtlResult& result) {
  Evaluation evaluation;
  evaluation.layer = problem_.layer(request.id.layer);
  evaluation.point = problem_.point(request.id);
  evaluation.fidelity = Fidelity::rtl;
  evaluation.evaluator_hash = evaluator_hash(
      result.status == RtlStatus::ok ? "" : fmt::format("{} cycles", request.max_cycles));
  evaluation.status = to_string(result.status);
  evaluation.reason = result.reason;
  evaluation.cycles = result.cycles;
  evaluation.energy_pj = result.energy_pj;
  evaluation.area_mm2 = area_mm2(evaluation.point.hardware);
  evaluation.counters = counters_json(result);
  evaluation.seconds = result.seconds;
  evaluation.rtl_hash = scheduler_.rtl_hash();
  evaluation.memory_hash = memory_hash(problem_.space().memory);
  store_.record_evaluation(run_, evaluation);
  return observation_of(request, evaluation);
}

void RtlEvaluator::submit(std::span<const RunRequest> batch) {
  batch_.clear();
  for (const RunRequest& request : batch) {
    Slot& slot = batch_.emplace_back(Slot{request, remembered(request)});
    if (slot.outcome) {
      ++reused_;
      continue;
    }
    RtlJob job;
    job.layer = problem_.layer(request.id.layer);
    job.point = problem_.point(request.id);
    job.memory = problem_.space().memory;
    job.max_cycles = request.max_cycles;
    job.time_limit_s = time_limit_s_;
    running_[scheduler_.submit(job)] = batch_.size() - 1;
  }
}

std::vector<Observation> RtlEvaluator::wait() {
  while (!running_.empty()) {
    if (abandoned()) {
      scheduler_.cancel_all();
      running_.clear();
      break;
    }
    const auto done = scheduler_.wait_any(kPollSeconds);
    if (!done) continue;
    const auto at = running_.find(done->first);
    if (at == running_.end()) continue;
    Slot& slot = batch_[at->second];
    running_.erase(at);
    if (done->second.status == RtlStatus::cancelled) continue;
    slot.outcome = record(slot.request, done->second);
    ++simulated_;
  }
  std::vector<Observation> out;
  for (const Slot& slot : batch_)
    if (slot.outcome) out.push_back(*slot.outcome);
  batch_.clear();
  return out;
}

}  // namespace polaris
