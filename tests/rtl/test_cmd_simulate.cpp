// `polaris simulate` as a user runs it.
#include <nlohmann/json.hpp>

#include "host/space/layer_text.hpp"
#include "tests/cli/run_polaris.hpp"

namespace polaris {
namespace {

constexpr int kFailed = 1, kWrongInput = 2;
const char* const kCache = "POLARIS_CACHE='" POLARIS_RTL_CACHE "'";
const char* const kLayer =
    "simulate --layer-sizes 3,1,4,4,8,8,2 --stride 2,1 --dilation 1,2 --dim 4";
const char* const kMapping =
    " --mapping 'L3[WIO] N2 P2 K2 - L2[WI] N1 K4X - L1[O] R3 Q2 C2 C4X - L0[W] P2 Q2'";

Outcome simulate(const std::string& arguments) { return run_polaris(arguments, kCache); }

TEST(Simulate, TextShowsBothFidelities) {
  const Outcome outcome = simulate(std::string(kLayer) + kMapping + " --functional");
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  for (const char* part :
       {"layer     R3 S1 P4 Q4 C8 K8 N2 stride 2 1 dilation 1 2\n",
        "hardware  dim 4, accumulator 64 KiB, scratchpad 256 KiB, bus 8 B\n", "cycles  ",
        "energy uJ", "EDP J*cycle", "weight_stalls", "outputs equal to the reference"})
    EXPECT_NE(outcome.out.find(part), std::string::npos) << part << "\n" << outcome.out;
}

TEST(Simulate, JsonHoldsCountersAndTimingOnlyAgrees) {
  const Outcome timing = simulate(std::string(kLayer) + kMapping + " --json");
  const Outcome functional = simulate(std::string(kLayer) + kMapping + " --json --functional");
  ASSERT_EQ(timing.exit_code, 0) << timing.err;
  ASSERT_EQ(functional.exit_code, 0) << functional.err;
  const auto a = nlohmann::json::parse(timing.out), b = nlohmann::json::parse(functional.out);
  EXPECT_EQ(a["rtl"], b["rtl"]);
  EXPECT_EQ(a["rtl"]["counters"]["mesh_rows"], 3 * 4 * 4 * 8 * 8 * 2 / 16);
  EXPECT_EQ(a["rtl"]["cycles"], a["rtl"]["counters"]["cycles"]);
  EXPECT_EQ(a["rtl_hash"].get<std::string>().size(), 32u);
  EXPECT_EQ(a["mapping"], "L3[WIO] N2 P2 K2 - L2[WI] N1 K4X - L1[O] R3 Q2 C2 C4X - L0[W] P2 Q2");
}

TEST(Simulate, PointOfASpaceByItsIndex) {
  const WorkFolder folder;
  std::ofstream(folder / "tiny.yaml")
      << "polaris: 1\nkind: space\nname: tiny\nhardware:\n  dim: [4]\n  accumulator_kib: [16]\n"
         "  scratchpad_kib: [16]\n  bus_bytes: [8]\n";
  const std::string point =
      "simulate --layer-sizes 1,1,4,1,4,4,1 --space '" + folder / "tiny.yaml" + "' --index ";
  const Outcome outcome = simulate(point + "3 --json");
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ(nlohmann::json::parse(outcome.out)["hardware"]["dim"], 4);
  expect_refused(simulate(point + "9999999"), kWrongInput, "--index: expected an index below ");
}

TEST(Simulate, WithoutMechanisms) {
  const std::string base = std::string(kLayer) + kMapping + " --functional";
  const Outcome real = simulate(base + " --json");
  const Outcome ideal = simulate(base + " --json --without page_misses,dram_latency");
  ASSERT_EQ(real.exit_code, 0) << real.err;
  ASSERT_EQ(ideal.exit_code, 0) << ideal.err;
  const auto a = nlohmann::json::parse(real.out), b = nlohmann::json::parse(ideal.out);
  EXPECT_TRUE(a["without"].empty());
  EXPECT_EQ(b["without"], (std::vector<std::string>{"dram_latency", "page_misses"}));
  EXPECT_LT(b["rtl"]["cycles"], a["rtl"]["cycles"]);
  EXPECT_EQ(b["rtl"]["energy_pj"], a["rtl"]["energy_pj"]);  // both cost time only
  const Outcome text = simulate(base + " --without pass_overlap");
  EXPECT_NE(text.out.find("without   pass_overlap: not the real machine\n"), std::string::npos)
      << text.out;
  expect_refused(simulate(base + " --without gravity"), kWrongInput,
                 "--without: expected one of dram_latency, page_misses, ");
}

TEST(Simulate, RefusesAndFailsInOneLine) {
  const std::string layer(kLayer);
  expect_refused(simulate("simulate"), kWrongInput, "--workload with --layer, or --layer-sizes");
  expect_refused(simulate(layer), kWrongInput, "--mapping, or --space with --index");
  expect_refused(simulate("simulate --workload resnet50 --layer none" + std::string(kMapping)),
                 kWrongInput, "--layer: expected one of conv1, ");
  expect_refused(simulate(layer + " --mapping nonsense"), kWrongInput, "mapping");
  expect_refused(simulate("simulate --layer-sizes 1,2,3" + std::string(kMapping)), kWrongInput,
                 "--layer-sizes");
  expect_refused(simulate(layer + kMapping + " --bus-bytes 3"), kWrongInput,
                 "infeasible design point: bus_bytes: expected a power of two");
  expect_refused(simulate(layer + " --quiet --max-cycles 5" + kMapping), kFailed,
                 "simulate: cycle_limit: not finished after 5 cycles");
}

}  // namespace
}  // namespace polaris
