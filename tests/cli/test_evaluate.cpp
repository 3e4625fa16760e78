#include <nlohmann/json.hpp>

#include "host/io/table.hpp"
#include "tests/cli/run_polaris.hpp"

namespace polaris {
namespace {

using nlohmann::json;

// Row 0 of the public Timeloop data, once as it is and once with a factor that does not fit.
const std::string kPoints =
    "mapping.mapping,arch.meshX,arch.mem1_entries,arch.mem2_entries,prob.C,prob.Hdilation,"
    "prob.Hstride,prob.K,prob.N,prob.P,prob.Q,prob.R,prob.S,prob.Wdilation,prob.Wstride,note\n"
    "L3[WIO] P28 R7 Q56 K8 - L2[WI] N1 K4X - L1[O] K2 S7 Q2 P2 C3X - L0[W] "
    "P2,32,128,2048,3,1,2,64,1,112,112,7,7,1,2,\"kept, as is\"\n"
    "L3[WIO] P28 R7 Q56 K9 - L2[WI] N1 K4X - L1[O] K2 S7 Q2 P2 C3X - L0[W] "
    "P2,32,128,2048,3,1,2,64,1,112,112,7,7,1,2,\n";

class EvaluateCommand : public testing::Test {
 protected:
  EvaluateCommand() { std::ofstream(folder_ / "in.csv") << kPoints; }

  Outcome evaluate(const std::string& arguments) const {
    return run_polaris("evaluate --in '" + (folder_ / "in.csv") + "' " + arguments);
  }
  static std::string field(const Table& table, std::size_t row, const std::string& column) {
    return table.rows.at(row).at(static_cast<std::size_t>(table.require(column)));
  }

  const TemporaryFolder folder_;
};

TEST_F(EvaluateCommand, AddsPredictionsAndKeepsTheInput) {
  const std::string out = folder_ / "out.csv.gz";
  const Outcome outcome = evaluate("--json --out '" + out + "'");
  ASSERT_EQ(outcome.exit_code, kPartial) << outcome.err;
  const json summary = json::parse(outcome.out);
  EXPECT_EQ(summary["rows"], 2);
  EXPECT_EQ(summary["invalid"], 1);
  EXPECT_NE(outcome.err.find("first invalid row is 2"), std::string::npos) << outcome.err;
  const Table table = read_table(out);
  ASSERT_EQ(table.rows.size(), 2u);
  EXPECT_EQ(field(table, 0, "note"), "kept, as is");
  EXPECT_EQ(field(table, 0, "pred.cycle"), "10436608");
  EXPECT_NEAR(std::stod(field(table, 0, "pred.energy")), 3057.01373148763, 1e-9);
  EXPECT_NEAR(std::stod(field(table, 0, "pred.edp")), 31904.853966, 1e-6);
  EXPECT_NEAR(std::stod(field(table, 0, "pred.area")), 0.5503716, 1e-9);
  EXPECT_EQ(field(table, 0, "pred.error"), "");
  EXPECT_EQ(field(table, 1, "pred.cycle"), "");
  EXPECT_NE(field(table, 1, "pred.error").find("factors of K"), std::string::npos);
}

TEST_F(EvaluateCommand, ASecondTimeReplacesThePredictions) {
  const std::string first = folder_ / "first.csv", second = folder_ / "second.csv";
  EXPECT_EQ(evaluate("--out '" + first + "' --threads 1").exit_code, kPartial);
  EXPECT_EQ(run_polaris("evaluate --in '" + first + "' --out '" + second + "'").exit_code,
            kPartial);
  EXPECT_EQ(content_of(first), content_of(second));
}

TEST_F(EvaluateCommand, ArraySizeOfTheMapping) {
  const std::string out = folder_ / "out.csv";
  ASSERT_EQ(evaluate("--array-size mapping --out '" + out + "'").exit_code, kPartial);
  // 4 x 4 PEs in place of 32 x 32, and their accumulators.
  EXPECT_LT(std::stod(field(read_table(out), 0, "pred.area")), 0.1);
}

/// A link to a file on a larger disk, and one to a pipe.
TEST_F(EvaluateCommand, LinksAreWrittenThrough) {
  namespace fs = std::filesystem;
  fs::create_directory(folder_ / "big");
  std::ofstream(folder_ / "big/result.csv") << "old\n";
  fs::create_symlink("big/result.csv", folder_ / "result.csv");
  ASSERT_EQ(evaluate("--out '" + folder_ / "result.csv" + "'").exit_code, kPartial);
  EXPECT_TRUE(fs::is_symlink(folder_ / "result.csv"));
  EXPECT_EQ(read_table(folder_ / "big/result.csv").rows.size(), 2u);
  fs::create_symlink("/dev/stdout", folder_ / "stdout");
  const Outcome through = evaluate("--out '" + folder_ / "stdout" + "'");
  EXPECT_TRUE(fs::is_symlink(folder_ / "stdout"));
  EXPECT_EQ(through.out.find(content_of(folder_ / "big/result.csv")), 0u) << through.out;
}

/// Where a standard stream is closed, its number goes to the next file that is opened.
TEST_F(EvaluateCommand, NothingIsPrintedIntoTheFile) {
  const std::string open = folder_ / "open.csv", closed = folder_ / "closed.csv";
  ASSERT_EQ(evaluate("--out '" + open + "'").exit_code, kPartial);
  const std::string command = "'" POLARIS_BINARY "' evaluate --in '" + folder_ / "in.csv" +
                              "' --out '" + closed + "' <&- >&- 2>&-";
  EXPECT_EQ(WEXITSTATUS(std::system(command.c_str())), kFailed);  // its summary is lost
  EXPECT_EQ(content_of(closed), content_of(open));
}

/// A path is bytes; JSON is UTF-8.
TEST_F(EvaluateCommand, PathsNeedNotBeUtf8) {
  const Outcome outcome = evaluate("--json --out '" + folder_ / "\xff\x1b.csv" + "'");
  ASSERT_EQ(outcome.exit_code, kPartial) << outcome.err;
  EXPECT_TRUE(json::parse(outcome.out)["output"].get<std::string>().ends_with("\uFFFD\x1b.csv"));
  const Outcome text = evaluate("--out '" + folder_ / "\xff\x1b.csv" + "'");
  EXPECT_NE(text.out.find("/??.csv\n"), std::string::npos) << text.out;
}

TEST_F(EvaluateCommand, RefusesInOneLine) {
  const std::string out = "--out '" + (folder_ / "out.csv") + "' ";
  expect_refused(run_polaris("evaluate --in /nonexistent.csv " + out), kWrongInput,
                 "/nonexistent.csv");
  expect_refused(evaluate(out + "--fidelity guess"), kWrongInput, "--fidelity");
  expect_refused(evaluate(""), kWrongInput, "--out");
  std::ofstream(folder_ / "in.csv") << "a,b\n1,2\n";
  expect_refused(evaluate(out), kWrongInput, "mapping.mapping");
  std::ofstream(folder_ / "in.csv") << "a,b\n1\n";
  expect_refused(evaluate(out), kWrongInput, "in.csv:2: expected 2 fields, got 1");
  EXPECT_FALSE(std::filesystem::exists(folder_ / "out.csv"));
}

}  // namespace
}  // namespace polaris
