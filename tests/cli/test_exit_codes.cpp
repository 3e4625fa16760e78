// The exit code of every command, in every kind of end. README.md promises them.
#include <signal.h>

#include <chrono>
#include <functional>
#include <thread>
#include <vector>

#include "host/io/table.hpp"
#include "host/store/store.hpp"
#include "tests/cli/child.hpp"
#include "tests/cli/run_polaris.hpp"

namespace polaris {
namespace {

namespace fs = std::filesystem;

const std::string kGolden = std::string(POLARIS_TEST_DATA) + "/golden_rtl.csv";

/// A command line; @ stands for the folder of the inputs, % for that of the outputs.
struct Case {
  std::string arguments;
  int exit_code;
  std::string output = "";  ///< that is written with this exit code; with others it must not exist
  std::string part = "";    ///< of what stderr says
};

const std::vector<Case> kCases = {
    {"--help", kSuccess},
    {"", kWrongInput},
    {"no-such-command", kWrongInput},

    {"doctor --no-such-option", kWrongInput},

    {"space --workload bert_base --space small", kSuccess},
    {"space --workload @absent.yaml", kWrongInput, "", "absent.yaml"},
    {"space --workload @good.csv", kWrongInput},

    {"evaluate --in @good.csv --out %e.csv", kSuccess, "e.csv"},
    {"evaluate --in @good.csv --out %e.csv --strict", kSuccess, "e.csv"},
    {"evaluate --in @partial.csv --out %e.csv", kPartial, "e.csv", "2 of 4 rows invalid"},
    {"evaluate --in @partial.csv --out %e.csv --json", kPartial, "e.csv", "row is 2 ("},
    {"evaluate --in @partial.csv --out %e.csv --strict", kWrongInput, "", "row is 2 ("},
    {"evaluate --in @invalid.csv --out %e.csv", kWrongInput, "e.csv", "2 of 2 rows invalid"},
    {"evaluate --in @invalid.csv --out %e.csv --strict", kWrongInput, "", "row is 1 ("},
    {"evaluate --in @absent.csv --out %e.csv", kWrongInput, "", "absent.csv"},
    {"evaluate --in @good.csv --out %absent/e.csv", kWrongInput, "", "absent"},

    {"score --model @model --in @good.csv --out %s.csv", kSuccess, "s.csv"},
    {"score --model @model --in @good.csv --out %s.csv --strict", kSuccess, "s.csv"},
    {"score --model @model --in @partial.csv --out %s.csv", kPartial, "s.csv", "row is 2 ("},
    {"score --model @model --in @partial.csv --out %s.csv --strict", kWrongInput, "", "row is 2 ("},
    {"score --model @model --in @invalid.csv --out %s.csv", kWrongInput, "s.csv", "row is 1 ("},
    {"score --model @absent --in @good.csv --out %s.csv", kWrongInput, "", "absent"},

    {"train --low @good.csv --out %t", kSuccess, "t"},
    {"train --pretrained @encoder --high @good.csv --target target.cycle --out %t", kSuccess, "t"},
    {"train --pretrained @encoder --high @partial.csv --target target.cycle --out %t", kPartial,
     "t", "row is 2 ("},
    {"train --low @partial.csv --out %t", kPartial, "t", "row is 2 ("},
    {"train --low @partial.csv --high @partial.csv --target target.cycle --out %t", kPartial, "t"},
    {"train --pretrained @encoder --high @partial.csv --target target.cycle --out %t --strict",
     kWrongInput, "", "row is 2 ("},
    {"train --low @partial.csv --out %t --strict", kWrongInput, "", "row is 2 ("},
    {"train --pretrained @encoder --high @invalid.csv --target target.cycle --out %t", kWrongInput,
     "", "2 of 2 rows invalid"},
    {"train --low @invalid.csv --out %t", kWrongInput, "", "2 of 2 rows invalid"},
    {"train --out %t", kWrongInput},

    {"simulate --workload resnet50 --layer fc --dim 8 --accumulator-kib 8 --scratchpad-kib 32 "
     "--mapping 'L3[WIO] K125 C64 - "
     "L2[WI] N1 K8X - L1[O] C4 C8X - L0[W] N1' --evaluator 'sh @flow.sh'",
     kSuccess},
    {"simulate --workload resnet50 --layer fc --dim 8 --accumulator-kib 8 --scratchpad-kib 32 "
     "--mapping 'L3[WIO] K125 C64 - "
     "L2[WI] N1 K8X - L1[O] C4 C8X - L0[W] N1' --evaluator false",
     kFailed},
    {"simulate --workload resnet50 --layer fc --mapping nonsense", kWrongInput},

    {"search --workload resnet50 --space no-such-space", kWrongInput, "", "no-such-space"},

    {"sweep --workload resnet50 --layer fc --space small --out %sweep", kSuccess,
     "sweep/certificate.json"},
    {"sweep --workload resnet50 --layer no-such-layer --out %sweep", kWrongInput, "", "--layer"},
    {"merge %merged @sweep/shard-0001-of-0001.json", kSuccess, "merged/certificate.json"},
    {"merge %merged @absent.json", kWrongInput, "", "absent.json"},
    {"merge %merged @good.csv", kWrongInput, "", "good.csv"},

    {"report --store @store.db --what runs", kSuccess},
    {"report --store @store.db --what runs --out %r.csv", kSuccess, "r.csv"},
    {"report --store @absent.db --what runs", kWrongInput, "", "absent.db"},

    {"bench --samples 16 --candidates 64 --seconds 0.001 --json-out %b.json", kSuccess, "b.json"},
    {"bench --compare @bench.json @bench.json", kSuccess},
    {"bench --compare @bench.json @good.csv", kWrongInput, "", "good.csv"},
    {"bench --layer no-such-layer --json-out %b.json", kWrongInput, "", "--layer"},
};

class ExitCodes : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    inputs_ = new TemporaryFolder;
    const Table golden = read_table(kGolden);
    const auto k = static_cast<std::size_t>(golden.require("prob.K"));
    const auto write = [&](const char* name, std::size_t rows, std::size_t invalid_from) {
      Table table = golden;
      table.rows.resize(rows);
      for (std::size_t i = invalid_from; i < rows; i += 2) table.rows[i][k] = "7";
      write_table(table, *inputs_ / name);
    };
    write("good.csv", 4, 4);
    write("partial.csv", 4, 1);
    write("invalid.csv", 2, 0);
    Table invalid = read_table(*inputs_ / "invalid.csv");
    invalid.rows[1] = invalid.rows[0];
    write_table(invalid, *inputs_ / "invalid.csv");
    // A few seconds of work for `evaluate` and `score`.
    Table large = golden;
    for (int n = 0; n < 12; ++n) {
      const auto rows = large.rows;
      large.rows.insert(large.rows.end(), rows.begin(), rows.end());
    }
    write_table(large, *inputs_ / "large.csv");
    std::ofstream(*inputs_ / "flow.sh")
        << "cat > /dev/null; echo '{\"cycles\": 9000000, \"energy_pj\": 7.5}'\n";
    RunInfo run;
    run.kind = "search";
    Store(*inputs_ / "store.db", OpenMode::write).begin_run(run);
    prepare("train --low '" + kGolden + "' --out @encoder");
    prepare("train --pretrained @encoder --high '" + kGolden +
            "' --target target.cycle --out @model");
    prepare("sweep --workload resnet50 --layer fc --space small --out @sweep");
    prepare("bench --samples 16 --candidates 64 --seconds 0.001 --json-out @bench.json");
  }
  static void TearDownTestSuite() { delete inputs_; }

  static void prepare(const std::string& arguments) {
    const Outcome outcome = run_polaris(with_paths(arguments, ""));
    ASSERT_EQ(outcome.exit_code, kSuccess) << outcome.err;
  }

  static std::string with_paths(const std::string& arguments, const std::string& outputs) {
    std::string out;
    for (const char c : arguments) {
      if (c == '@')
        out += *inputs_ / "";
      else if (c == '%')
        out += outputs;
      else
        out += c;
    }
    return out;
  }

  static TemporaryFolder* inputs_;
};
TemporaryFolder* ExitCodes::inputs_ = nullptr;

std::size_t files_in(const TemporaryFolder& folder) {
  return static_cast<std::size_t>(
      std::distance(fs::directory_iterator(folder.path()), fs::directory_iterator()));
}

TEST_F(ExitCodes, AreWhatTheTableSays) {
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.arguments);
    const TemporaryFolder outputs;
    const Outcome outcome = run_polaris(with_paths("--quiet " + c.arguments, outputs / ""));
    EXPECT_EQ(outcome.exit_code, c.exit_code) << outcome.err;
    if (c.exit_code != kSuccess) {
      const std::size_t last = outcome.err.rfind("polaris: ");
      ASSERT_NE(last, std::string::npos) << outcome.err;
      EXPECT_EQ(std::count(outcome.err.begin() + static_cast<std::ptrdiff_t>(last),
                           outcome.err.end(), '\n'),
                1)
          << outcome.err;
      EXPECT_NE(outcome.err.find(c.part, last), std::string::npos) << outcome.err;
    }
    if (c.output.empty())
      EXPECT_EQ(files_in(outputs), 0u);
    else
      EXPECT_TRUE(fs::exists(outputs / c.output));
  }
}

TEST_F(ExitCodes, AStdoutThatTakesNothingIsAFailure) {
  for (const Case& c : kCases) {
    if (c.exit_code != kSuccess && c.exit_code != kPartial) continue;
    const TemporaryFolder unused;
    if (run_polaris(with_paths(c.arguments, unused / "")).out.empty()) continue;
    for (const char* stdout_of : {"> /dev/full", ">&-"}) {
      SCOPED_TRACE(c.arguments + " " + stdout_of);
      const TemporaryFolder outputs, logs;
      const std::string command = "'" POLARIS_BINARY "' --quiet " +
                                  with_paths(c.arguments, outputs / "") + " " + stdout_of +
                                  " 2> '" + logs / "err" + "' < /dev/null";
      const int status = std::system(command.c_str());
      ASSERT_TRUE(WIFEXITED(status));
      EXPECT_EQ(WEXITSTATUS(status), kFailed);
      const std::string err = content_of(logs / "err");
      const std::size_t last = err.rfind("polaris: ");
      ASSERT_NE(last, std::string::npos) << err;
      EXPECT_EQ(err.find('\n', last), err.size() - 1) << err;
    }
  }
}

/// Whether the process catches SIGINT, as Linux tells.
bool catches_interrupts(pid_t child) {
  std::ifstream status("/proc/" + std::to_string(child) + "/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("SigCgt:"))
      return (std::stoull(line.substr(line.find_first_of("0123456789abcdef", 7)), nullptr, 16) >>
              (SIGINT - 1)) &
             1;
  return false;
}

/// Ended by SIGINT as soon as it can be caught, each command, which has seconds of work to do,
/// fails and leaves nothing that looks like a result.
TEST_F(ExitCodes, AnInterruptedCommandFails) {
  const std::string in = *inputs_ / "";
  const TemporaryFolder outputs, logs;
  const std::vector<std::vector<std::string>> commands = {
      {"evaluate", "--in", in + "large.csv", "--out", outputs / "e.csv"},
      {"score", "--model", in + "model", "--in", in + "large.csv", "--out", outputs / "s.csv"},
      {"train", "--space", "default", "--workloads", "resnet50", "--out", outputs / "t"},
      {"space", "--workload", "resnet50", "--sample", "100000000"},
      {"bench", "--samples", "16", "--seconds", "60", "--json-out", outputs / "b.json"},
      {"sweep", "--workload", "resnet50", "--out", outputs / "sweep"},
  };
  for (const std::vector<std::string>& command : commands) {
    SCOPED_TRACE(command[0]);
    std::vector<std::string> words = {POLARIS_BINARY};
    words.insert(words.end(), command.begin(), command.end());
    const std::string log = logs / command[0];
    const pid_t child = start_child(words, log);
    while (!catches_interrupts(child)) {
      int status = 0;
      ASSERT_EQ(::waitpid(child, &status, WNOHANG), 0) << content_of(log);
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    ::kill(child, SIGINT);
    const int status = end_of(child);
    ASSERT_TRUE(WIFEXITED(status)) << content_of(log);
    EXPECT_EQ(WEXITSTATUS(status), kFailed) << content_of(log);
    EXPECT_NE(content_of(log).find("interrupted"), std::string::npos) << content_of(log);
  }
  // The sweep's folder holds what it can go on from; no other command has left a file.
  fs::remove(outputs / "sweep/shard-0001-of-0001.json");
  fs::remove(outputs / "sweep");
  EXPECT_EQ(files_in(outputs), 0u);
}

}  // namespace
}  // namespace polaris
