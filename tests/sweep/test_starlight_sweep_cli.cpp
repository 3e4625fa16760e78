// polaris sweep and merge with a Starlight model, as a user runs them.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "host/io/table.hpp"
#include "tests/cli/run_polaris.hpp"
#include "tests/starlight/fixture.hpp"
#include "tests/sweep/disturbed.hpp"

namespace polaris {
namespace {

namespace fs = std::filesystem;

/// Two models and a workload of two layers with some thousand points to score.
struct Setting {
  TemporaryFolder folder;
  std::string model = folder / "model", other = folder / "other", sweep;

  Setting() {
    test_model().save(model);
    test_model().with_samples(test_samples(60)).save(other);
    const std::string workload = folder / "tiny.yaml";
    std::ofstream(workload) << "polaris: 1\nkind: workload\nname: tiny\nlayers:\n"
                               "  - {name: a, count: 2, R: 1, S: 1, P: 2, Q: 1, C: 4, K: 4}\n"
                               "  - {name: b, R: 3, S: 1, P: 2, Q: 1, C: 2, K: 4}\n";
    sweep = "sweep --space small --workload '" + workload + "' --backend cpu ";
  }

  std::string with_model() const { return sweep + "--model '" + model + "' "; }
  std::string out(const std::string& name) const { return " --out '" + (folder / name) + "'"; }
  std::string shard(const std::string& name, int i, int n) const {
    return fmt::format("'{}/shard-{:04}-of-{:04}.json' ", folder / name, i, n);
  }
};

const Setting& setting() {
  static const Setting one;
  return one;
}

nlohmann::json certificate(const std::string& options) {
  const TemporaryFolder folder;
  const Outcome outcome = run_polaris(options + " --json --out '" + (folder / "out") + "'");
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  return nlohmann::json::parse(outcome.out, nullptr, false);
}

void expect_same_files(const std::string& a, const std::string& b,
                       const std::vector<std::string>& names) {
  for (const std::string& name : names)
    EXPECT_EQ(content_of((fs::path(a) / name).string()), content_of((fs::path(b) / name).string()))
        << name;
}

TEST(StarlightSweepCommand, ShardsMergeWithTheModelToTheFilesOfOneSweep) {
  const Setting& s = setting();
  const Outcome direct = run_polaris(s.with_model() + s.out("direct"));
  ASSERT_EQ(direct.exit_code, 0) << direct.err;
  for (const char* shard : {"1/2", "2/2"})
    ASSERT_EQ(run_polaris(s.with_model() + "--shard " + shard + s.out("parts")).exit_code, 0);
  const std::string merge = fmt::format("merge '{}' {}{}", s.folder / "parts",
                                        s.shard("parts", 1, 2), s.shard("parts", 2, 2));
  expect_refused(run_polaris(merge), kWrongInput, "--model");
  expect_refused(run_polaris(merge + "--model '" + s.other + "'"), kWrongInput,
                 "the model of the sweep");
  EXPECT_FALSE(fs::exists(s.folder / "parts/certificate.json"));
  const Outcome merged = run_polaris(merge + "--model '" + s.model + "'");
  ASSERT_EQ(merged.exit_code, 0) << merged.err;
  EXPECT_EQ(merged.out, direct.out);
  expect_same_files(s.folder / "direct", s.folder / "parts",
                    {"certificate.json", "hardware.csv", "pareto.csv", "top.csv", "network.csv",
                     "network_points.csv"});

  const Table network = read_table(s.folder / "direct/network.csv");
  ASSERT_GT(network.rows.size(), 0u);
  const auto sd = static_cast<std::size_t>(network.require("log_edp_sd"));
  for (const auto& row : network.rows) EXPECT_GT(std::stod(row[sd]), 0.0);

  // The same shard by another model is of another sweep: neither resumed nor merged.
  const std::string by_other = s.sweep + "--model '" + s.other + "' --shard 2/2";
  expect_refused(run_polaris(by_other + s.out("parts")), kWrongInput, "got model_hash");
  ASSERT_EQ(run_polaris(by_other + s.out("strange")).exit_code, 0);
  expect_refused(
      run_polaris(fmt::format("merge '{}' {}{} --model '{}'", s.folder / "mixed",
                              s.shard("parts", 1, 2), s.shard("strange", 2, 2), s.model)),
      kWrongInput, "got model_hash");
  EXPECT_FALSE(fs::exists(s.folder / "mixed"));
}

TEST(StarlightSweepCommand, OnlyTopKeepsTheBestPointsAndNeedsNoModelToMerge) {
  const Setting& s = setting();
  ASSERT_EQ(run_polaris(s.with_model() + s.out("all")).exit_code, 0);
  ASSERT_EQ(run_polaris(s.with_model() + "--only-top" + s.out("best")).exit_code, 0);
  // The hash of the sweep, its first column, differs; the points do not.
  Table all = read_table(s.folder / "all/top.csv"), best = read_table(s.folder / "best/top.csv");
  ASSERT_EQ(all.rows.size(), best.rows.size());
  for (std::size_t r = 0; r < all.rows.size(); ++r) {
    EXPECT_NE(all.rows[r][0], best.rows[r][0]);
    all.rows[r][0] = best.rows[r][0];
    EXPECT_EQ(all.rows[r], best.rows[r]);
  }
  for (const char* name : {"hardware.csv", "pareto.csv", "network.csv"})
    EXPECT_FALSE(fs::exists(fs::path(s.folder / "best") / name));
  for (const char* shard : {"1/2", "2/2"})
    ASSERT_EQ(run_polaris(s.with_model() + "--only-top --shard " + shard + s.out("few")).exit_code,
              0);
  const Outcome merged = run_polaris(
      fmt::format("merge '{}' {}{}", s.folder / "few", s.shard("few", 2, 2), s.shard("few", 1, 2)));
  ASSERT_EQ(merged.exit_code, 0) << merged.err;
  expect_same_files(s.folder / "best", s.folder / "few", {"certificate.json", "top.csv"});
}

TEST(StarlightSweepCommand, OnlyTopKilledTwiceEndsWithTheSameBytes) {
  const Setting& s = setting();
  const std::string whole = s.folder / "undisturbed", torn = s.folder / "torn",
                    log = s.folder / "log";
  const std::vector<std::string> words = {
      "sweep",        "--workload", "resnet50",    "--space", "small",     "--layer",
      "conv5_3x3",    "--range",    "0:12000000",   "--model", s.model,     "--only-top",
      "--top",        "5",          "--objective", "mean",    "--threads", "1",
      "--checkpoint", "0",          "--backend",   "cpu"};
  const Outcome direct = run_polaris(joined(words) + "--out '" + whole + "'");
  ASSERT_EQ(direct.exit_code, 0) << direct.err;
  for (int life = 0; life < 2; ++life) kill_after_checkpoint(words, torn, log);
  ASSERT_FALSE(HasFatalFailure());
  const Outcome rest = run_polaris(joined(words) + "--out '" + torn + "'");
  ASSERT_EQ(rest.exit_code, 0) << rest.err;
  EXPECT_EQ(rest.out, direct.out);
  expect_same_files(whole, torn, {"certificate.json", "top.csv", "shard-0001-of-0001.json"});
}

/// Largest value of a column: of the best points, so that worse points exceed it.
double largest(const Table& table, const char* column) {
  double out = 0.0;
  const auto at = static_cast<std::size_t>(table.require(column));
  for (const auto& row : table.rows) out = std::max(out, std::stod(row[at]));
  return out;
}

TEST(StarlightSweepCommand, EveryLimitHasItsClassForBothFidelities) {
  const Setting& s = setting();
  for (const std::string& base : {s.sweep, s.with_model()}) {
    const TemporaryFolder folder;
    ASSERT_EQ(run_polaris(base + "--out '" + (folder / "out") + "'").exit_code, 0);
    const Table kept = read_table(folder / "out/hardware.csv");
    const nlohmann::json free = certificate(base);
    EXPECT_EQ(free["coverage"]["excluded_hardware"], 0);
    EXPECT_EQ(free["coverage"]["over_limit"], 0);
    for (const auto& [option, count] : std::vector<std::pair<std::string, std::string>>{
             {"--max-area 0.06", "excluded_hardware"},
             {"--max-accumulator-kib 1", "excluded_hardware"},
             {"--max-scratchpad-kib 2", "excluded_hardware"},
             {fmt::format("--max-latency {}", largest(kept, "cycles")), "over_limit"},
             {fmt::format("--max-energy {}", 1e-6 * largest(kept, "energy_pj")), "over_limit"}}) {
      SCOPED_TRACE(base + option);
      const nlohmann::json limited = certificate(base + option);
      EXPECT_GT(limited["coverage"][count], 0);
      EXPECT_GT(limited["coverage"]["scored"], 0);
      EXPECT_LT(limited["coverage"]["scored"], free["coverage"]["scored"]);
      EXPECT_EQ(limited["coverage"]["points"], free["coverage"]["points"]);
    }
  }
}

TEST(StarlightSweepCommand, DryRunForecastsWithoutWriting) {
  const Setting& s = setting();
  const Outcome outcome = run_polaris(s.with_model() + "--dry-run --json" + s.out("forecast"));
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  const nlohmann::json forecast = nlohmann::json::parse(outcome.out);
  EXPECT_EQ(forecast["points"], certificate(s.with_model())["coverage"]["points"]);
  for (const char* field : {"scored", "seconds", "result_bytes", "sampled_tiles"})
    EXPECT_GT(forecast[field], 0) << field;
  EXPECT_FALSE(fs::exists(s.folder / "forecast"));
}

}  // namespace
}  // namespace polaris
