// A search with real RTL, killed in the middle and resumed, as a user does it.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <thread>

#include "host/io/mapping_text.hpp"
#include "host/space/layer_text.hpp"
#include "host/store/store.hpp"
#include "tests/cli/child.hpp"
#include "tests/cli/run_polaris.hpp"

namespace polaris {
namespace {

constexpr int kBudget = 60;

constexpr char kWorkload[] = R"(polaris: 1
kind: workload
name: tiny
layers:
  - {name: conv, count: 2, R: 3, S: 3, P: 8, Q: 8, C: 8, K: 16}
  - {name: strided, R: 3, S: 3, P: 4, Q: 4, C: 16, K: 16, stride: 2}
  - {name: gemm, count: 3, gemm: {M: 8, K: 32, N: 16}}
)";

std::vector<std::string> arguments(const std::string& workload, const std::string& store,
                                   const std::string& json) {
  return {POLARIS_BINARY, "search",       "--workload", workload,    "--space",   "small",
          "--store",      store,          "--resume",   "--seed",    "5",         "--json-out",
          json,           "--rtl-budget", "60",         "--batch",   "8",         "--initial",
          "12",           "--candidates", "2000",       "--compare", "analytical"};
}

pid_t start(const std::vector<std::string>& words) { return start_child(words, "/dev/null"); }

std::size_t evaluations(const std::string& store) {
  if (!std::filesystem::exists(store)) return 0;
  try {
    return Store(store, OpenMode::read).evaluations({}).size();
  } catch (const std::exception&) {
    return 0;  // being created
  }
}

std::set<std::string> points_of(const std::string& store) {
  std::set<std::string> out;
  for (const Evaluation& e : Store(store, OpenMode::read).evaluations({})) {
    const HardwareConfig& h = e.point.hardware;
    const std::string key = format_layer(e.layer) + format_mapping(e.point.mapping) +
                            std::to_string(h.dim) + " " + std::to_string(h.accumulator_words) +
                            " " + std::to_string(h.scratchpad_bytes) + " " +
                            std::to_string(e.cycles);
    EXPECT_TRUE(out.insert(key).second) << "evaluated twice: " << key;
  }
  return out;
}

/// The report without what depends on the clock.
nlohmann::json decisions(const std::string& file) {
  nlohmann::json report = nlohmann::json::parse(std::ifstream(file));
  for (auto& result : report["results"]) {
    result.erase("candidates_per_second");
    for (auto& step : result["steps"])
      for (const char* clock : {"score_seconds", "fit_seconds", "elapsed_seconds"})
        step.erase(clock);
  }
  return report;
}

TEST(Resume, AKilledSearchLosesAndRepeatsNothing) {
  const TemporaryFolder folder;
  const std::string workload = folder / "tiny.yaml";
  std::ofstream(workload) << kWorkload;

  const auto undisturbed = arguments(workload, folder / "a.sqlite", folder / "a.json");
  ASSERT_EQ(end_of(start(undisturbed)), 0);

  // Killed at three depths, then left to end.
  const std::string store = folder / "b.sqlite";
  const auto disturbed = arguments(workload, store, folder / "b.json");
  for (const std::size_t depth : {5u, 25u, 50u}) {
    const pid_t child = start(disturbed);
    while (evaluations(store) < depth && ::waitpid(child, nullptr, WNOHANG) == 0)
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    ::kill(child, SIGKILL);
    end_of(child);
  }
  ASSERT_EQ(end_of(start(disturbed)), 0);

  // Files of at most 80 KiB stand in for a disk that fills up; then there is room again.
  const std::string full = folder / "c.sqlite";
  std::vector<std::string> limited = {"/bin/sh", "-c", "trap '' XFSZ; ulimit -f 160; exec \"$@\"",
                                      "sh"};
  const auto stopped = arguments(workload, full, folder / "c.json");
  limited.insert(limited.end(), stopped.begin(), stopped.end());
  const int status = end_of(start(limited));
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 1) << status;
  EXPECT_FALSE(std::filesystem::exists(folder / "c.json"));
  ASSERT_EQ(end_of(start(stopped)), 0);
  EXPECT_EQ(points_of(folder / "a.sqlite"), points_of(full));
  EXPECT_EQ(decisions(folder / "a.json"), decisions(folder / "c.json"));

  EXPECT_EQ(points_of(folder / "a.sqlite"), points_of(store));
  EXPECT_EQ(decisions(folder / "a.json"), decisions(folder / "b.json"));
  EXPECT_EQ(Store(store, OpenMode::read).runs().size(), 2u);  // polaris and its rival
  EXPECT_LE(decisions(folder / "b.json")["results"][0]["rtl_runs"], kBudget);
}

TEST(Resume, BadInputLeavesNothing) {
  const TemporaryFolder folder;
  const std::string workload = folder / "tiny.yaml";
  std::ofstream(workload) << kWorkload << "  - {name: odd, groups: 2}\n";
  const std::string store = folder / "s.sqlite";
  expect_refused(run_polaris("search --workload '" + workload + "' --store '" + store + "'"),
                 kWrongInput, "tiny.yaml:8");
  expect_refused(run_polaris("search --workload resnet50 --space nowhere --store '" + store + "'"),
                 kWrongInput, "nowhere");
  expect_refused(run_polaris("search --workload resnet50 --rtl-budget 0 --store '" + store + "'"),
                 kWrongInput, "--rtl-budget");
  expect_refused(run_polaris("search --workload resnet50 --compare luck --store '" + store + "'"),
                 kWrongInput, "--compare");
  EXPECT_FALSE(std::filesystem::exists(store));
}

}  // namespace
}  // namespace polaris
