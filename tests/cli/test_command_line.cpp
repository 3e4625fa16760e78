// What holds for every command: help, one-line refusals, exit codes.
#include <vector>

#include "host/core/version.hpp"
#include "host/engine/cuda_engine.hpp"
#include "tests/cli/run_polaris.hpp"

namespace polaris {
namespace {

/// The commands that `polaris --help` lists.
std::vector<std::string> commands() {
  std::istringstream help(run_polaris("--help").out);
  std::vector<std::string> out;
  bool listed = false;
  for (std::string line; std::getline(help, line);) {
    std::istringstream words(line);
    std::string first;
    words >> first;
    if (listed && line.rfind("  ", 0) == 0 && line[2] != ' ') out.push_back(first);
    if (line == "Subcommands:") listed = true;
  }
  return out;
}

TEST(CommandLine, TellsItsVersion) {
  const Outcome outcome = run_polaris("--version");
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_EQ(outcome.out, std::string("polaris ") + kVersion + "\n");
}

TEST(CommandLine, EveryCommandHasHelpWithAnExample) {
  ASSERT_GE(commands().size(), 3u);
  for (const std::string& command : commands()) {
    const Outcome outcome = run_polaris(command + " --help");
    EXPECT_EQ(outcome.exit_code, 0) << command;
    EXPECT_EQ(outcome.err, "") << command;
    EXPECT_NE(outcome.out.find("Example:\n  polaris " + command), std::string::npos) << outcome.out;
  }
}

TEST(CommandLine, EveryCommandRefusesWhatItDoesNotKnow) {
  for (const std::string& command : commands()) {
    SCOPED_TRACE(command);
    expect_refused(run_polaris(command + " --no-such-option"), kWrongInput, "");
    expect_refused(run_polaris(command + " --threads many"), kWrongInput,
                   "--threads: expected an integer of 0..4096, got 'many'");
  }
  expect_refused(run_polaris("doctor --no-such-option"), kWrongInput, "--no-such-option");
  expect_refused(run_polaris("no-such-command"), kWrongInput, "");
  expect_refused(run_polaris(""), kWrongInput, "subcommand is required");
}

TEST(CommandLine, GlobalOptionsAreCheckedWhereverTheyStand) {
  for (const char* seed : {"-1", "x", "010", "1.5", "18446744073709551616", "''"}) {
    expect_refused(run_polaris(std::string("--seed ") + seed + " doctor"), kWrongInput,
                   "--seed: expected an integer >= 0, got '");
    expect_refused(run_polaris(std::string("doctor --seed ") + seed), kWrongInput, "--seed");
  }
  expect_refused(run_polaris("doctor --threads -1"), kWrongInput, "--threads");
  expect_refused(run_polaris("doctor --backend tpu"), kWrongInput,
                 "--backend: expected one of auto, cpu, cuda, got 'tpu'");
  expect_refused(run_polaris("search --workload resnet50 --precision fp8"), kWrongInput,
                 "--precision: expected one of fp64, fp32, tf32, bf16, got 'fp8'");
  expect_refused(run_polaris("doctor --seed"), kWrongInput, "--seed");
  const std::string size = "space --workload bert_base --space small --json";
  EXPECT_EQ(run_polaris("--seed 7 " + size).out, run_polaris(size + " --seed 7").out);
  EXPECT_EQ(run_polaris(size, "POLARIS_SEED=7").out, run_polaris(size + " --seed 7").out);
  EXPECT_NE(run_polaris(size).out, run_polaris(size + " --seed 7").out);
}

/// No comparison with a bound refuses NaN, and what overflows is no number either.
TEST(CommandLine, NumbersAreFinite) {
  for (const std::string option :
       {"search --workload resnet50 --time-limit", "search --workload resnet50 --run-time-limit",
        "simulate --time-limit", "bench --incumbent", "bench --seconds",
        "score --model m --in i --out o --incumbent", "sweep --workload resnet50 --out o --beta",
        "sweep --workload resnet50 --out o --layer l --incumbent",
        "sweep --workload resnet50 --out o --max-area",
        "sweep --workload resnet50 --out o --max-energy",
        "sweep --workload resnet50 --out o --max-latency",
        "sweep --workload resnet50 --out o --checkpoint"})
    for (const char* value : {"nan", "-nan", "NAN", "inf", "-inf", "infinity", "1e400", "1e31",
                              "-1", "1x", "0x10", "1,5", "' 1'", "''"})
      expect_refused(run_polaris(option + " " + value), kWrongInput, ": expected a number ");
}

/// What `--pretrained "$FOLDER"` gives where the script forgot to set it.
TEST(CommandLine, EmptyValuesAreRefused) {
  const std::string search = "search --workload resnet50 ";
  for (const std::string& command :
       {search + "--pretrained ''", search + "--json-out ''", search + "--store ''",
        std::string("train --space small --workloads resnet50 --out ''"),
        std::string("sweep --workload resnet50 --out o --avoid ''"),
        std::string("report --store s --what runs --out ''"), std::string("merge o ''")})
    expect_refused(run_polaris(command), kWrongInput, ": expected a value, got ''");
}

TEST(CommandLine, CudaIsRefusedWhereThereIsNoGpu) {
  const std::optional<std::string> missing = cuda_missing();
  if (!missing) GTEST_SKIP() << "there is a GPU";
  expect_refused(
      run_polaris("train --pretrained model --high data.csv --target t --out o --backend cuda"),
      kWrongInput, "backend cuda: expected a usable GPU, got " + *missing);
}

TEST(CommandLine, AFullStdoutIsAFailure) {
  const int status = std::system("'" POLARIS_BINARY "' --help > /dev/full 2> /dev/null");
  EXPECT_EQ(WEXITSTATUS(status), kFailed);
}

}  // namespace
}  // namespace polaris
