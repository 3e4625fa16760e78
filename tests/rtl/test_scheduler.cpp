// The scheduler against workers that answer, die, hang, lie or do not exist.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <fstream>
#include <map>
#include <thread>

#include "host/core/error.hpp"
#include "host/rtl/scheduler.hpp"
#include "tests/rtl/fake_worker.hpp"

namespace polaris {
namespace {

using test::done;
using test::fake_worker;
using test::ScriptFolder;
using test::tiny_job;
using testing::HasSubstr;

class RtlSchedulerTest : public testing::Test {
 protected:
  /// Workers by array size; sizes without one fail to build.
  RtlSchedulerOptions options(int threads) {
    RtlSchedulerOptions out;
    out.threads = threads;
    out.cache_dir = folder_.path();
    out.rtl_dir = POLARIS_RTL_SOURCES;
    out.worker_for = [this](int dim) -> std::filesystem::path {
      const auto found = workers_.find(dim);
      if (found == workers_.end()) throw Failure("no simulator for " + std::to_string(dim));
      return found->second;
    };
    return out;
  }

  void worker(int dim, const std::string& body) {
    workers_[dim] = folder_.script("worker" + std::to_string(dim), body);
  }

  static std::map<RtlScheduler::Id, RtlResult> drain(RtlScheduler& scheduler) {
    std::map<RtlScheduler::Id, RtlResult> out;
    while (auto result = scheduler.wait_any(-1.0)) out.insert(std::move(*result));
    return out;
  }

  void wait_for_file(const char* name) {
    while (!std::filesystem::exists(folder_.path() / name))
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }

  std::string path(const char* name) { return (folder_.path() / name).string(); }

  ScriptFolder folder_;
  std::map<int, std::filesystem::path> workers_;
};

TEST_F(RtlSchedulerTest, NothingSubmittedNothingComes) {
  RtlScheduler scheduler(options(2));
  EXPECT_FALSE(scheduler.wait_any(-1.0).has_value());
  EXPECT_EQ(scheduler.outstanding(), 0);
  EXPECT_EQ(scheduler.rtl_hash().size(), 32u);
}

TEST_F(RtlSchedulerTest, RunsAllJobsAndReadsCountersInOrder) {
  worker(4, fake_worker(4, done(1, 0, 0)));
  RtlScheduler scheduler(options(3));
  for (std::uint64_t i = 0; i < 50; ++i) EXPECT_EQ(scheduler.submit(tiny_job(4)), i);
  EXPECT_EQ(scheduler.outstanding(), 50);
  const auto results = drain(scheduler);
  ASSERT_EQ(results.size(), 50u);
  for (const auto& [id, result] : results) {
    EXPECT_EQ(result.status, RtlStatus::ok) << result.reason;
    EXPECT_EQ(result.reason, "");
    EXPECT_EQ(result.cycles, 100);
    EXPECT_EQ(result.counters.mesh_rows, 101);
    EXPECT_EQ(result.counters.write_bytes, 122);
    EXPECT_GT(result.energy_pj, 0.0);
    EXPECT_DOUBLE_EQ(result.energy_pj, result.energy.total());
  }
}

TEST_F(RtlSchedulerTest, EveryKindOfAnswerHasItsStatusAndOthersGoOn) {
  worker(4, fake_worker(4, done(1, 0, 0)));
  worker(8, fake_worker(8, done(1, 0, 7)));
  worker(16, fake_worker(16, done(0, 0, 0)));
  worker(32, fake_worker(32, done(1, 3, 0)));
  RtlScheduler scheduler(options(2));
  RtlJob wrong = tiny_job(4);
  wrong.point.hardware.accumulator_words = 0;
  const RtlJob jobs[] = {tiny_job(4), tiny_job(8), tiny_job(16), tiny_job(32), tiny_job(64), wrong};
  for (const RtlJob& job : jobs) scheduler.submit(job);
  const auto results = drain(scheduler);
  EXPECT_EQ(results.at(0).status, RtlStatus::ok);
  EXPECT_EQ(results.at(1).status, RtlStatus::mismatch);
  EXPECT_EQ(results.at(1).reason, "7 of 4 outputs differ from the reference");
  EXPECT_EQ(results.at(2).status, RtlStatus::cycle_limit);
  EXPECT_EQ(results.at(2).cycles, 1'000'000'000);
  EXPECT_EQ(results.at(2).energy_pj, 0.0);
  EXPECT_EQ(results.at(3).status, RtlStatus::crashed);
  EXPECT_EQ(results.at(3).reason,
            "accelerator reports: scratchpad row beyond its capacity, accumulator row beyond its "
            "capacity");
  EXPECT_EQ(results.at(4).status, RtlStatus::build_failed);
  EXPECT_EQ(results.at(4).reason, "no simulator for 64");
  EXPECT_EQ(results.at(5).status, RtlStatus::infeasible);
  EXPECT_EQ(results.at(5).reason, "output tile exceeds the accumulator");
}

TEST_F(RtlSchedulerTest, DyingWorkerIsReplacedOnce) {
  // Dies on its first request ever; its successor finds the mark.
  worker(4, fake_worker(4, "if [ ! -e " + path("mark") + " ]; then touch " + path("mark") +
                               "; exit 3; fi\n" + done(1, 0, 0)));
  worker(8, fake_worker(8, "echo x >> " + path("attempts") + "; kill -SEGV $$"));
  RtlScheduler scheduler(options(1));
  scheduler.submit(tiny_job(4));
  scheduler.submit(tiny_job(8));
  scheduler.submit(tiny_job(4));
  const auto results = drain(scheduler);
  EXPECT_EQ(results.at(0).status, RtlStatus::ok) << results.at(0).reason;
  EXPECT_EQ(results.at(2).status, RtlStatus::ok) << results.at(2).reason;
  EXPECT_EQ(results.at(1).status, RtlStatus::crashed);
  EXPECT_EQ(results.at(1).reason, "simulation worker ended with signal 11, twice");
  EXPECT_EQ(std::filesystem::file_size(path("attempts")), 4u);
}

/// However a worker dies (16: as the kernel kills for memory), its job alone fails.
TEST_F(RtlSchedulerTest, EverySignalIsNamed) {
  worker(4, fake_worker(4, done(1, 0, 0)));
  worker(16, fake_worker(16, "kill -KILL $$"));
  worker(32, fake_worker(32, "kill -ABRT $$"));
  RtlScheduler scheduler(options(2));
  for (const int dim : {16, 4, 32, 4}) scheduler.submit(tiny_job(dim));
  const auto results = drain(scheduler);
  EXPECT_EQ(results.at(0).status, RtlStatus::crashed);
  EXPECT_EQ(results.at(0).reason, "simulation worker ended with signal 9, twice");
  EXPECT_EQ(results.at(0).cycles, 0);
  EXPECT_EQ(results.at(2).status, RtlStatus::crashed);
  EXPECT_EQ(results.at(2).reason, "simulation worker ended with signal 6, twice");
  for (const RtlScheduler::Id id : {1u, 3u}) EXPECT_EQ(results.at(id).status, RtlStatus::ok);
}

/// A worker that says why it cannot run a job is not asked again.
TEST_F(RtlSchedulerTest, RefusingWorkerIsAskedOnce) {
  worker(4, fake_worker(4, "echo x >> " + path("asked") + "; echo failed no room on the disk"));
  RtlScheduler scheduler(options(1));
  scheduler.submit(tiny_job(4));
  const auto results = drain(scheduler);
  EXPECT_EQ(results.at(0).status, RtlStatus::crashed);
  EXPECT_EQ(results.at(0).reason, "no room on the disk");
  EXPECT_EQ(std::filesystem::file_size(path("asked")), 2u);
}

TEST_F(RtlSchedulerTest, WorkersThatBreakTheProtocol) {
  worker(4, "echo hello\nsleep 60\n");
  worker(8, fake_worker(8, "echo %Error: assertion failed; sleep 60"));
  worker(16, "exit 0\n");
  workers_[32] = folder_.path() / "absent";
  RtlScheduler scheduler(options(2));
  for (const int dim : {4, 8, 16, 32}) scheduler.submit(tiny_job(dim));
  const auto results = drain(scheduler);
  for (const auto& [id, result] : results) EXPECT_EQ(result.status, RtlStatus::crashed);
  EXPECT_THAT(results.at(0).reason, HasSubstr("expected 'polaris-rtl-worker 1 4', got 'hello'"));
  EXPECT_THAT(results.at(1).reason, HasSubstr("said: %Error: assertion failed"));
  EXPECT_THAT(results.at(2).reason, HasSubstr("ended with exit code 0"));
  EXPECT_THAT(results.at(3).reason, HasSubstr("cannot start"));
}

TEST_F(RtlSchedulerTest, HangingWorkerMeetsTheTimeLimit) {
  worker(4, fake_worker(4, "sleep 600"));
  worker(8, "sleep 600\n");  // does not even greet
  worker(16, fake_worker(16, done(1, 0, 0)));
  RtlScheduler scheduler(options(1));
  for (const int dim : {4, 8, 16}) {
    RtlJob job = tiny_job(dim);
    job.time_limit_s = dim == 16 ? 600.0 : 0.2;
    scheduler.submit(job);
  }
  const auto results = drain(scheduler);
  EXPECT_EQ(results.at(0).status, RtlStatus::time_limit);
  EXPECT_GE(results.at(0).seconds, 0.2);
  EXPECT_EQ(results.at(1).status, RtlStatus::time_limit);
  EXPECT_EQ(results.at(2).status, RtlStatus::ok) << results.at(2).reason;
}

TEST_F(RtlSchedulerTest, CancelsQueuedAndRunningJobs) {
  worker(4, fake_worker(4, "touch " + path("running") + "; sleep 600"));
  worker(8, fake_worker(8, done(1, 0, 0)));
  RtlScheduler scheduler(options(1));
  const auto running = scheduler.submit(tiny_job(4));
  wait_for_file("running");
  const auto queued = scheduler.submit(tiny_job(4));
  const auto other = scheduler.submit(tiny_job(8));
  EXPECT_FALSE(scheduler.wait_any(0.01).has_value());  // time is up
  scheduler.cancel(queued);
  const auto first = scheduler.wait_any(-1.0);
  ASSERT_TRUE(first.has_value());
  EXPECT_EQ(first->first, queued);
  EXPECT_EQ(first->second.status, RtlStatus::cancelled);
  scheduler.cancel(running);
  scheduler.cancel(running);
  const auto results = drain(scheduler);
  EXPECT_EQ(results.at(running).status, RtlStatus::cancelled);
  EXPECT_EQ(results.at(other).status, RtlStatus::ok) << results.at(other).reason;
  scheduler.cancel(other);  // finished: no effect
  EXPECT_EQ(scheduler.outstanding(), 0);
}

TEST_F(RtlSchedulerTest, DestructorEndsRunningJobs) {
  worker(4, fake_worker(4, "touch " + path("running") + "; sleep 600"));
  RtlScheduler scheduler(options(2));
  for (int i = 0; i < 5; ++i) scheduler.submit(tiny_job(4));
  wait_for_file("running");
}

TEST_F(RtlSchedulerTest, LongJobsGoFirst) {
  worker(4, fake_worker(4, "while [ ! -e " + path("go") + " ]; do sleep 0.01; done\ntouch " +
                               path("running") + "\n" + done(1, 0, 0)));
  RtlScheduler scheduler(options(1));
  scheduler.submit(tiny_job(4, 8));
  std::this_thread::sleep_for(std::chrono::milliseconds(50));  // most likely it runs by now
  for (const std::int32_t macs : {100, 50, 400, 200, 400}) scheduler.submit(tiny_job(4, macs));
  std::ofstream(path("go"));
  std::vector<RtlScheduler::Id> order;
  while (const auto result = scheduler.wait_any(-1.0))
    if (result->first != 0) order.push_back(result->first);
  EXPECT_THAT(order, testing::ElementsAre(3u, 5u, 4u, 1u, 2u));
}

TEST_F(RtlSchedulerTest, MissingSourcesAreAFailure) {
  RtlSchedulerOptions without = options(1);
  without.rtl_dir = folder_.path();
  EXPECT_THROW(RtlScheduler{without}, Failure);
}

}  // namespace
}  // namespace polaris
