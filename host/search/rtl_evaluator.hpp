// The evaluator of real searches: RTL simulations, remembered in a store.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "host/rtl/scheduler.hpp"
#include "host/search/evaluator.hpp"
#include "host/store/store.hpp"

namespace polaris {

/// Every run ends in the store, with its reason where it failed, before `wait` hands it on; a point
/// whose run is there already is not simulated again. A search that is run again after a kill
/// therefore repeats its decisions and none of its simulations.
class RtlEvaluator : public Evaluator {
 public:
  RtlEvaluator(const SearchProblem& problem, RtlScheduler& scheduler, Store& store,
               std::int64_t run, double time_limit_s);

  void submit(std::span<const RunRequest> batch) override;
  std::vector<Observation> wait() override;

  std::int64_t simulated() const { return simulated_; }
  std::int64_t reused() const { return reused_; }

 private:
  struct Slot {
    RunRequest request;
    std::optional<Observation> outcome;
  };

  std::string evaluator_hash(const std::string& limit) const;
  std::optional<Observation> remembered(const RunRequest& request);
  Observation record(const RunRequest& request, const RtlResult& result);

  const SearchProblem& problem_;
  RtlScheduler& scheduler_;
  Store& store_;
  std::int64_t run_;
  double time_limit_s_;
  std::vector<Slot> batch_;
  std::map<std::uint64_t, std::size_t> running_;  ///< scheduler id -> position in batch_
  std::int64_t simulated_ = 0;
  std::int64_t reused_ = 0;
};

}  // namespace polaris
