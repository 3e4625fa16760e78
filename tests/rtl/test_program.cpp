// Register values of a design point, refusals, buffer plans and energy, worked by hand.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <regex>
#include <set>
#include <sstream>

#include "host/core/atomic_file.hpp"
#include "host/rtl/energy.hpp"
#include "host/rtl/program.hpp"
#include "host/rtl/register_map.hpp"
#include "models/analytical/energy.hpp"

namespace polaris {
namespace {

/// R3 S2 P4 Q4 C8 K8 N2 on a 4 x 4 array: DRAM loops N2 P2 K2, accumulator loops R3 S2 Q2 C2,
/// register loops P2 Q2, spatial C4 K4. Tile: N1 P2 Q4 R3 S2 C8 K4, input tile 5 x 6 pixels.
RtlJob example() {
  RtlJob job;
  job.layer = Layer{{3, 2, 4, 4, 8, 8, 2}, 2, 1, 1, 2};
  Mapping& m = job.point.mapping;
  const auto set = [&m](Level level, Dim dim, std::int32_t bound) {
    m.temporal[index_of(level)][index_of(dim)] = bound;
  };
  set(Level::dram, Dim::N, 2);
  set(Level::dram, Dim::P, 2);
  set(Level::dram, Dim::K, 2);
  set(Level::accumulator, Dim::R, 3);
  set(Level::accumulator, Dim::S, 2);
  set(Level::accumulator, Dim::Q, 2);
  set(Level::accumulator, Dim::C, 2);
  set(Level::registers, Dim::P, 2);
  set(Level::registers, Dim::Q, 2);
  m.spatial_c = m.spatial_k = 4;
  job.point.hardware = {4, 64, 4096, 8};
  return job;
}

std::map<std::uint32_t, std::uint32_t> registers_of(const RtlJob& job) {
  std::map<std::uint32_t, std::uint32_t> out;
  for (const RegisterWrite& write : program_accelerator(job).registers) {
    EXPECT_TRUE(out.emplace(write.address, write.value).second) << write.address;
    EXPECT_LT(write.address, 256u);
  }
  return out;
}

/// `count` registers from `first` on.
std::vector<std::uint32_t> run(const std::map<std::uint32_t, std::uint32_t>& registers,
                               std::uint32_t first, std::uint32_t count) {
  std::vector<std::uint32_t> out;
  for (std::uint32_t i = 0; i < count; ++i) out.push_back(registers.at(first + i));
  return out;
}

using testing::ElementsAre;

TEST(RtlProgram, HandWorkedTensorsAndTiles) {
  const RtlJob job = example();
  ASSERT_EQ(rtl_refusal(job), "");
  const DramLayout dram = program_accelerator(job).dram;
  EXPECT_EQ(dram.input, 0u);
  EXPECT_EQ(dram.weight, 4096u);  // 864 input words
  EXPECT_EQ(dram.output, 8192u);  // 384 weight words
  EXPECT_EQ(dram.psum, 12288u);   // 256 output words
  EXPECT_EQ(dram.bytes, 13312u);
  const auto r = registers_of(job);
  // Base, 3 counts, 3 strides, chunk bytes, row bytes, rows. The input tile is the whole of H and
  // C: one chunk of 5 * 6 * 8 bytes.
  EXPECT_THAT(run(r, 0x20, 10), ElementsAre(0, 1, 1, 1, 0, 0, 0, 240, 4, 60));
  EXPECT_THAT(run(r, 0x30, 10), ElementsAre(4096, 3, 2, 8, 128, 64, 8, 4, 4, 48));
  EXPECT_THAT(run(r, 0x40, 10), ElementsAre(12288, 1, 2, 4, 512, 128, 32, 16, 16, 8));
  EXPECT_THAT(run(r, 0x50, 10), ElementsAre(8192, 1, 2, 4, 128, 32, 8, 4, 4, 8));
}

TEST(RtlProgram, HandWorkedNests) {
  const auto r = registers_of(example());
  // Canonical order N K S R C Q P; bound, input, weight, output step, relevance (I 1, W 2, O 4,
  // reduction 8).
  constexpr std::uint32_t kPositionK = 1, kPositionS = 2, kPositionR = 3, kPositionC = 4,
                          kPositionQ = 5, kPositionP = 6;
  EXPECT_THAT(run(r, 0x60, 5), ElementsAre(2, 432, 0, 128, 5));
  EXPECT_THAT(run(r, 0x60 + 8 * kPositionK, 5), ElementsAre(2, 0, 4, 4, 6));
  EXPECT_THAT(run(r, 0x60 + 8 * kPositionP, 5), ElementsAre(2, 192, 0, 64, 5));
  EXPECT_THAT(run(r, 0xA0 + 8 * kPositionS, 5), ElementsAre(2, 4, 8, 0, 11));
  EXPECT_THAT(run(r, 0xA0 + 8 * kPositionR, 5), ElementsAre(3, 12, 16, 0, 11));
  EXPECT_THAT(run(r, 0xA0 + 8 * kPositionC, 5), ElementsAre(2, 1, 4, 0, 11));
  EXPECT_THAT(run(r, 0xA0 + 8 * kPositionQ, 5), ElementsAre(2, 4, 0, 2, 5));
  // Register loops N, Q, P: bound, input, output step.
  EXPECT_THAT(run(r, 0xE0, 3), ElementsAre(1, 60, 8));
  EXPECT_THAT(run(r, 0xE4, 3), ElementsAre(2, 2, 1));
  EXPECT_THAT(run(r, 0xE8, 3), ElementsAre(2, 24, 4));
  EXPECT_EQ(r.at(rtl::kRegReloadWeights), 1u);
  EXPECT_EQ(r.at(rtl::kRegWeightRowStep), 1u);
  EXPECT_EQ(r.at(rtl::kRegScratchpadRows), 1024u);
  EXPECT_EQ(r.at(rtl::kRegAccumulatorRows), 64u);
  EXPECT_EQ(r.at(rtl::kRegDramBytes), 13312u);
  EXPECT_EQ(r.at(rtl::kRegBankShift), 8u);     // 4 banks of 256 rows
  EXPECT_EQ(r.at(rtl::kRegRequantShift), 9u);  // 7 + floor(log2(48) / 2)
  EXPECT_EQ(r.at(rtl::kRegTimingOnly), 1u);
}

TEST(RtlProgram, SecondCopiesWhereTheyFit) {
  RtlJob job = example();  // 60 input rows, 48 weight rows, 8 output rows
  const auto plan = [&job](std::int64_t rows, std::int64_t words) {
    job.point.hardware.scratchpad_bytes = rows * 4;
    job.point.hardware.accumulator_words = words;
    return plan_buffers(job.layer, job.point, job.memory);
  };
  struct Case {
    std::int64_t rows;
    int input, weight;
  };
  for (const Case& c : {Case{108, 1, 1}, Case{155, 1, 1}, Case{156, 1, 2}, Case{167, 1, 2},
                        Case{168, 2, 1}, Case{215, 2, 1}, Case{216, 2, 2}}) {
    const BufferPlan p = plan(c.rows, 8);
    EXPECT_EQ(p.input.copies, c.input) << c.rows;
    EXPECT_EQ(p.weight.copies, c.weight) << c.rows;
    std::set<std::int64_t> used;  // no two copies share a row, none lies outside
    for (const TileBuffers& b : {p.input, p.weight})
      for (int copy = 0; copy < b.copies; ++copy)
        for (std::int64_t row = 0; row < b.rows; ++row) {
          EXPECT_TRUE(used.insert(b.first[copy] + row).second);
          EXPECT_LT(b.first[copy] + row, c.rows);
        }
  }
  EXPECT_EQ(plan(1024, 15).output.copies, 1);
  EXPECT_EQ(plan(1024, 16).output.copies, 2);
  EXPECT_EQ(plan(1024, 16).output.first[1], 8);
  // With room, every copy has its own bank of 256 rows.
  EXPECT_EQ(plan(1024, 16).input.first[1], 512);
  EXPECT_EQ(plan(1024, 16).weight.first[1], 768);
}

TEST(RtlProgram, RefusesWhatTheAcceleratorCannotRun) {
  const auto refusal = [](const std::function<void(RtlJob&)>& change) {
    RtlJob job = example();
    change(job);
    return rtl_refusal(job);
  };
  EXPECT_EQ(refusal([](RtlJob&) {}), "");
  const std::pair<std::function<void(RtlJob&)>, const char*> cases[] = {
      {[](RtlJob& j) { j.layer.size[2] = 8; }, "factors of P: expected a product of 8, got 4"},
      {[](RtlJob& j) {
         j.point.mapping.temporal[2][5] = 2;
         j.layer.size[5] = 16;
       },
       "scratchpad level: expected no temporal loops, got K2"},
      {[](RtlJob& j) { j.point.mapping.order[3][0] = Dim::P; },
       "loop order: expected a permutation"},
      {[](RtlJob& j) { j.point.hardware.dim = 12; }, "dim: expected 4, 8, 16, 32 or 64, got 12"},
      {[](RtlJob& j) { j.point.hardware.dim = 2; }, "dim: expected"},
      {[](RtlJob& j) { j.point.hardware.dim = 128; }, "dim: expected"},
      {[](RtlJob& j) { j.point.hardware.scratchpad_bytes = kMaxScratchpadBytes + 4; },
       "scratchpad_bytes: expected at most 2 MiB"},
      {[](RtlJob& j) { j.point.hardware.accumulator_words = kMaxAccumulatorBytes / 16 + 1; },
       "accumulator_words: expected at most 512 KiB"},
      {[](RtlJob& j) { j.point.hardware.bus_bytes = 12; }, "bus_bytes: expected a power of two"},
      {[](RtlJob& j) { j.point.hardware.bus_bytes = 128; }, "bus_bytes: expected a power of two"},
      {[](RtlJob& j) { j.memory.burst_bytes = 0; }, "burst_bytes: expected a power of two"},
      {[](RtlJob& j) { j.memory.scratchpad_banks = 64; }, "scratchpad_banks: expected"},
      {[](RtlJob& j) { j.memory.max_outstanding = 0; }, "max_outstanding: expected"},
      {[](RtlJob& j) { j.memory.latency = -1; }, "latency: expected"},
      {[](RtlJob& j) { j.memory.page_miss = -1; }, "page_miss: expected"},
      {[](RtlJob& j) { j.point.hardware.scratchpad_bytes = 107 * 4; },
       to_string(Feasibility::scratchpad_overflow)},
      {[](RtlJob& j) { j.point.hardware.accumulator_words = 7; },
       to_string(Feasibility::accumulator_overflow)},
      {[](RtlJob& j) {
         j.point.mapping.spatial_c = 8;
         j.point.mapping.temporal[1][4] = 1;
       },
       to_string(Feasibility::spatial_exceeds_array)},
      {[](RtlJob& j) {
         j.point.mapping.temporal[0][0] = 3;
         j.point.mapping.temporal[1][0] = 1;
       },
       to_string(Feasibility::weight_loop_in_register)},
      {[](RtlJob& j) { j.layer.size[6] = j.point.mapping.temporal[3][6] = 1 << 24; },
       "tensors: expected at most 4 GiB"},
  };
  for (const auto& [change, reason] : cases)
    EXPECT_THAT(refusal(change), testing::StartsWith(reason));
}

/// Every constant of the register map equals the one of that name in the SystemVerilog package.
TEST(RtlProgram, RegisterMapMirrorsThePackage) {
  const std::regex constant(
      R"(localparam (?:logic \[\d+:\d+\]|int unsigned) (\w+) = (?:\d+'h([0-9A-Fa-f]+)|(\d+));)");
  std::map<std::string, std::uint32_t> package;
  std::istringstream in(read_file(POLARIS_RTL_SOURCES "/accelerator_pkg.sv"));
  for (std::string line; std::getline(in, line);)
    if (std::smatch match; std::regex_search(line, match, constant))
      package[match[1]] = static_cast<std::uint32_t>(
          match[2].matched ? std::stoul(match[2], nullptr, 16) : std::stoul(match[3]));
  const std::regex mirrored(R"(constexpr std::uint32_t k(\w+) = (0x[0-9A-Fa-f]+|\d+);)");
  std::istringstream header(read_file(POLARIS_RTL_SOURCES "/../host/rtl/register_map.hpp"));
  int compared = 0;
  for (std::string line; std::getline(header, line);)
    if (std::smatch match; std::regex_search(line, match, mirrored)) {
      ASSERT_TRUE(package.contains(match[1])) << match[1];
      EXPECT_EQ(package[match[1]], std::stoul(match[2], nullptr, 0)) << match[1];
      ++compared;
    }
  EXPECT_GT(compared, 40);
}

/// The counters of the read port: cycles, the fields of events_t from its last (bit 0) to its
/// first, useful bytes.
TEST(RtlProgram, CountersFollowTheEventsOfThePackage) {
  const std::string package = read_file(POLARIS_RTL_SOURCES "/accelerator_pkg.sv");
  const std::size_t end = package.find("} events_t;");
  ASSERT_NE(end, std::string::npos);
  const std::size_t begin = package.rfind("typedef struct packed {", end);
  std::istringstream in(package.substr(begin, end - begin));
  const std::regex field(R"(logic (\w+);)");
  std::vector<std::string> names;
  for (std::string line; std::getline(in, line);)
    if (std::smatch match; std::regex_search(line, match, field)) names.push_back(match[1]);
  std::reverse(names.begin(), names.end());
  EXPECT_THAT(names,
              ElementsAre("mesh_row", "weight_row_read", "input_row_write", "weight_row_write",
                          "accumulate_read", "store_row_read", "psum_row_write", "input_beat",
                          "weight_beat", "psum_beat", "write_beat", "page_miss_read",
                          "page_miss_write", "weight_stall", "input_stall", "output_stall",
                          "input_conflict", "weight_conflict", "preload_conflict", "step"));
  EXPECT_EQ(kRtlCounterFields.size(), names.size() + 3);
}

TEST(RtlEnergy, CountsTimesEnergyOfAnAccess) {
  DesignPoint point;
  point.hardware = {16, 1024, 262144, 8};
  point.mapping.spatial_c = 3;
  point.mapping.spatial_k = 8;
  RtlCounters counters;
  counters.mesh_rows = 1000;        // 24,000 MACs and register reads
  counters.weight_rows = 60;        // 480 register fills
  counters.input_row_writes = 500;  // scratchpad rows: 1000 + 60 + 500 + 90
  counters.weight_row_writes = 90;
  counters.accumulate_reads = 900;  // accumulator rows: 1000 + 900 + 200 + 40, 8 words each
  counters.store_row_reads = 200;
  counters.psum_row_writes = 40;
  counters.input_beats = 10;  // DRAM: 32 beats of 8 words
  counters.weight_beats = 9;
  counters.psum_beats = 8;
  counters.write_beats = 5;
  const AccessEnergy access = access_energy(point.hardware);
  const RtlEnergy energy = rtl_energy(counters, point);
  EXPECT_DOUBLE_EQ(energy.mac, 24000 * 0.5608);
  EXPECT_DOUBLE_EQ(energy.reg, 24480 * access.reg);
  EXPECT_DOUBLE_EQ(energy.accumulator, 2140 * 8 * access.accumulator);
  EXPECT_DOUBLE_EQ(energy.scratchpad, 1650 * access.scratchpad);
  EXPECT_DOUBLE_EQ(energy.dram, 32 * 8 * 100.0);
  EXPECT_DOUBLE_EQ(energy.total(),
                   energy.mac + energy.reg + energy.accumulator + energy.scratchpad + energy.dram);
}

}  // namespace
}  // namespace polaris
