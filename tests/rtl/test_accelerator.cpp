// The accelerator itself, simulated with its assertions on: bit-exact results, traffic and counters
// against independent counts, and detection of wrong programs.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <map>

#include "host/rtl/model_cache.hpp"
#include "host/rtl/program.hpp"
#include "host/rtl/register_map.hpp"
#include "host/rtl/scheduler.hpp"
#include "host/rtl/worker.hpp"
#include "host/space/layer_space.hpp"
#include "models/analytical/access_counts.hpp"
#include "tests/rtl/path_cover.hpp"
#include "tests/rtl/random_jobs.hpp"
#include "tests/rtl/simulation.hpp"

namespace polaris {
namespace {

std::string describe(const RtlJob& job) {
  const HardwareConfig& h = job.point.hardware;
  return fmt::format("layer {}, dim {}, accumulator {}, scratchpad {}, seed {}",
                     fmt::join(job.layer.size, " "), h.dim, h.accumulator_words, h.scratchpad_bytes,
                     job.data_seed);
}

/// Bytes of input tiles that the DRAM nest brings in: steps through it one by one.
std::int64_t input_bytes(const Layer& layer, const Mapping& mapping) {
  const auto& order = mapping.order[index_of(Level::dram)];
  std::int64_t index[kDims] = {}, loads = 1;
  while (true) {
    int moving = kDims - 1;
    bool changed = false;
    for (; moving >= 0; --moving) {
      const std::int64_t bound = mapping.factor(Level::dram, order[moving]);
      const bool wraps = index[moving] + 1 == bound;
      if (bound > 1 && order[moving] != Dim::K) changed = true;
      if (!wraps) break;
      index[moving] = 0;
    }
    if (moving < 0) break;
    ++index[moving];
    loads += changed;
  }
  return loads * tile_footprint(layer, mapping).input_words;
}

/// Counts that do not depend on timing equal the analytical model's (spec section 5), which were
/// derived independently.
void expect_counts(const RtlJob& job, const RtlCounters& got) {
  const Mapping& m = job.point.mapping;
  const AccessCounts want = access_counts(job.layer, m, tile_footprint(job.layer, m));
  EXPECT_EQ(got.mesh_rows * m.spatial_c * m.spatial_k, job.layer.macs());
  EXPECT_EQ(got.mesh_rows, want.compute_cycles);
  EXPECT_EQ(got.weight_rows, want.register_fills * m.spatial_c);
  EXPECT_EQ(got.store_row_reads, want.accumulator_fills);
  EXPECT_EQ(got.write_bytes,
            job.layer.output_words() + 4 * (want.dram_output_updates - job.layer.output_words()));
  EXPECT_EQ(got.read_bytes,
            input_bytes(job.layer, m) + want.dram_weight_reads + 4 * want.dram_output_reads);
  EXPECT_GE(got.input_beats * job.point.hardware.bus_bytes, input_bytes(job.layer, m));
  // Every output row is begun once; all other sums are added to.
  EXPECT_EQ(got.accumulate_reads, got.mesh_rows - job.layer.output_words() / m.spatial_k);
  // A write of a local row ends its beat or its row.
  const auto expect_writes = [](std::int64_t writes, std::int64_t beats, std::int64_t rows) {
    EXPECT_GE(writes, std::max(beats, rows));
    EXPECT_LE(writes, beats + rows);
  };
  expect_writes(got.input_row_writes, got.input_beats, input_bytes(job.layer, m) / m.spatial_c);
  expect_writes(got.weight_row_writes, got.weight_beats, want.dram_weight_reads / m.spatial_k);
  expect_writes(got.psum_row_writes, got.psum_beats, want.dram_output_reads / m.spatial_k);
  // The array works, waits for weights, or has no tile to work on.
  EXPECT_GE(got.cycles,
            got.mesh_rows + got.weight_stalls + std::max(got.input_stalls, got.output_stalls));
  if (got.steps > 1) return;
  // A single step: nothing to store before it, and no load left when the array begins.
  EXPECT_LE(got.output_stalls, 2);
  EXPECT_LE(got.weight_conflicts, got.input_row_writes);
  if (got.weight_rows > m.spatial_c) return;
  // A single set of weights: read before the array begins, by all of which an input may wait.
  EXPECT_EQ(got.preload_conflicts, 0);
  EXPECT_LE(got.input_conflicts, got.weight_rows);
  EXPECT_GE(got.cycles, got.mesh_rows + 2 * job.point.hardware.dim);
  EXPECT_GE(got.cycles, got.input_beats + got.weight_beats + got.psum_beats + got.write_beats);
}

struct Batch {
  std::int32_t dim;
  int jobs;
};

class RtlBitExact : public testing::TestWithParam<Batch> {};

/// Most jobs are tiny, so that they can be many; one in sixteen may be larger.
constexpr std::int64_t kTinyCycles = 1500, kLargerCycles = 20'000;
constexpr std::uint64_t kOneLargerIn = 16;
/// Jobs that must have taken a path, for each array size.
constexpr int kTimesTaken = 3;

TEST_P(RtlBitExact, RandomLayersMappingsAndMemories) {
  const auto [dim, count] = GetParam();
  RtlScheduler scheduler(test::checked_simulation());
  test::JobGenerator generator(static_cast<std::uint64_t>(dim));
  std::vector<RtlJob> jobs;
  for (int i = 0; i < count; ++i) {
    jobs.push_back(
        generator.job(dim, generator.chance(kOneLargerIn) ? kLargerCycles : kTinyCycles));
    scheduler.submit(jobs.back());  // id 2i: with data
    RtlJob timing = jobs.back();
    timing.functional = false;
    scheduler.submit(timing);  // id 2i + 1: without
  }
  std::map<RtlScheduler::Id, RtlResult> results;
  while (auto result = scheduler.wait_any(-1.0)) results.insert(std::move(*result));
  test::PathCover paths;
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    SCOPED_TRACE(describe(jobs[i]));
    const RtlResult& functional = results.at(2 * i);
    const RtlResult& timing = results.at(2 * i + 1);
    ASSERT_EQ(functional.status, RtlStatus::ok) << functional.reason;
    ASSERT_EQ(timing.status, RtlStatus::ok) << timing.reason;
    EXPECT_EQ(functional.counters, timing.counters);
    EXPECT_EQ(functional.cycles, functional.counters.cycles);
    expect_counts(jobs[i], functional.counters);
    paths.add(jobs[i], functional.counters);
  }
  for (const auto& [path, times] : paths.seen()) EXPECT_GE(times, kTimesTaken) << path;
}

INSTANTIATE_TEST_SUITE_P(Dims, RtlBitExact,
                         testing::Values(Batch{4, 500}, Batch{8, 500}, Batch{16, 500},
                                         Batch{32, 300}, Batch{64, 250}),
                         [](const auto& test) { return fmt::format("Dim{}", test.param.dim); });

/// The accelerator's rule of feasibility is the design space's.
TEST(RtlFeasibility, RunsWhatCheckAcceptsAndRefusesTheRest) {
  Layer layer;
  for (const auto& [dim, bound] : {std::pair{Dim::R, 3}, {Dim::P, 6}, {Dim::C, 8}, {Dim::K, 6}})
    layer.size[index_of(dim)] = bound;
  HardwareGrid grid{};
  const std::vector<std::int64_t> axes[kHardwareAxes] = {
      {4}, {2 * 16, 6 * 16, 24 * 16}, {24 * 4, 60 * 4, 1024}, {8}};
  for (int a = 0; a < kHardwareAxes; ++a) {
    grid.count[a] = static_cast<std::int32_t>(axes[a].size());
    for (std::size_t i = 0; i < axes[a].size(); ++i) grid.value[a][i] = axes[a][i];
  }
  const LayerSpace space(layer, grid);
  RtlScheduler scheduler(test::checked_simulation());
  std::vector<Feasibility> expected;
  int accepted = 0;
  for (std::uint64_t i = 0; i < 400; ++i) {
    RtlJob job;
    job.layer = layer;
    job.point = space.view().decode(space.view().sample(5, 0, i));
    job.functional = true;
    expected.push_back(check(layer, job.point));
    accepted += expected.back() == Feasibility::feasible;
    scheduler.submit(job);
  }
  EXPECT_GT(accepted, 50);
  EXPECT_LT(accepted, 350);
  while (const auto result = scheduler.wait_any(-1.0)) {
    const Feasibility verdict = expected[result->first];
    if (verdict == Feasibility::feasible) {
      EXPECT_EQ(result->second.status, RtlStatus::ok) << result->second.reason;
    } else {
      EXPECT_EQ(result->second.status, RtlStatus::infeasible);
      EXPECT_EQ(result->second.reason, to_string(verdict));
    }
  }
}

/// Programs with a register changed by hand: the accelerator itself must notice.
class RtlMisprogrammed : public testing::Test {
 protected:
  RtlMisprogrammed() {
    RtlModelOptions options;
    options.cache_dir = POLARIS_RTL_CACHE;
    options.rtl_dir = POLARIS_RTL_SOURCES;
    options.assertions = true;
    executable_ = RtlModelCache(options).worker(4, [] { return false; });
    job_ = test::JobGenerator(3).job(4);
    // Both loads and several tiles are wanted.
    job_.layer = Layer{};
    job_.point.mapping = Mapping{};
    for (const auto& [dim, bound] : {std::pair{Dim::P, 4}, {Dim::C, 8}, {Dim::K, 8}}) {
      job_.layer.size[index_of(dim)] = bound;
      job_.point.mapping.temporal[index_of(Level::dram)][index_of(dim)] = 2;
    }
    job_.point.mapping.temporal[index_of(Level::registers)][index_of(Dim::P)] = 2;
    job_.point.mapping.spatial_c = job_.point.mapping.spatial_k = 4;
    job_.point.hardware = {4, 16, 1024, 8};
    job_.memory = MemorySystem{};
  }

  RtlWorker::Outcome run(std::uint32_t address, std::uint32_t value) {
    EXPECT_EQ(rtl_refusal(job_), "");
    RtlProgram program = program_accelerator(job_);
    for (RegisterWrite& write : program.registers)
      if (write.address == address) write.value = value;
    RtlWorker worker(executable_, 4);
    return worker.run(job_, program, answer_, why_);
  }

  std::filesystem::path executable_;
  RtlJob job_;
  WorkerAnswer answer_;
  std::string why_;
};

TEST_F(RtlMisprogrammed, AddressesBeyondTheCapacitiesAreReported) {
  constexpr std::uint32_t kUnused = 0xFF;
  for (const bool functional : {false, true}) {
    job_.functional = functional;
    ASSERT_EQ(run(kUnused, 0), RtlWorker::Outcome::answered) << why_;
    EXPECT_EQ(answer_.errors, 0u);
    EXPECT_TRUE(answer_.finished);
    // The last row in use is one row too far.
    const BufferPlan plan = plan_buffers(job_.layer, job_.point, job_.memory);
    const auto last_weight_row = static_cast<std::uint32_t>(plan.weight.first[1] + 3);
    ASSERT_EQ(run(rtl::kRegScratchpadRows, last_weight_row), RtlWorker::Outcome::answered) << why_;
    EXPECT_EQ(answer_.errors, 1u << rtl::kErrorScratchpad);
    ASSERT_EQ(run(rtl::kRegAccumulatorRows, 3), RtlWorker::Outcome::answered) << why_;
    EXPECT_EQ(answer_.errors, 1u << rtl::kErrorAccumulator);
    const auto bytes = static_cast<std::uint32_t>(program_accelerator(job_).dram.bytes);
    ASSERT_EQ(run(rtl::kRegDramBytes, bytes - 1), RtlWorker::Outcome::answered) << why_;
    EXPECT_EQ(answer_.errors, 1u << rtl::kErrorDram);
    // A buffer that begins beyond all memory that exists.
    ASSERT_EQ(run(rtl::kGroupInputBuffers * 4 + rtl::kBufferRow0, 1u << 30),
              RtlWorker::Outcome::answered);
    EXPECT_NE(answer_.errors & 1u << rtl::kErrorScratchpad, 0u);
  }
}

TEST_F(RtlMisprogrammed, WrongDataIsAMismatch) {
  job_.functional = true;
  ASSERT_EQ(run(rtl::kRegRequantShift, 3), RtlWorker::Outcome::answered) << why_;
  EXPECT_GT(answer_.mismatches, 0);
}

TEST_F(RtlMisprogrammed, AssertionsAreLive) {
  // The tile claims fewer rows than its chunks bring: bytes arrive that belong to no tile.
  EXPECT_EQ(run(rtl::kGroupWeightTile * 16 + rtl::kTileRows, 1), RtlWorker::Outcome::died);
  EXPECT_NE(why_.find("ssertion"), std::string::npos) << why_;
}

TEST_F(RtlMisprogrammed, RunsAreCutAtTheCycleLimitAndTheWorkerLivesOn) {
  RtlWorker worker(executable_, 4);
  const RtlProgram program = program_accelerator(job_);
  ASSERT_EQ(worker.run(job_, program, answer_, why_), RtlWorker::Outcome::answered) << why_;
  ASSERT_TRUE(answer_.finished);
  const RtlCounters whole = answer_.counters;
  RtlJob cut = job_;
  for (const std::int64_t limit : {std::int64_t{1}, whole.cycles / 2, whole.cycles - 1}) {
    cut.max_cycles = limit;
    ASSERT_EQ(worker.run(cut, program, answer_, why_), RtlWorker::Outcome::answered) << why_;
    EXPECT_FALSE(answer_.finished) << limit;
    // The next job starts afresh.
    ASSERT_EQ(worker.run(job_, program, answer_, why_), RtlWorker::Outcome::answered) << why_;
    EXPECT_TRUE(answer_.finished);
    EXPECT_EQ(answer_.counters, whole);
  }
}

}  // namespace
}  // namespace polaris
