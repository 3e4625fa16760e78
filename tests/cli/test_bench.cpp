// polaris bench: what its reports hold, comparison, refusals. Nothing here looks at a time.
#include <nlohmann/json.hpp>
#include <set>

#include "host/core/version.hpp"
#include "tests/cli/run_polaris.hpp"

namespace polaris {
namespace {

using nlohmann::json;

const std::string kShort = "bench --threads 1 --backend cpu --seconds 0.001 --candidates 64 ";

void write(const std::string& path, const std::string& text) { std::ofstream(path) << text; }

TEST(Bench, ReportsEveryStageOfEveryModel) {
  const TemporaryFolder folder;
  const std::string file = folder / "report.json";
  const Outcome outcome =
      run_polaris(kShort + "--samples 16,70 --best 5 --seed 3 --json --json-out '" + file + "'");
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ(outcome.out, content_of(file));
  const json report = json::parse(outcome.out);
  EXPECT_EQ(report["schema"], "polaris-bench");
  EXPECT_EQ(report["schema_version"], 1);
  EXPECT_EQ(report["version"], kVersion);
  EXPECT_EQ(report["backend"], "cpu");
  EXPECT_EQ(report["seed"], 3);
  EXPECT_NE(report["commit"], "");
  EXPECT_EQ(report["machine"]["threads"], 1);
  for (const char* peak : {"multiply_add_flops", "gemm_flops", "copy_bytes"})
    EXPECT_GT(report["machine"][peak], 0.0) << peak;
  ASSERT_EQ(report["models"].size(), 2u);
  EXPECT_EQ(report["models"][0]["samples"], 16);
  EXPECT_EQ(report["models"][1]["samples"], 70);
  for (const json& model : report["models"]) {
    EXPECT_LT(model["inputs_that_vary"], model["inputs"]);
    std::set<std::string> names;
    for (const char* part : {"stages", "end_to_end"})
      for (const json& entry : model[part]) {
        names.insert(entry["name"]);
        EXPECT_GT(entry["candidates_per_s"], 0.0) << entry;
      }
    for (const char* name :
         {"decode and check", "features", "encoder", "kernel row and mean", "bound of the variance",
          "rest of the variance", "kernel row, mean and whole variance", "prediction",
          "acquisition", "mean and variance of all", "mean and bound of the variance",
          "5 best by expected improvement", "5 best by lower confidence bound",
          "range: mean and variance of all", "range: mean and bound of the variance",
          "range: 5 best by expected improvement", "range: 5 best by lower confidence bound"})
      EXPECT_TRUE(names.contains(name)) << name;
    int rankings = 0;
    for (const json& entry : model["end_to_end"]) {
      if (!entry.contains("rescored")) continue;
      ++rankings;
      EXPECT_GE(entry["rescored"], 5) << entry;
    }
    EXPECT_EQ(rankings, 4);
    EXPECT_GT(model["candidates_per_shared_features"], 1.0);
  }
}

TEST(Bench, ComparesReports) {
  const TemporaryFolder folder;
  const auto report = [](double rate, int samples) {
    const json machine = {{"cpu", "a CPU"},    {"instructions", "AVX2"},
                          {"threads", 2},      {"multiply_add_flops", 1e9},
                          {"gemm_flops", 1e9}, {"copy_bytes", 1e9}};
    const json entry = {{"name", "features"}, {"candidates_per_s", rate}};
    const json model = {
        {"model", "synthetic"},       {"samples", samples}, {"inputs", 93},
        {"inputs_that_vary", 78},     {"outputs", 2},       {"stages", json::array({entry})},
        {"end_to_end", json::array()}};
    return json{{"schema", "polaris-bench"},
                {"schema_version", 1},
                {"version", "1"},
                {"commit", "c"},
                {"backend", "cpu"},
                {"machine", machine},
                {"models", json::array({model})}};
  };
  const std::string a = folder / "a.json", b = folder / "b.json", other = folder / "other.json";
  write(a, report(100.0, 10).dump());
  write(b, report(250.0, 10).dump());
  write(other, report(100.0, 11).dump());
  const Outcome outcome = run_polaris("bench --compare '" + a + "' '" + b + "'");
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_NE(outcome.out.find("2.500x"), std::string::npos) << outcome.out;
  // Models of other sizes have no ratio.
  const Outcome apart = run_polaris("bench --compare '" + a + "' '" + other + "'");
  EXPECT_EQ(apart.exit_code, 0) << apart.err;
  EXPECT_EQ(apart.out.find("features"), std::string::npos) << apart.out;
}

TEST(Bench, RefusesFilesThatAreNoReports) {
  const TemporaryFolder folder;
  const std::string good = folder / "good.json", bad = folder / "bad.json";
  write(good, R"({"schema": "polaris-bench", "schema_version": 1})");
  const auto compare = [&](const std::string& second) {
    return run_polaris("bench --compare '" + good + "' '" + second + "'");
  };
  expect_refused(compare(folder / "none.json"), kWrongInput, "none.json");
  write(bad, "{");
  expect_refused(compare(bad), kWrongInput, "expected JSON");
  write(bad, "[]");
  expect_refused(compare(bad), kWrongInput, "expected a report of polaris-bench 1");
  write(bad, R"({"schema": "other"})");
  expect_refused(compare(bad), kWrongInput, "expected a report of polaris-bench 1");
  write(bad, R"({"schema": "polaris-bench", "schema_version": 2})");
  expect_refused(compare(bad), kWrongInput, "got version 2");
  expect_refused(compare(good), kWrongInput, "expected a whole report");
  expect_refused(run_polaris("bench --compare '" + good + "'"), kWrongInput, "--compare");
}

TEST(Bench, RefusesWhatItCannotMeasure) {
  const TemporaryFolder folder;
  expect_refused(run_polaris(kShort + "--samples 0"), kWrongInput, "--samples");
  expect_refused(run_polaris(kShort + "--best 0"), kWrongInput, "--best");
  expect_refused(run_polaris(kShort + "--seconds 0"), kWrongInput, "--seconds");
  expect_refused(run_polaris(kShort + "--incumbent -1"), kWrongInput, "--incumbent");
  expect_refused(run_polaris(kShort + "--quiet --layer conv99"), kWrongInput, "conv99");
  expect_refused(run_polaris(kShort + "--quiet --workload nothing"), kWrongInput, "nothing");
  expect_refused(run_polaris(kShort + "--quiet --model '" + (folder / "none") + "'"), kWrongInput,
                 "none");
  expect_refused(run_polaris(kShort + "--quiet --json-out '" + (folder / "no/such/file") + "'"),
                 kWrongInput, "no/such/file");
  EXPECT_FALSE(std::filesystem::exists(folder / "no"));
}

}  // namespace
}  // namespace polaris
