// Jobs end to end through the fast build, as the search uses it.
#include <gtest/gtest.h>

#include <map>

#include "host/rtl/scheduler.hpp"
#include "models/analytical/analytical.hpp"
#include "tests/rtl/random_jobs.hpp"
#include "tests/rtl/simulation.hpp"

namespace polaris {
namespace {

RtlSchedulerOptions fast_simulation(int threads) {
  RtlSchedulerOptions options = test::simulation();
  options.threads = threads;
  return options;
}

std::map<RtlScheduler::Id, RtlResult> run_all(const std::vector<RtlJob>& jobs, int threads) {
  RtlScheduler scheduler(fast_simulation(threads));
  for (const RtlJob& job : jobs) scheduler.submit(job);
  std::map<RtlScheduler::Id, RtlResult> out;
  while (auto result = scheduler.wait_any(-1.0)) out.insert(std::move(*result));
  return out;
}

TEST(RtlSimulation, ResultsDoNotDependOnThreadsOrOnEarlierJobs) {
  test::JobGenerator generator(99);
  std::vector<RtlJob> jobs;
  for (int i = 0; i < 30; ++i) jobs.push_back(generator.job(16));
  const auto one = run_all(jobs, 1);
  const auto four = run_all(jobs, 4);
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    ASSERT_EQ(one.at(i).status, RtlStatus::ok) << one.at(i).reason;
    EXPECT_EQ(one.at(i).counters, four.at(i).counters) << i;
    EXPECT_EQ(one.at(i).energy_pj, four.at(i).energy_pj) << i;
  }
}

/// 3x3 convolution, 16 x 16 array, weights reused for 28 rows: compute-bound.
RtlJob convolution() {
  RtlJob job;
  job.layer = Layer{{3, 3, 28, 14, 64, 64, 1}};
  Mapping& m = job.point.mapping;
  const auto set = [&m](Level level, Dim dim, std::int32_t bound) {
    m.temporal[index_of(level)][index_of(dim)] = bound;
  };
  set(Level::dram, Dim::P, 2);
  set(Level::dram, Dim::K, 2);
  set(Level::accumulator, Dim::K, 2);
  set(Level::accumulator, Dim::C, 4);
  set(Level::accumulator, Dim::R, 3);
  set(Level::accumulator, Dim::S, 3);
  set(Level::accumulator, Dim::Q, 14);
  set(Level::registers, Dim::P, 14);
  m.spatial_c = m.spatial_k = 16;
  job.point.hardware = {16, 1024, 256 * 1024, 8};
  return job;
}

TEST(RtlSimulation, ComputeBoundLayerIsCloseToTheAnalyticalModel) {
  const RtlJob job = convolution();
  const RtlResult result = run_all({job}, 1).at(0);
  ASSERT_EQ(result.status, RtlStatus::ok) << result.reason;
  const AnalyticalResult model =
      evaluate_analytical(job.layer, job.point.hardware, job.point.mapping);
  EXPECT_GT(result.cycles, model.cycles);
  EXPECT_LT(static_cast<double>(result.cycles), 1.3 * static_cast<double>(model.cycles));
  EXPECT_DOUBLE_EQ(result.energy.mac, model.energy_mac);
  EXPECT_DOUBLE_EQ(result.energy.reg, model.energy_reg);
  EXPECT_NEAR(result.energy_pj / model.energy_pj, 1.0, 0.15);
}

TEST(RtlSimulation, SlowerMemoriesCostCycles) {
  const RtlJob base = convolution();
  std::vector<RtlJob> jobs(7, base);
  jobs[1].point.hardware.bus_bytes = 1;
  jobs[2].memory.latency = 2000;
  jobs[3].memory.max_outstanding = 1;
  jobs[4].memory.burst_bytes = 1;
  jobs[5].memory.page_miss = 500;
  jobs[6].memory.scratchpad_banks = 1;
  const auto results = run_all(jobs, 2);
  for (std::size_t i = 1; i < jobs.size(); ++i)
    EXPECT_GT(results.at(i).cycles, results.at(0).cycles) << i;
}

TEST(RtlSimulation, CycleLimitIsALowerBound) {
  RtlJob job = convolution();
  job.max_cycles = 1000;
  const RtlResult result = run_all({job}, 1).at(0);
  EXPECT_EQ(result.status, RtlStatus::cycle_limit);
  EXPECT_EQ(result.cycles, 1000);
  EXPECT_GT(result.counters.input_beats, 0);
  EXPECT_EQ(result.energy_pj, 0.0);
}

}  // namespace
}  // namespace polaris
