// The specification's worked examples (analytical-model section 11), count by count.
#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <optional>

#include "host/io/mapping_text.hpp"
#include "models/analytical/analytical.hpp"
#include "models/analytical/area.hpp"

namespace polaris {
namespace {

struct Example {
  const char* name;
  const char* mapping;
  std::array<std::int32_t, kDims> size;  // R S P Q C K N
  std::int32_t stride;
  HardwareConfig hardware;
  std::array<std::int64_t, 3> tile;    // t1O t2W t2I
  std::array<std::int64_t, 11> count;  // macs cc f0W r1O f1O r2W r2I f2W f2I u3O r3O
  std::array<std::int64_t, 4> cycles;  // accumulator, scratchpad, DRAM, all
  std::array<double, 5> energy;        // MAC, registers, accumulator, scratchpad, DRAM (pJ)
  double edp;                          // J * cycle, 8 digits
  std::optional<double> area;          // mm^2; none where CACTI's size is not tabulated
};

const Example kExamples[] = {
    {"A",
     "L3[WIO] P28 R7 Q56 K8 - L2[WI] N1 K4X - L1[O] K2 S7 Q2 P2 C3X - L0[W] P2",
     {7, 7, 112, 112, 3, 64, 1},
     2,
     {32, 128, 2048, 8},
     {16, 168, 189},
     {118013952, 9834496, 1229312, 9633792, 1404928, 14751744, 29503488, 14751744, 2074464, 5619712,
      4816896},
     {10436608, 9834496, 9834496, 10436608},
     {66182224.2816, 64718194.88442211, 166985728.0, 32842784.32160804, 2726284800.0},
     31904.853966,
     0.5503716},
    {"B",
     "L3[WIO] K16 Q14 S3 P14 - L2[WI] N1 K16X - L1[O] K2 R3 C16X - L0[W] N1",
     {3, 3, 14, 14, 16, 512, 1},
     2,
     {128, 2, 16384, 8},
     {2, 1536, 48},
     {14450688, 56448, 56448, 50176, 18816, 14450688, 903168, 1032192, 311808, 301056, 200704},
     {62721, 65226, 230721, 230721},
     {8103945.8304, 14088314.532663317, 3914799.59798995, 14851861.869346732, 184576000.0},
     52.035643,
     6.33932456},
    {"C",
     "L3[WIO] S3 Q7 K64 - L2[WI] N1 K8X - L1[O] K2 R3 C2 C16X - L0[W] P7",
     {3, 3, 7, 7, 32, 1024, 1},
     1,
     {16, 16, 2048, 8},
     {14, 1536, 288},
     {14450688, 112896, 16128, 106624, 18816, 2064384, 1806336, 2064384, 5472, 150528, 100352},
     {119168, 185643, 290092, 290092},
     {8103945.8304, 8050465.447236181, 3729539.216080402, 3194179.055276382, 232076800.0},
     74.018404,
     0.15536579},
    {"D",
     "L3[WIO] K16 P64 - L2[WI] N1 K8X - L1[O] K4 C8 C16X - L0[W] P2",
     {1, 1, 128, 1, 128, 512, 1},
     1,
     {16, 16, 524288, 8},
     {8, 4096, 256},
     {8388608, 65536, 32768, 57344, 8192, 4194304, 1048576, 65536, 262144, 65536, 0},
     {65536, 174080, 65536, 174080},
     {4704331.3664, 6133687.959798995, 2051046.2713567838, 74376773.46733668, 39321600.0},
     22.036341,
     1.56901},
    {"F",
     "L3[WIO] C2 K32 - L2[WI] N1 K16X - L1[O] K4 C32 P7 C16X - L0[W] Q7",
     {1, 1, 7, 7, 1024, 2048, 1},
     2,
     {16, 512, 130048, 8},
     {196, 32768, 86528},
     {102760448, 401408, 8192, 395136, 12544, 2097152, 6422528, 2097152, 173056, 200704, 100352},
     {404544, 401408, 401408, 404544},
     {57628059.2384, 51114066.33165829, 27842385.04522613, 39689437.26633166, 257126400.0},
     175.329510,
     std::nullopt},
};

/// E stands apart: its cycles are those of split read and write bandwidths, which are not modelled.
const Example kSplitBandwidth = {
    "E",
    "L3[WIO] P2 K16 C2 Q4 - L2[WI] N1 K16X - L1[O] C8 Q7 P14 C32X - L0[W] N1",
    {1, 1, 28, 28, 512, 256, 1},
    1,
    {128, 2048, 1048576, 8},
    {98, 4096, 25088},
    {102760448, 200704, 2048, 188160, 25088, 1048576, 6422528, 262144, 6422528, 401408, 200704},
    {0, 0, 910848, 910848},
    {57628059.2384, 50602925.66834171, 18238849.92964824, 371108961.76884425, 728678400.0},
    1116.933915,
    16.10693656};

Layer layer_of(const Example& example) {
  Layer layer;
  for (std::size_t d = 0; d < kDims; ++d) layer.size[d] = example.size[d];
  layer.stride_w = layer.stride_h = example.stride;
  return layer;
}

void expect_counts_and_energy(const Example& example) {
  SCOPED_TRACE(example.name);
  const Layer layer = layer_of(example);
  const Mapping mapping = parse_mapping(example.mapping);
  const TileFootprint tile = tile_footprint(layer, mapping);
  EXPECT_EQ((std::array{tile.output_words, tile.weight_words, tile.input_words}), example.tile);
  const AnalyticalResult result = evaluate_analytical(layer, example.hardware, mapping);
  const AccessCounts& n = result.counts;
  EXPECT_EQ((std::array{layer.macs(), n.compute_cycles, n.register_fills, n.accumulator_reads,
                        n.accumulator_fills, n.scratchpad_weight_reads, n.scratchpad_input_reads,
                        n.scratchpad_weight_fills, n.scratchpad_input_fills, n.dram_output_updates,
                        n.dram_output_reads}),
            example.count);
  EXPECT_EQ(n.register_reads, n.compute_cycles);
  EXPECT_EQ(n.accumulator_updates, n.compute_cycles);
  EXPECT_EQ(n.dram_weight_reads, n.scratchpad_weight_fills);
  EXPECT_EQ(n.dram_input_reads, n.scratchpad_input_fills);
  const std::array energies = {result.energy_mac, result.energy_reg, result.energy_accumulator,
                               result.energy_scratchpad, result.energy_dram};
  double sum = 0.0;
  for (std::size_t i = 0; i < energies.size(); ++i) {
    EXPECT_NEAR(energies[i], example.energy[i], 1e-12 * example.energy[i]) << "part " << i;
    sum += example.energy[i];
  }
  EXPECT_NEAR(result.energy_pj, sum, 1e-12 * sum);
  EXPECT_EQ(result.cycles, example.cycles[3]);
  EXPECT_EQ(result.dram_cycles, example.cycles[2]);
  EXPECT_NEAR(result.edp, example.edp, 1e-6);
  if (example.area) {
    EXPECT_NEAR(area_mm2(example.hardware), *example.area, 1e-12);
  }
}

TEST(WorkedExamples, CountsEnergyAndArea) {
  for (const Example& example : kExamples) expect_counts_and_energy(example);
  expect_counts_and_energy(kSplitBandwidth);
}

TEST(WorkedExamples, CyclesOfEveryLevel) {
  for (const Example& example : kExamples) {
    const AnalyticalResult result =
        evaluate_analytical(layer_of(example), example.hardware, parse_mapping(example.mapping));
    EXPECT_EQ((std::array{result.accumulator_cycles, result.scratchpad_cycles, result.dram_cycles,
                          result.cycles}),
              example.cycles)
        << example.name;
  }
}

TEST(WorkedExamples, AccessEnergies) {
  const AccessEnergy a = access_energy({32, 128, 2048, 8});
  EXPECT_DOUBLE_EQ(a.reg, 0.4874617226758794);
  EXPECT_DOUBLE_EQ(a.accumulator, 2.0);
  EXPECT_DOUBLE_EQ(a.scratchpad, 17.20603015075377);
  EXPECT_DOUBLE_EQ(a.dram, 6400.0);
  EXPECT_DOUBLE_EQ(a.mac, 0.5608);
  EXPECT_DOUBLE_EQ(access_energy({128, 2048, 1048576, 8}).scratchpad, 3355.6582914572864);
}

}  // namespace
}  // namespace polaris
