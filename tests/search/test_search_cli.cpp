// Searches as a user starts them, with a flow of shell commands in the place of the RTL.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>

#include <chrono>
#include <fstream>
#include <nlohmann/json.hpp>
#include <thread>

#include "host/store/store.hpp"
#include "tests/cli/child.hpp"
#include "tests/cli/run_polaris.hpp"

namespace polaris {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kHead[] = "polaris: 1\nkind: workload\nname: w\nlayers:\n";
constexpr char kOneMachine[] =
    "polaris: 1\nkind: space\nname: one\nhardware: {dim: [16], accumulator_kib: [64], "
    "scratchpad_kib: [64], bus_bytes: [8]}\n";
constexpr char kAnswers[] = "cat >/dev/null; echo '{\"cycles\": 100000, \"energy_pj\": 4e7}'";

class SearchCli : public ::testing::Test {
 protected:
  std::string write(const std::string& name, const std::string& text) {
    std::ofstream(folder_ / name) << text;
    return folder_ / name;
  }

  /// The evaluator is a shell script.
  Outcome search(const std::string& workload, const std::string& script, const std::string& options,
                 const std::string& store = "s.sqlite") {
    const std::string flow = write("flow.sh", "#!/bin/sh\n" + script + "\n");
    return run_polaris("--quiet search --workload " + write("w.yaml", kHead + workload) +
                       " --space " + write("one.yaml", kOneMachine) + " --store " +
                       std::string(folder_ / store) + " --evaluator 'sh " + flow +
                       "' --candidates 2000 " + options);
  }

  RunStatus status_of_last_run() {
    return Store(folder_ / "s.sqlite", OpenMode::read).runs().back().status;
  }

  const std::string one_layer_ = "  - {name: a, R: 3, S: 3, P: 8, Q: 8, C: 16, K: 16}\n";
  TemporaryFolder folder_;
};

// A mapper's job: one layer, one machine, few first runs.
TEST_F(SearchCli, OneLayerOnOneMachine) {
  int number = 0;
  for (const std::string options : {"--initial 8 --rtl-budget 20", "--rtl-budget 1",
                                    "--rtl-budget 9 --batch 1", "--initial 8 --rtl-budget 8"}) {
    const std::string store = std::to_string(number++) + ".sqlite";
    const Outcome result = search(one_layer_, kAnswers, options, store);
    EXPECT_EQ(result.exit_code, 0) << options << result.err;
    EXPECT_THAT(result.out, HasSubstr("[RTL budget]"));
    EXPECT_THAT(result.out, HasSubstr("Best design: dim 16"));
  }
}

TEST_F(SearchCli, EqualLayersAreMeasuredOnce) {
  std::string listed, counted =
                          "  - {name: a, count: 30, gemm: {M: 64, K: 64, N: 64}}\n"
                          "  - {name: z, gemm: {M: 32, K: 64, N: 64}}\n";
  for (int i = 0; i < 30; ++i)
    listed += "  - {name: a" + std::to_string(i) + ", gemm: {M: 64, K: 64, N: 64}}\n";
  listed += "  - {name: z, gemm: {M: 32, K: 64, N: 64}}\n";
  const auto of = [&](const std::string& layers, const std::string& store) {
    const Outcome result = search(layers, kAnswers, "--initial 8 --rtl-budget 20 --json", store);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return nlohmann::json::parse(result.out);
  };
  const auto a = of(listed, "l.sqlite"), b = of(counted, "c.sqlite");
  EXPECT_EQ(a["results"][0]["best"]["edp"], b["results"][0]["best"]["edp"]);
  EXPECT_EQ(a["results"][0]["rtl_runs"], b["results"][0]["rtl_runs"]);
  EXPECT_EQ(a["results"][0]["best"]["layers"].size(), 2u);
  EXPECT_EQ(a["results"][0]["best"]["layers"][0]["names"].size(), 30u);
  EXPECT_EQ(a["results"][0]["best"]["layers"][0]["count"], 30);
}

// No measurement, no design: exit 1, the reason, and the analytically best design in its place.
TEST_F(SearchCli, WithoutADesignItFailsAndOffersTheAnalyticalOne) {
  const Outcome lost = search(one_layer_, "echo no licence >&2; exit 3", "--rtl-budget 40");
  EXPECT_EQ(lost.exit_code, 1);
  EXPECT_THAT(lost.err, HasSubstr("polaris: search: no design was measured in every layer"));
  EXPECT_THAT(lost.err, HasSubstr("no licence"));
  EXPECT_THAT(lost.out, HasSubstr("Best design by the analytical model, not measured: dim 16"));
  EXPECT_THAT(lost.out, Not(HasSubstr("RTL-measured")));
  EXPECT_EQ(status_of_last_run(), RunStatus::failed);

  const Outcome refused = search(one_layer_, "cat >/dev/null; echo '{\"infeasible\": \"odd\"}'",
                                 "--rtl-budget 12", "t.sqlite");
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_THAT(refused.err, HasSubstr("no design was measured in every layer"));
}

// The flow comes back: the same command asks again and ends as on a fresh store.
TEST_F(SearchCli, AnOutageIsAskedAgain) {
  const std::string flow =
      "[ -e " + std::string(folder_ / "licence") + " ] || { echo away >&2; exit 3; }; " + kAnswers;
  const std::string options = "--rtl-budget 30 --initial 8 --json";
  EXPECT_EQ(search(one_layer_, flow, options).exit_code, 1);
  std::ofstream(folder_ / "licence") << "here";
  const Outcome again = search(one_layer_, flow, options + " --resume");
  const Outcome fresh = search(one_layer_, flow, options, "fresh.sqlite");
  EXPECT_EQ(again.exit_code, 0) << again.err;
  EXPECT_EQ(fresh.exit_code, 0) << fresh.err;
  EXPECT_EQ(nlohmann::json::parse(again.out)["results"][0]["best"],
            nlohmann::json::parse(fresh.out)["results"][0]["best"]);
  EXPECT_EQ(status_of_last_run(), RunStatus::finished);
}

// An outage after some runs: the answer so far is reported, and is not the whole one.
TEST_F(SearchCli, AnOutageInBetweenIsNotTheWholeAnswer) {
  const std::string count = folder_ / "count";
  const Outcome result =
      search(one_layer_,
             "n=$(cat " + count + " 2>/dev/null || echo 0); echo $((n+1)) > " + count +
                 "; [ $n -lt 20 ] || { echo away >&2; exit 1; }; " + kAnswers,
             "--rtl-budget 200 --threads 1");
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr("lost to failures of the machine"));
  EXPECT_THAT(result.out, HasSubstr("Best design: dim 16"));
  EXPECT_EQ(status_of_last_run(), RunStatus::failed);
}

// A rival that could not be measured is no rival that was beaten.
TEST_F(SearchCli, AnOutageOfARivalIsNotTheWholeAnswer) {
  const std::string count = folder_ / "count";
  const Outcome result =
      search(one_layer_,
             "n=$(cat " + count + " 2>/dev/null || echo 0); echo $((n+1)) > " + count +
                 "; [ $n -lt 8 ] || { echo away >&2; exit 1; }; " + kAnswers,
             "--rtl-budget 8 --threads 1 --compare random");
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr("polaris: search: random: "));
  EXPECT_THAT(result.err, HasSubstr("lost to failures of the machine"));
  EXPECT_THAT(result.out, HasSubstr("Best design: dim 16"));
}

TEST_F(SearchCli, InterruptedItSaysSoEverywhere) {
  const std::string json = folder_ / "report.json";
  const std::string flow = write("slow.sh", std::string("#!/bin/sh\nsleep 0.05\n") + kAnswers);
  const pid_t child = start_child(
      {POLARIS_BINARY, "--quiet", "search", "--workload", write("w.yaml", kHead + one_layer_),
       "--space", write("one.yaml", kOneMachine), "--store", folder_ / "s.sqlite", "--evaluator",
       "sh " + flow, "--candidates", "2000", "--rtl-budget", "100000", "--json-out", json},
      "/dev/null");
  const auto evaluations = [&] {
    try {
      return Store(folder_ / "s.sqlite", OpenMode::read).evaluations({}).size();
    } catch (const std::exception&) {
      return std::size_t{0};  // being created
    }
  };
  while (evaluations() < 20) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  ::kill(child, SIGINT);
  const int status = end_of(child);
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 1);
  const auto report = nlohmann::json::parse(std::ifstream(json));
  EXPECT_EQ(report["complete"], false);
  EXPECT_EQ(report["results"][0]["stop_reason"], "interrupted");
  EXPECT_EQ(status_of_last_run(), RunStatus::interrupted);
}

// 5 x 10^8 cycles cannot be simulated in a second: said before anything is simulated.
TEST_F(SearchCli, ATimeLimitThatNoRunCanMeetIsRefusedAtOnce) {
  const Outcome result =
      run_polaris("--quiet search --workload " +
                  write("w.yaml", std::string(kHead) +
                                      "  - {name: big, gemm: {M: 2048, K: 4096, N: 11008}}\n") +
                  " --space " + write("one.yaml", kOneMachine) + " --store " +
                  std::string(folder_ / "s.sqlite") + " --run-time-limit 1");
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr("layer big needs"));
  EXPECT_THAT(result.err, HasSubstr("--run-time-limit 1"));
  EXPECT_THAT(result.out, HasSubstr("Best design by the analytical model, not measured"));
  EXPECT_TRUE(Store(folder_ / "s.sqlite", OpenMode::read).runs().empty());
}

}  // namespace
}  // namespace polaris
