// The one way host code spreads a loop over cores.
#include <gtest/gtest.h>

#include <atomic>
#include <set>
#include <stdexcept>
#include <utility>
#include <vector>

#include "host/core/error.hpp"
#include "host/core/parallel.hpp"
#include "tests/limited_process.hpp"

namespace polaris {
namespace {

using Chunk = std::pair<std::int64_t, std::int64_t>;

TEST(ParallelForWorkers, EveryItemOnceInChunksThatDoNotDependOnThreads) {
  for (const std::int64_t count : {0, 1, 7, 8, 9, 1000})
    for (const std::int64_t grain : {0, 1, 8, 2000}) {
      const std::int64_t length = grain > 0 ? grain : 1;
      for (const int threads : {1, 2, 5}) {
        std::vector<std::atomic<int>> visits(static_cast<std::size_t>(count));
        std::atomic<bool> wrong = false;
        parallel_for_workers(count, grain, threads, [&](int, std::int64_t begin, std::int64_t end) {
          if (begin % length != 0 || end != std::min(count, begin + length)) wrong = true;
          for (std::int64_t i = begin; i < end; ++i) ++visits[static_cast<std::size_t>(i)];
        });
        EXPECT_FALSE(wrong);
        for (const std::atomic<int>& n : visits) ASSERT_EQ(n, 1);
      }
    }
}

/// A body may keep data per worker: no two calls of one number overlap, and all are in bounds.
TEST(ParallelForWorkers, AWorkersCallsDoNotOverlap) {
  constexpr int kThreads = 4;
  std::atomic<int> inside[kThreads] = {};
  std::atomic<bool> wrong = false;
  std::int64_t items[kThreads] = {};  // not atomic: each belongs to one worker
  parallel_for_workers(20000, 3, kThreads, [&](int worker, std::int64_t begin, std::int64_t end) {
    if (worker < 0 || worker >= kThreads) {
      wrong = true;
      return;
    }
    if (inside[worker]++ != 0) wrong = true;
    items[worker] += end - begin;
    --inside[worker];
  });
  EXPECT_FALSE(wrong);
  EXPECT_EQ(items[0] + items[1] + items[2] + items[3], 20000);
}

TEST(ParallelForWorkers, TheCallerIsWorkerZeroAndAloneWhereOneChunkIsAll) {
  std::set<int> workers;
  parallel_for_workers(100, 100, 8,
                       [&](int worker, std::int64_t, std::int64_t) { workers.insert(worker); });
  EXPECT_EQ(workers, std::set<int>{0});
  EXPECT_EQ(worker_count(3), 3);
  EXPECT_EQ(worker_count(0), default_threads());
  EXPECT_GE(default_threads(), 1);
}

TEST(ParallelForWorkers, AnExceptionStopsTheLoopAndReachesTheCaller) {
  for (const int threads : {1, 3}) {
    std::atomic<std::int64_t> chunks = 0;
    EXPECT_THROW(parallel_for_workers(1'000'000, 1, threads,
                                      [&](int, std::int64_t begin, std::int64_t) {
                                        ++chunks;
                                        if (begin == 10) throw std::runtime_error("ten");
                                      }),
                 std::runtime_error);
    EXPECT_LT(chunks, 1'000'000);
    EXPECT_GE(chunks, 11);
  }
}

/// Message of the Failure of `body`, in a process that cannot start threads.
std::string failure_without_threads(const std::function<void()>& body) {
  return said_by_nobody([&]() -> std::string {
    forbid_threads();
    try {
      body();
    } catch (const Failure& failure) {
      return failure.what();
    }
    return "no failure";
  });
}

TEST(ParallelForWorkers, AThreadThatCannotStartIsAFailure) {
  EXPECT_EQ(failure_without_threads([] { parallel_for(100, 1, 8, [](auto, auto) {}); }),
            "could not start thread 1 of 7: Resource temporarily unavailable");
}

TEST(StartThreads, EachRunsItsOwnBody) {
  std::atomic<int> sum = 0;
  auto threads = start_threads(
      4, [&](int index) { sum += 1 << (8 * index); }, [] {});
  threads.clear();
  EXPECT_EQ(sum, 0x01010101);
}

TEST(StartThreads, StopsAndJoinsWhatRunsWhereOneCannotStart) {
  EXPECT_EQ(failure_without_threads([] {
              bool stopped = false;
              try {
                start_threads(
                    3, [](int) {}, [&] { stopped = true; });
              } catch (const Failure& failure) {
                throw Failure(failure.what() + std::string(stopped ? ", stopped" : ""));
              }
            }),
            "could not start thread 1 of 3: Resource temporarily unavailable, stopped");
}

}  // namespace
}  // namespace polaris
