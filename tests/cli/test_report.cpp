#include <nlohmann/json.hpp>

#include "host/store/store.hpp"
#include "tests/cli/run_polaris.hpp"

namespace polaris {
namespace {

using nlohmann::json;

/// A store of one run with one evaluation and one iteration.
void fill(const std::string& file) {
  Store store(file, OpenMode::write);
  RunInfo info;
  info.kind = "search";
  info.options = R"({"batch": 4})";
  const std::int64_t run = store.begin_run(info);
  Evaluation evaluation;
  evaluation.layer.size[index_of(Dim::P)] = 4;
  evaluation.point.mapping.temporal[index_of(Level::dram)][index_of(Dim::P)] = 4;
  evaluation.status = "failed";
  evaluation.reason = "comma, and \"quotes\"";
  evaluation.energy_pj = 0.1;
  store.record_evaluation(run, evaluation);
  store.record_iteration(run, {0, R"({"best": 1.5})"});
}

TEST(ReportCommand, ExportsCsvAndJson) {
  const TemporaryFolder folder;
  const std::string file = folder / "s.db";
  fill(file);
  const std::string report = "report --store '" + file + "' --what ";

  const Outcome csv = run_polaris(report + "evaluations");
  EXPECT_EQ(csv.exit_code, 0) << csv.err;
  EXPECT_EQ(std::count(csv.out.begin(), csv.out.end(), '\n'), 2);
  EXPECT_NE(csv.out.find("\"comma, and \"\"quotes\"\"\",,0.1,,{},"), std::string::npos) << csv.out;

  const json rows = json::parse(run_polaris(report + "evaluations --format json").out);
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows[0]["energy_pj"], 0.1);
  EXPECT_TRUE(rows[0]["cycles"].is_null());
  EXPECT_EQ(rows[0]["layer"], "R1 S1 P4 Q1 C1 K1 N1 stride 1 1 dilation 1 1");
  const json runs = json::parse(run_polaris(report + "runs --json").out);
  EXPECT_EQ(runs[0]["options"]["batch"], 4);
  EXPECT_EQ(runs[0]["status"], "running");
  const json iterations = json::parse(run_polaris(report + "iterations --json --run 1").out);
  EXPECT_EQ(iterations[0]["data"]["best"], 1.5);

  const Outcome to_file = run_polaris(report + "evaluations --out '" + folder / "e.csv" + "'");
  EXPECT_EQ(to_file.out, "");
  EXPECT_EQ(content_of(folder / "e.csv"), csv.out);
  run_polaris(report + "runs --json --out '" + folder / "r.json" + "'");
  EXPECT_EQ(json::parse(content_of(folder / "r.json")), runs);
}

TEST(ReportCommand, JsonThatNoRunWritesIsRefusedAsJson) {
  const TemporaryFolder folder;
  const std::string file = folder / "s.db";
  const std::string report = "report --what iterations --store '" + file + "' ";
  const std::string deep = std::string(900, '[') + std::string(900, ']');
  for (const std::string& data : {deep, std::string("{\"a\": "), std::string()}) {
    std::filesystem::remove(file);
    fill(file);
    Database(file, OpenMode::write)
        .execute("PRAGMA ignore_check_constraints = ON; UPDATE iterations SET data = '" + data +
                 "'");
    expect_refused(run_polaris(report + "--json"), kWrongInput, "column data: expected ");
    EXPECT_EQ(run_polaris(report).exit_code, 0);  // as text it is what it is
  }
}

/// The reason of an evaluator that means no good.
TEST(ReportCommand, ReasonsDoNoHarm) {
  const TemporaryFolder folder;
  const std::string file = folder / "s.db";
  {
    Store store(file, OpenMode::write);
    Evaluation evaluation;
    evaluation.status = "failed";
    evaluation.reason = "=HYPERLINK(1)\x1b[2J\xff";
    evaluation.energy_pj = -1.5;
    store.record_evaluation(store.begin_run({}), evaluation);
  }
  const std::string report = "report --store '" + file + "' --what evaluations";
  const Outcome csv = run_polaris(report);
  EXPECT_NE(csv.out.find(",'=HYPERLINK(1)\x1b[2J\xff,,-1.5,"), std::string::npos) << csv.out;
  const Outcome as_json = run_polaris(report + " --json");
  ASSERT_EQ(as_json.exit_code, 0) << as_json.err;
  EXPECT_EQ(json::parse(as_json.out)[0]["reason"], "=HYPERLINK(1)\x1b[2J\uFFFD");
}

TEST(ReportCommand, RefusalsLeaveNoFile) {
  const TemporaryFolder folder;
  const std::string file = folder / "s.db";
  const std::string out = " --out '" + folder / "out.csv" + "'";
  const std::string report = "report --store '" + file + "' --what ";
  expect_refused(run_polaris(report + "runs" + out), kWrongInput,
                 "expected a readable store, got unable to open database file");
  EXPECT_FALSE(std::filesystem::exists(file));
  fill(file);
  expect_refused(run_polaris(report + "runs --run 7" + out), kWrongInput,
                 "expected the id of a run, got 7");
  expect_refused(run_polaris(report + "results" + out), kWrongInput,
                 "expected one of runs, evaluations, iterations, got 'results'");
  expect_refused(run_polaris(report + "runs --format xml" + out), kWrongInput, "'xml'");
  expect_refused(run_polaris("report --what runs" + out), kWrongInput, "--store");
  EXPECT_FALSE(std::filesystem::exists(folder / "out.csv"));
  expect_refused(run_polaris(report + "runs --out /nonexistent/out.csv"), kWrongInput,
                 "/nonexistent/out.csv");
}

}  // namespace
}  // namespace polaris
