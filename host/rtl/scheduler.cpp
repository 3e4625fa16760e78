#include "host/rtl/scheduler.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

#include "host/core/error.hpp"
#include "host/core/parallel.hpp"
#include "host/rtl/external.hpp"
#include "host/rtl/job_runner.hpp"
#include "host/rtl/subprocess.hpp"
#include "host/rtl/verilated.hpp"
#include "models/analytical/analytical.hpp"

namespace polaris {
namespace {

std::unique_ptr<JobBackend> make_backend(const RtlSchedulerOptions& options) {
  if (!options.evaluator.empty()) return make_external_backend(options.evaluator);
  RtlModelOptions model;
  model.cache_dir = options.cache_dir;
  model.rtl_dir = options.rtl_dir;
  model.assertions = options.assertions;
  model.compiler = options.compiler;
  std::vector<std::string> arguments;
  if (const auto& trace = options.trace) {
    model.waveform = trace->fst ? RtlWaveform::fst : RtlWaveform::vcd;
    arguments = {"trace", trace->file.string(), std::to_string(trace->first_cycle),
                 std::to_string(trace->last_cycle)};
  }
  return make_verilated_backend(std::move(model), options.worker_for, std::move(arguments));
}

}  // namespace

class RtlScheduler::Impl {
 public:
  explicit Impl(const RtlSchedulerOptions& options) : backend_(make_backend(options)) {
    threads_ = start_threads(
        worker_count(options.threads), [this](int) { work(); }, [this] { stop(); });
  }

  ~Impl() {
    cancel_all();
    stop();
    threads_.clear();
  }

  Id submit(const RtlJob& job) {
    std::string reason = backend_->refusal(job);
    const std::lock_guard lock(mutex_);
    const Id id = next_id_++;
    if (!reason.empty()) {
      finish(id, failed_result(RtlStatus::infeasible, std::move(reason)));
      return id;
    }
    const int dim = job.point.hardware.dim;
    const std::int64_t expected =
        evaluate_analytical(job.layer, job.point.hardware, job.point.mapping).cycles;
    jobs_.emplace(id, Entry{job, expected, false, nullptr});
    Simulator& simulator = simulators_[dim];
    simulator.queue.insert({-expected, id});
    if (simulator.state == Simulator::State::unknown) {
      simulator.state = Simulator::State::wanted;
      to_build_.push_back(dim);
    }
    work_changed_.notify_one();
    return id;
  }

  std::optional<std::pair<Id, RtlResult>> wait_any(double timeout_s) {
    std::unique_lock lock(mutex_);
    const auto ready = [this] { return !finished_.empty() || jobs_.empty(); };
    if (timeout_s < 0.0)
      job_finished_.wait(lock, ready);
    else
      job_finished_.wait_for(lock, std::chrono::duration<double>(timeout_s), ready);
    if (finished_.empty()) return std::nullopt;
    auto out = std::move(finished_.front());
    finished_.pop_front();
    return out;
  }

  void cancel(Id id) {
    const std::lock_guard lock(mutex_);
    const auto found = jobs_.find(id);
    if (found != jobs_.end()) cancel(found);
  }

  void cancel_all() {
    const std::lock_guard lock(mutex_);
    for (auto job = jobs_.begin(); job != jobs_.end();) cancel(job++);
  }

  std::int64_t outstanding() const {
    const std::lock_guard lock(mutex_);
    return static_cast<std::int64_t>(jobs_.size() + finished_.size());
  }

  std::string rtl_hash() const { return backend_->hash(); }

 private:
  struct Entry {
    RtlJob job;
    std::int64_t expected_cycles;
    bool cancelled;
    JobRunner* runner;  ///< while it runs
  };
  using Jobs = std::map<Id, Entry>;

  /// The simulator of one array size and the jobs that wait for it, longest first.
  struct Simulator {
    enum class State { unknown, wanted, ready, failed };
    State state = State::unknown;
    StartRunner start;  ///< where ready
    std::string failure;
    std::set<std::pair<std::int64_t, Id>> queue;  ///< (-expected cycles, id)
  };

  /// Runners of one thread, by array size.
  using Runners = std::map<int, std::unique_ptr<JobRunner>>;

  void stop() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    work_changed_.notify_all();
  }

  // The functions below without a lock of their own are called with mutex_ held.

  void finish(Id id, RtlResult result) {
    jobs_.erase(id);
    finished_.emplace_back(id, std::move(result));
    job_finished_.notify_all();
  }

  void cancel(Jobs::iterator job) {
    auto& [id, entry] = *job;
    auto& queue = simulators_[entry.job.point.hardware.dim].queue;
    if (queue.erase({-entry.expected_cycles, id}) != 0) {
      finish(id, failed_result(RtlStatus::cancelled, "cancelled before it ran"));
      return;
    }
    entry.cancelled = true;  // its thread finishes it
    if (entry.runner != nullptr) entry.runner->kill();
  }

  /// The longest job whose simulator is known to work or to be broken.
  std::optional<Id> take_job() {
    Simulator* best = nullptr;
    for (auto& [dim, simulator] : simulators_) {
      if (simulator.state != Simulator::State::ready && simulator.state != Simulator::State::failed)
        continue;
      if (simulator.queue.empty()) continue;
      if (best == nullptr || *simulator.queue.begin() < *best->queue.begin()) best = &simulator;
    }
    if (best == nullptr) return std::nullopt;
    const Id id = best->queue.begin()->second;
    best->queue.erase(best->queue.begin());
    return id;
  }

  void work() {
    Runners runners;
    std::unique_lock lock(mutex_);
    while (!stopping_) {
      if (!to_build_.empty()) {  // first, so that builds overlap with simulations
        const int dim = to_build_.front();
        to_build_.pop_front();
        build(dim, lock);
      } else if (const auto id = take_job()) {
        simulate(*id, runners, lock);
      } else {
        work_changed_.wait(lock);
      }
    }
  }

  void build(int dim, std::unique_lock<std::mutex>& lock) {
    StartRunner start;
    std::string failure;
    lock.unlock();
    try {
      start = backend_->prepare(dim, [this] { return stopping_.load(); });
    } catch (const std::exception& error) {
      failure = error.what();
    }
    lock.lock();
    Simulator& simulator = simulators_[dim];
    simulator.state = failure.empty() ? Simulator::State::ready : Simulator::State::failed;
    simulator.start = std::move(start);
    simulator.failure = std::move(failure);
    work_changed_.notify_all();
  }

  void simulate(Id id, Runners& runners, std::unique_lock<std::mutex>& lock) {
    Entry& entry = jobs_.at(id);  // stays until `finish`: no one else erases a running job
    const Simulator& simulator = simulators_[entry.job.point.hardware.dim];
    if (simulator.state == Simulator::State::failed) {
      finish(id, failed_result(RtlStatus::build_failed, simulator.failure));
      return;
    }
    const StartRunner start_runner = simulator.start;
    lock.unlock();
    const double start = monotonic_seconds();
    RtlResult result = attempt_twice(id, entry, start_runner, runners);
    result.seconds = monotonic_seconds() - start;
    lock.lock();
    finish(id, std::move(result));
  }

  /// Without mutex_.
  RtlResult attempt_twice(Id id, Entry& entry, const StartRunner& start, Runners& runners) {
    constexpr int kAttempts = 2;
    std::unique_ptr<JobRunner>& runner = runners[entry.job.point.hardware.dim];
    std::string why;
    for (int attempt = 0; attempt < kAttempts; ++attempt) {
      RtlResult result;
      JobRunner::Outcome outcome = JobRunner::Outcome::died;
      try {
        if (runner == nullptr) runner = start();
        if (attach(entry, runner.get())) outcome = runner->run(id, entry.job, result, why);
      } catch (const std::exception& failure) {
        why = failure.what();
      }
      const bool cancelled = detach(entry);
      if (cancelled || outcome != JobRunner::Outcome::answered) runner.reset();
      if (outcome == JobRunner::Outcome::answered) return result;
      if (cancelled) return failed_result(RtlStatus::cancelled, "cancelled");
      if (outcome == JobRunner::Outcome::timed_out)
        return failed_result(RtlStatus::time_limit, why);
    }
    return failed_result(RtlStatus::crashed, why + ", twice");
  }

  /// Makes the runner known to `cancel`; false where the job is cancelled already.
  bool attach(Entry& entry, JobRunner* runner) {
    const std::lock_guard lock(mutex_);
    entry.runner = runner;
    return !entry.cancelled;
  }

  bool detach(Entry& entry) {
    const std::lock_guard lock(mutex_);
    entry.runner = nullptr;
    return entry.cancelled;
  }

  std::unique_ptr<JobBackend> backend_;

  mutable std::mutex mutex_;
  std::condition_variable work_changed_;  ///< jobs, builds or stopping_
  std::condition_variable job_finished_;
  std::atomic<bool> stopping_{false};
  Id next_id_ = 0;
  Jobs jobs_;  ///< queued and running
  std::map<int, Simulator> simulators_;
  std::deque<int> to_build_;
  std::deque<std::pair<Id, RtlResult>> finished_;
  std::vector<std::jthread> threads_;  ///< last: they use all of the above
};

RtlScheduler::RtlScheduler(const RtlSchedulerOptions& options)
    : impl_(std::make_unique<Impl>(options)) {}
RtlScheduler::~RtlScheduler() = default;
RtlScheduler::Id RtlScheduler::submit(const RtlJob& job) { return impl_->submit(job); }
std::optional<std::pair<RtlScheduler::Id, RtlResult>> RtlScheduler::wait_any(double timeout_s) {
  return impl_->wait_any(timeout_s);
}
void RtlScheduler::cancel(Id id) { impl_->cancel(id); }
void RtlScheduler::cancel_all() { impl_->cancel_all(); }
std::int64_t RtlScheduler::outstanding() const { return impl_->outstanding(); }
std::string RtlScheduler::rtl_hash() const { return impl_->rtl_hash(); }

}  // namespace polaris
