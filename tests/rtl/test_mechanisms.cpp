// What is left of the machine without some of its mechanisms: results stay bit-exact, cycles move
// the way they must, and in serial mode they are those of SCALE-Sim.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>

#include "host/rtl/program.hpp"
#include "host/rtl/register_map.hpp"
#include "host/rtl/scheduler.hpp"
#include "models/analytical/access_counts.hpp"
#include "tests/rtl/random_jobs.hpp"
#include "tests/rtl/simulation.hpp"

namespace polaris {
namespace {

std::vector<RtlResult> run_all(const std::vector<RtlJob>& jobs, bool assertions) {
  RtlScheduler scheduler(assertions ? test::checked_simulation() : test::simulation());
  for (const RtlJob& job : jobs) scheduler.submit(job);
  std::vector<RtlResult> out(jobs.size());
  while (auto result = scheduler.wait_any(-1.0)) out[result->first] = std::move(result->second);
  return out;
}

std::string missing(const RtlMechanisms& mechanisms) {
  std::string text = "without";
  for (const auto& [name, member] : kRtlMechanismFields)
    if (!(mechanisms.*member)) text += std::string(" ") + name;
  return text;
}

std::uint32_t switches_of(const RtlJob& job) {
  for (const RegisterWrite& write : program_accelerator(job).registers)
    if (write.address == rtl::kRegSwitches) return write.value;
  return ~0u;
}

class RtlAnySetting : public testing::TestWithParam<std::pair<std::int32_t, int>> {};

TEST_P(RtlAnySetting, IsBitExactWithTheSameCyclesAndCounters) {
  const auto [dim, count] = GetParam();
  test::JobGenerator generator(100 + static_cast<std::uint64_t>(dim));
  std::vector<RtlJob> jobs;  // every second without data
  for (int i = 0; i < count; ++i) {
    jobs.push_back(generator.job(dim));
    for (const auto& [name, member] : kRtlMechanismFields)
      jobs.back().mechanisms.*member = generator.chance(2);
    jobs.push_back(jobs.back());
    jobs.back().functional = false;
  }
  const std::vector<RtlResult> results = run_all(jobs, true);
  for (std::size_t i = 0; i < jobs.size(); i += 2) {
    SCOPED_TRACE(
        fmt::format("dim {}, seed {}, {}", dim, jobs[i].data_seed, missing(jobs[i].mechanisms)));
    ASSERT_EQ(results[i].status, RtlStatus::ok) << results[i].reason;
    ASSERT_EQ(results[i + 1].status, RtlStatus::ok) << results[i + 1].reason;
    EXPECT_EQ(results[i].counters, results[i + 1].counters);
    // What no mechanism may change: the work.
    const Mapping& m = jobs[i].point.mapping;
    const AccessCounts want = access_counts(jobs[i].layer, m, tile_footprint(jobs[i].layer, m));
    EXPECT_EQ(results[i].counters.mesh_rows, want.compute_cycles);
    EXPECT_EQ(results[i].counters.weight_rows, want.register_fills * m.spatial_c);
    EXPECT_EQ(results[i].counters.store_row_reads, want.accumulator_fills);
  }
}

INSTANTIATE_TEST_SUITE_P(Dims, RtlAnySetting,
                         testing::Values(std::pair{4, 80}, std::pair{8, 60}, std::pair{16, 80},
                                         std::pair{32, 30}, std::pair{64, 20}),
                         [](const auto& test) { return fmt::format("Dim{}", test.param.first); });

/// On the geometric mean over random jobs, a cost that is gone saves cycles and an overlap that is
/// gone costs some. (Single jobs may go the other way: units that wait less meet others elsewhere.)
TEST(RtlMechanismSwitch, EachMovesTheCyclesItsWay) {
  constexpr int kJobs = 60;
  constexpr std::int64_t kMostMacs = 1 << 16;  // large ones are slow and no better
  test::JobGenerator generator(7);
  std::vector<RtlJob> jobs;
  for (int i = 0; i < kJobs; ++i) {
    RtlJob job = generator.job(8);
    while (job.layer.macs() > kMostMacs) job = generator.job(8);
    job.functional = false;
    jobs.push_back(job);
    for (const auto& [name, member] : kRtlMechanismFields) {
      jobs.push_back(job);
      jobs.back().mechanisms.*member = false;
    }
  }
  const std::vector<RtlResult> results = run_all(jobs, false);
  constexpr std::size_t kSettings = kRtlMechanismFields.size() + 1;
  std::array<double, kSettings> total = {};
  for (std::size_t i = 0; i < results.size(); ++i)
    total[i % kSettings] += std::log(static_cast<double>(results[i].cycles));
  for (std::size_t i = 1; i < kSettings; ++i) {
    const auto& [name, member] = kRtlMechanismFields[i - 1];
    const bool overlap = member == &RtlMechanisms::double_buffering ||
                         member == &RtlMechanisms::pass_overlap ||
                         member == &RtlMechanisms::step_overlap;
    EXPECT_TRUE(overlap ? total[i] > total[0] : total[i] < total[0])
        << name << ": " << std::exp((total[i] - total[0]) / kJobs) << " times the cycles";
  }
}

TEST(RtlMechanismSwitch, RegistersOfTheRealMachineAndOfEachSetting) {
  RtlJob job = test::JobGenerator(1).job(16);
  EXPECT_EQ(switches_of(job), 0u);
  std::uint32_t seen = 0;
  for (const auto& [name, member] : kRtlMechanismFields) {
    RtlJob changed = job;
    changed.mechanisms.*member = false;
    EXPECT_EQ(seen & switches_of(changed), 0u) << name;
    seen |= switches_of(changed);
  }
  EXPECT_EQ(seen, 0x7Fu);  // every switch has its mechanism
}

TEST(RtlMechanismSwitch, CopiesOfTilesWithoutLimitAndWithoutDoubleBuffering) {
  RtlJob job = test::JobGenerator(1).job(4);
  const TileFootprint tile = tile_footprint(job.layer, job.point.mapping);
  job.point.hardware.scratchpad_bytes = 4 * (tile.input_rows + tile.weight_rows);
  job.point.hardware.accumulator_words = tile.output_words;
  const auto copies = [&job](const RtlMechanisms& mechanisms) {
    const BufferPlan plan = plan_buffers(job.layer, job.point, job.memory, mechanisms);
    return std::array{plan.input.copies, plan.weight.copies, plan.output.copies};
  };
  RtlMechanisms mechanisms;
  EXPECT_EQ(copies(mechanisms), (std::array{1, 1, 1}));
  mechanisms.buffer_limit = false;
  EXPECT_EQ(copies(mechanisms), (std::array{2, 2, 2}));
  mechanisms.double_buffering = false;
  EXPECT_EQ(copies(mechanisms), (std::array{1, 1, 1}));
}

// SCALE-Sim (Samajdar et al., ISPASS 2020) counts, for a GEMM of M x K by K x N on a
// weight-stationary array of R rows and C columns, (K/R)(N/C)(M + 2R + C - 2) - 1 compute cycles:
// it loads weights, streams M rows and drains, one fold after the other.

struct Gemm {
  std::int32_t m, k, n;
};
constexpr std::int32_t kSide = 16;

std::int64_t folds(const Gemm& gemm) { return std::int64_t{gemm.k / kSide} * (gemm.n / kSide); }

std::int64_t scale_sim_cycles(const Gemm& gemm) {
  return folds(gemm) * (gemm.m + 2 * kSide + kSide - 2) - 1;
}

TEST(ScaleSim, FormulaGivesItsOwnResults) {
  EXPECT_EQ(scale_sim_cycles({128, 128, 128}), 11135);
  EXPECT_EQ(scale_sim_cycles({256, 256, 256}), 77311);
  EXPECT_EQ(scale_sim_cycles({128, 768, 768}), 400895);
}

/// Cycles per fold beyond SCALE-Sim's: a row is read from the scratchpad one cycle before it enters
/// the array, and the array takes R + C cycles from row to result, with registers at both ends,
/// where SCALE-Sim counts R + C - 2.
constexpr std::int64_t kExtraPerFold = 3;

/// All rows of A stay in the scratchpad, one column block of B is a tile, folds in turn.
RtlJob serial_gemm(const Gemm& gemm) {
  RtlJob job;
  job.layer = Layer{{1, 1, gemm.m, 1, gemm.k, gemm.n, 1}};
  Mapping& mapping = job.point.mapping;
  mapping.spatial_c = mapping.spatial_k = kSide;
  mapping.temporal[index_of(Level::registers)][index_of(Dim::P)] = gemm.m;
  mapping.temporal[index_of(Level::accumulator)][index_of(Dim::C)] = gemm.k / kSide;
  mapping.temporal[index_of(Level::dram)][index_of(Dim::K)] = gemm.n / kSide;
  job.point.hardware = {kSide, 1024, 1024 * 1024, 8};
  job.mechanisms.pass_overlap = false;
  job.mechanisms.page_misses = false;  // they depend on N: rows of B lie N bytes apart
  return job;
}

/// SCALE-Sim counts neither the load of the first tiles nor the store of the last results. Both are
/// the same for a GEMM of twice the columns, and the column blocks between cost the same each, so
/// cycles(2N) - cycles(N) is exactly the time of the folds.
TEST(ScaleSim, SerialFoldsOfComputeBoundGemms) {
  std::vector<Gemm> gemms = {{128, 768, 768}};
  for (const std::int32_t m : {64, 128, 256, 512})
    for (const auto& [k, n] : {std::pair{64, 64}, {128, 128}, {256, 256}, {512, 64}, {64, 512}})
      gemms.push_back({m, k, n});
  std::vector<RtlJob> jobs;
  for (const Gemm& gemm : gemms)
    for (const std::int32_t times : {1, 2, 3})
      jobs.push_back(serial_gemm({gemm.m, gemm.k, times * gemm.n}));
  const std::vector<RtlResult> results = run_all(jobs, false);
  for (std::size_t i = 0; i < gemms.size(); ++i) {
    const Gemm& gemm = gemms[i];
    SCOPED_TRACE(fmt::format("M {}, K {}, N {}", gemm.m, gemm.k, gemm.n));
    const RtlResult* runs = &results[3 * i];
    for (int run = 0; run < 3; ++run) ASSERT_EQ(runs[run].status, RtlStatus::ok);
    const std::int64_t measured = runs[1].cycles - runs[0].cycles;
    ASSERT_EQ(runs[2].cycles - runs[1].cycles, measured);  // nothing but folds is left
    const std::int64_t expected = scale_sim_cycles(gemm);
    EXPECT_LT(static_cast<double>(std::abs(measured - expected)),
              0.05 * static_cast<double>(expected));
    EXPECT_EQ(measured, expected + 1 + kExtraPerFold * folds(gemm));
  }
}

}  // namespace
}  // namespace polaris
