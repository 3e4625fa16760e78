// polaris sweep and merge as a user runs them: killed, interrupted, out of disk, misused.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <pty.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "host/core/atomic_file.hpp"
#include "host/core/hash.hpp"
#include "host/io/table.hpp"
#include "tests/cli/run_polaris.hpp"
#include "tests/sweep/disturbed.hpp"

namespace polaris {
namespace {

namespace fs = std::filesystem;

/// 10^8 points to score in several hundred tiles: long enough to be disturbed.
const std::vector<std::string> kLong = {"sweep",   "--workload",   "resnet50",
                                        "--layer", "conv5_3x3",    "--threads",
                                        "1",       "--checkpoint", "0"};

const std::vector<std::string> kResults = {"certificate.json", "hardware.csv", "pareto.csv",
                                           "top.csv", "shard-0001-of-0001.json"};

void expect_same_results(const std::string& a, const std::string& b) {
  for (const std::string& name : kResults)
    EXPECT_EQ(content_of((fs::path(a) / name).string()), content_of((fs::path(b) / name).string()))
        << name;
}

TEST(SweepCommand, KilledTwiceAndInterruptedItEndsWithTheSameBytes) {
  const TemporaryFolder folder;
  const std::string whole = folder / "whole", torn = folder / "torn", log = folder / "log";
  const Outcome direct = run_polaris(joined(kLong) + "--out '" + whole + "'");
  ASSERT_EQ(direct.exit_code, 0) << direct.err;
  for (int life = 0; life < 2; ++life) kill_after_checkpoint(kLong, torn, log);
  ASSERT_FALSE(HasFatalFailure());
  const std::string before = content_of(shard_file(torn));
  const pid_t child = start(kLong, torn, log);
  wait_for_checkpoint(child, torn, before);
  ::kill(child, SIGINT);
  const int status = end_of(child);
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), kFailed) << content_of(log);
  EXPECT_NE(content_of(log).find("the same command goes on from"), std::string::npos);
  EXPECT_FALSE(fs::exists(fs::path(torn) / "certificate.json"));

  const Outcome rest = run_polaris(joined(kLong) + "--out '" + torn + "'");
  ASSERT_EQ(rest.exit_code, 0) << rest.err;
  EXPECT_EQ(rest.out, direct.out);
  expect_same_results(whole, torn);
}

const std::string kShort = "sweep --workload resnet50 --layer fc --space small ";

TEST(SweepCommand, ShardsMergeToTheFilesOfOneSweep) {
  const TemporaryFolder folder;
  const std::string all = kShort + "--out '" + (folder / "all") + "'";
  const Outcome direct = run_polaris(all);
  ASSERT_EQ(direct.exit_code, 0) << direct.err;
  const std::string parts = folder / "parts";
  std::string files;
  for (const char* shard : {"1/2", "2/2"}) {
    const Outcome part = run_polaris(kShort + "--shard " + shard + " --out '" + parts + "'");
    ASSERT_EQ(part.exit_code, 0) << part.err;
    files.insert(0, fmt::format("'{}' ", part.out.substr(0, part.out.size() - 1)));
  }
  const Outcome merged = run_polaris("merge '" + parts + "' " + files);
  ASSERT_EQ(merged.exit_code, 0) << merged.err;
  EXPECT_EQ(merged.out, direct.out);
  for (const char* name : {"certificate.json", "hardware.csv", "pareto.csv", "top.csv"})
    EXPECT_EQ(content_of((fs::path(parts) / name).string()),
              content_of((fs::path(folder / "all") / name).string()));

  fs::remove(fs::path(parts) / "certificate.json");
  const auto refused = [&](const std::string& given, const std::string& part) {
    expect_refused(run_polaris("merge '" + parts + "' " + given), kWrongInput, part);
    EXPECT_FALSE(fs::exists(fs::path(parts) / "certificate.json"));
  };
  const std::string one = fmt::format("'{}/shard-0001-of-0002.json' ", parts);
  refused(one, "no shard 2/2");
  refused(files + one, "again");
  refused(fmt::format("'{}' {}", shard_file(folder / "all"), one), "a shard of 1");
  refused("nowhere.json", "nowhere.json");
}

TEST(SweepCommand, FullDiskLeavesTheLastCheckpoint) {
  const TemporaryFolder folder;
  const std::string out = folder / "out";
  // A file may grow to 8 KiB; the signal of the limit is ignored, so that writing fails.
  const std::string full = "trap '' XFSZ; ulimit -f 8;";
  const Outcome outcome = run_polaris(joined(kLong) + "--out '" + out + "'", full);
  expect_refused(outcome, kFailed, "write failed");
  for (const auto& entry : fs::directory_iterator(out))
    EXPECT_EQ(entry.path().filename(), "shard-0001-of-0001.json");
  EXPECT_EQ(run_polaris(joined(kLong) + "--out '" + out + "'").exit_code, 0);
}

TEST(SweepCommand, FullDiskWhileMergingLeavesNoCertificate) {
  const TemporaryFolder folder;
  const std::string out = folder / "out";
  ASSERT_EQ(run_polaris(kShort + "--out '" + out + "'").exit_code, 0);
  const std::string merge = "merge '" + out + "' '" + shard_file(out) + "'";
  // The certificate that is there belongs to the tables before, not to those half replaced.
  expect_refused(run_polaris(merge, "trap '' XFSZ; ulimit -f 1;"), kFailed, "write failed");
  EXPECT_FALSE(fs::exists(fs::path(out) / "certificate.json"));
  EXPECT_EQ(run_polaris(merge).exit_code, 0);
  EXPECT_TRUE(fs::exists(fs::path(out) / "certificate.json"));
}

/// The shard's file with `from` replaced, its hash made to match: what another program would write.
void rewrite(const std::string& folder, const std::string& from, const std::string& to) {
  std::string text = content_of(shard_file(folder));
  text.replace(text.find(from), from.size(), to);
  const std::size_t hash = text.rfind(",\"hash\"");
  std::ofstream(shard_file(folder)) << text.substr(0, hash) << ",\"hash\":\""
                                    << content_hash(text.substr(0, hash) + "}") << "\"}\n";
}

TEST(SweepCommand, FilesOfAnotherSpaceOrVersionAndCutOnesAreRefused) {
  const TemporaryFolder folder;
  const std::string out = folder / "out", sweep = kShort + "--out '" + out + "'";
  const std::string merge = "merge '" + (folder / "merged") + "' '" + shard_file(out) + "'";
  const auto again = [&] { ASSERT_EQ(run_polaris(sweep).exit_code, 0); };
  const auto refused = [&](const std::string& command, const std::string& part) {
    const std::string before = content_of(shard_file(out));
    expect_refused(run_polaris(command), kWrongInput, part);
    EXPECT_EQ(content_of(shard_file(out)), before);  // left for the user to look at
  };
  again();
  refused("sweep --workload resnet50 --layer fc --space gemmini --out '" + out + "'",
          "got space_hash");
  refused("sweep --workload bert_base --layer projection --space small --out '" + out + "'",
          "got workload_hash");

  rewrite(out, "\"polaris\":\"", "\"polaris\":\"9");
  refused(sweep, "got polaris \"9");
  refused(merge, "a sweep of polaris");
  rewrite(out, "\"polaris_sweep\":2", "\"polaris_sweep\":1");
  refused(sweep, "shard file of schema 2");
  refused(merge, "shard file of schema 2");

  fs::remove(shard_file(out));
  again();
  fs::resize_file(shard_file(out), fs::file_size(shard_file(out)) / 2);
  refused(sweep, "cut short");
  refused(merge, "cut short");
  EXPECT_FALSE(fs::exists(folder / "merged"));
}

/// What the program shows on a terminal until `part` appears, or it ends; then it is stopped.
std::string shown_on_terminal(const std::vector<std::string>& words, const std::string& out,
                              const std::string& part) {
  int terminal = 0;
  std::vector<std::string> all = words;
  all.insert(all.begin(), POLARIS_BINARY);
  all.insert(all.end(), {"--out", out});
  const pid_t child = new_child(::forkpty(&terminal, nullptr, nullptr, nullptr));
  if (child == 0) become(all);
  std::string text;
  char buffer[4096];
  while (text.find(part) == std::string::npos) {
    const ssize_t got = ::read(terminal, buffer, sizeof(buffer));
    if (got <= 0) break;
    text.append(buffer, static_cast<std::size_t>(got));
  }
  ::kill(child, SIGKILL);
  end_of(child);
  ::close(terminal);
  return text;
}

TEST(SweepCommand, ShowsRateAndTimeLeft) {
  const TemporaryFolder folder;
  const std::string text = shown_on_terminal(kLong, folder / "out", " left");
  const std::size_t line = text.rfind(" % ");
  ASSERT_NE(line, std::string::npos) << text;
  EXPECT_NE(text.find(" scored, ", line), std::string::npos) << text;
  EXPECT_NE(text.find("/s, ", line), std::string::npos) << text;
  EXPECT_NE(text.find(" left", line), std::string::npos) << text;
}

TEST(SweepCommand, DryRunWritesNothing) {
  const TemporaryFolder folder;
  const Outcome outcome =
      run_polaris("sweep --workload resnet50 --space small --layer fc --dry-run --json --out '" +
                  (folder / "out") + "'");
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_NE(outcome.out.find("\"points\""), std::string::npos);
  EXPECT_FALSE(fs::exists(folder / "out"));
}

TEST(SweepCommand, ItsOwnTablesNameThePointsToAvoid) {
  const TemporaryFolder folder;
  ASSERT_EQ(run_polaris(kShort + "--top 3 --out '" + (folder / "a") + "'").exit_code, 0);
  const std::string top = (fs::path(folder / "a") / "top.csv").string();
  const Outcome next =
      run_polaris(kShort + "--top 3 --out '" + (folder / "b") + "' --avoid '" + top + "'");
  ASSERT_EQ(next.exit_code, 0) << next.err;
  EXPECT_NE(next.out.find(" 3 avoided"), std::string::npos) << next.out;
  const Table first = read_table(top);
  const Table second = read_table(fs::path(folder / "b") / "top.csv");
  const auto index = static_cast<std::size_t>(first.require("index"));
  for (const auto& a : first.rows)
    for (const auto& b : second.rows) EXPECT_NE(a[index], b[index]);
}

TEST(SweepCommand, WrongInputIsRefusedInOneLine) {
  const TemporaryFolder folder;
  const std::string out = "--out '" + (folder / "out") + "' ";
  const std::string base = "sweep --workload resnet50 " + out;
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"--layer nothing", "conv1"},
      {"--range 0:1", "--layer"},
      {"--layer fc --range 5:4", "A <= B"},
      {"--layer fc --range 0:99999999999", "--range: expected A:B"},
      {"--shard 0/3", "1 <= i <= n"},
      {"--shard 4/3", "1 <= i <= n"},
      {"--objective ei --layer fc", "--incumbent"},
      {"--objective lcb", "--fidelity analytical"},
      {"--fidelity starlight", "--model"},
      {"--fidelity analytical --model m", "no --model"},
      {"--only-top", "--fidelity starlight"},
      {"--max-area 0.0001", "hardware configuration within the limits"},
      {"--top 0", "--top"},
      {"--avoid nowhere.csv", "nowhere.csv"}};
  for (const auto& [options, part] : cases)
    expect_refused(run_polaris(base + options), kWrongInput, part);
  std::ofstream(folder / "avoid.csv") << "layer,index\nfc,x\n";
  expect_refused(run_polaris(base + "--avoid '" + (folder / "avoid.csv") + "'"), kWrongInput,
                 "row 1");
  EXPECT_FALSE(fs::exists(folder / "out"));
}

}  // namespace
}  // namespace polaris
