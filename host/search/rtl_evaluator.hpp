// The evaluator of real searches: RTL simulations, remembered in a store.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "host/rtl/scheduler.hpp"
#include "host/search/evaluator.hpp"
#include "host/store/store.hpp"

namespace polaris {

/// Every run ends in the store, with its reason where it failed, before `wait` hands it on; a point
/// whose run is there already is not simulated again. A search that is run again after a kill
/// therefore repeats its decisions and none of its simulations. What the machine failed at (outcome
/// unavailable) is kept for the report only: the next run, or the same one resumed, asks again.
/// `wait` warns of each kind of such failures once.
class RtlEvaluator : public Evaluator {
 public:
  /// `time_limit_s`: of one run; 0: one that only a hanging simulation can reach.
  RtlEvaluator(const SearchProblem& problem, RtlScheduler& scheduler, Store& store,
               std::int64_t run, double time_limit_s);

  void submit(std::span<const RunRequest> batch) override;
  std::vector<Observation> wait() override;

  std::int64_t simulated() const { return simulated_; }  ///< runs with a final result
  std::int64_t reused() const { return reused_; }        ///< taken from the store
  /// Runs that the machine failed at, and the first one's reason, "" where there is none.
  std::int64_t unavailable() const { return unavailable_; }
  const std::string& first_failure() const { return first_failure_; }

 private:
  struct Slot {
    RunRequest request;
    std::optional<Observation> outcome;
  };

  std::string evaluator_hash(const std::string& condition) const;
  std::string condition(RtlStatus status, std::int64_t max_cycles) const;
  RtlStatus checked_status(const Evaluation& evaluation) const;
  std::optional<Evaluation> remembered(const RunRequest& request);
  Evaluation evaluation_of(const RunRequest& request, const RtlResult& result) const;
  void note_failure(const RtlResult& result);
  void collect();

  const SearchProblem& problem_;
  RtlScheduler& scheduler_;
  Store& store_;
  std::int64_t run_;
  double time_limit_s_;
  std::vector<Slot> batch_;
  std::map<std::uint64_t, std::size_t> running_;  ///< scheduler id -> position in batch_
  std::int64_t simulated_ = 0;
  std::int64_t reused_ = 0;
  std::int64_t unavailable_ = 0;
  std::string first_failure_;
  std::set<RtlStatus> warned_;
};

}  // namespace polaris
