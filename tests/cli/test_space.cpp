#include <nlohmann/json.hpp>

#include "tests/cli/run_polaris.hpp"

namespace polaris {
namespace {

using nlohmann::json;

const std::string kSmall = "space --space small --workload bert_base ";

TEST(SpaceCommand, ListsTheLayers) {
  const json result = json::parse(run_polaris(kSmall + "--json").out);
  ASSERT_EQ(result["layers"].size(), 5u);
  const json& layer = result["layers"][0];
  EXPECT_EQ(layer["name"], "projection");
  EXPECT_EQ(layer["count"], 48);
  EXPECT_EQ(layer["macs"], 512 * 768 * 768);
  EXPECT_EQ(layer["hardware"], 8);
  EXPECT_EQ(layer["size"].get<std::uint64_t>(), layer["mappings"].get<std::uint64_t>() * 8);
  EXPECT_FALSE(layer.contains("feasible"));
  const Outcome text = run_polaris(kSmall);
  EXPECT_EQ(text.exit_code, 0);
  EXPECT_NE(text.out.find(std::to_string(layer["size"].get<std::uint64_t>())), std::string::npos);
}

TEST(SpaceCommand, SamplesDoNotDependOnThreads) {
  const std::string command = kSmall + "--sample 50000 --json --seed 3 --threads ";
  const Outcome one = run_polaris(command + "1");
  EXPECT_EQ(one.exit_code, 0) << one.err;
  EXPECT_EQ(one.out, run_polaris(command + "4").out);
  const json result = json::parse(one.out);
  for (const json& layer : result["layers"]) {
    double sum = layer["feasible"];
    EXPECT_GT(sum, 0.0);
    EXPECT_LT(sum, 1.0);
    for (const auto& [reason, share] : layer["infeasible"].items()) sum += share.get<double>();
    EXPECT_NEAR(sum, 1.0, 1e-12);
  }
}

TEST(SpaceCommand, AnIndexAndItsMappingAreTheSamePoint) {
  const std::string layer = "--layer attention_scores --json ";
  for (const char* index : {"0", "12345", "99999"}) {
    const Outcome decoded = run_polaris(kSmall + layer + "--index " + index);
    ASSERT_EQ(decoded.exit_code, 0) << decoded.err;
    json point = json::parse(decoded.out);
    const json& h = point["hardware"];
    const std::string hardware = h["dim"].dump() + "," + h["accumulator_kib"].dump() + "," +
                                 h["scratchpad_kib"].dump() + "," + h["bus_bytes"].dump();
    const Outcome encoded = run_polaris(kSmall + layer + "--hardware " + hardware + " --mapping '" +
                                        point["mapping"].get<std::string>() + "'");
    ASSERT_EQ(encoded.exit_code, 0) << encoded.err;
    json again = json::parse(encoded.out);
    // The text does not say where loops of bound 1 stand: the index may be that of a twin.
    point.erase("index");
    again.erase("index");
    EXPECT_EQ(again, point);
  }
}

TEST(SpaceCommand, AnAreaLimitMakesLargeHardwareInfeasible) {
  const TemporaryFolder folder;
  std::ofstream(folder / "s.yaml") << "polaris: 1\nkind: space\nname: s\nhardware: {dim: [4], "
                                      "accumulator_kib: [64], scratchpad_kib: [64], bus_bytes: [8]}"
                                      "\nmax_area_mm2: 0.001\n";
  const Outcome outcome = run_polaris("space --json --workload bert_base --sample 1000 --space '" +
                                      folder / "s.yaml" + "'");
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  const json result = json::parse(outcome.out);
  for (const json& layer : result["layers"]) EXPECT_EQ(layer["feasible"], 0.0);
}

TEST(SpaceCommand, RefusesWrongInput) {
  expect_refused(run_polaris("space"), kWrongInput, "--workload");
  expect_refused(run_polaris("space --workload nets"), kWrongInput,
                 "expected a file or one of bert_base, resnet50, retinanet, unet, got 'nets'");
  expect_refused(run_polaris(kSmall + "--layer no"), kWrongInput,
                 "--layer: expected one of projection, ");
  expect_refused(run_polaris(kSmall + "--index 1"), kWrongInput, "expected --layer");
  expect_refused(run_polaris(kSmall + "--layer projection --index 99999999999999"), kWrongInput,
                 "--index: expected an index below ");
  expect_refused(run_polaris(kSmall + "--sample 0"), kWrongInput,
                 "--sample: expected an integer >= 1, got '0'");
  expect_refused(run_polaris(kSmall + "--sample 10 --index 1"), kWrongInput, "--index");
  expect_refused(run_polaris(kSmall + "--layer projection --mapping x"), kWrongInput, "--hardware");
  expect_refused(run_polaris(kSmall + "--layer projection --mapping x --hardware 4,1,2,8"),
                 kWrongInput, "expected");
  expect_refused(run_polaris(kSmall + "--layer projection --hardware 4,1,2 --mapping x"),
                 kWrongInput, "--hardware");
  expect_refused(run_polaris(kSmall + "--layer projection --hardware 4,1,2,8 --mapping "
                                      "'L3[WIO] P7 - L2[WI] N1 - L1[O] N1 - L0[W] N1'"),
                 kWrongInput, "expected a design point of space small");
  const TemporaryFolder folder;
  std::ofstream(folder / "w.yaml") << "polaris: 1\nkind: workload\nlayers: []\n";
  expect_refused(run_polaris("space --workload '" + folder / "w.yaml" + "'"), kWrongInput,
                 "w.yaml:1:1: expected the key 'name', got none");
}

}  // namespace
}  // namespace polaris
