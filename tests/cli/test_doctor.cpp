#include <nlohmann/json.hpp>

#include "tests/cli/run_polaris.hpp"

namespace polaris {
namespace {

using nlohmann::json;

json finding(const json& result, const std::string& name) {
  for (const json& item : result["findings"])
    if (item["name"] == name) return item;
  ADD_FAILURE() << "no finding " << name;
  return {};
}

TEST(DoctorCommand, SaysWhatIsThereAndExitsByWhatIsMissing) {
  const Outcome outcome = run_polaris("doctor --json");
  const json result = json::parse(outcome.out);
  EXPECT_EQ(outcome.exit_code, result["ok"].get<bool>() ? 0 : kFailed);
  EXPECT_EQ(finding(result, "zoo")["state"], "found");
  EXPECT_EQ(finding(result, "processor")["state"], "found");
  for (const json& item : result["findings"])
    EXPECT_EQ(item["state"] == "found", item["consequence"] == "") << item;
  EXPECT_EQ(run_polaris("doctor").exit_code, outcome.exit_code);
}

TEST(DoctorCommand, MissesToolsThatAreNotOnPath) {
  const Outcome outcome = run_polaris("doctor --json", "PATH=/nonexistent");
  EXPECT_EQ(outcome.exit_code, kFailed);
  EXPECT_NE(outcome.err.find("Verilator, C++ compiler"), std::string::npos) << outcome.err;
  const json result = json::parse(outcome.out);
  EXPECT_FALSE(result["ok"].get<bool>());
  EXPECT_EQ(finding(result, "Verilator")["state"], "missing");
  EXPECT_EQ(finding(result, "clang")["state"], "absent");
}

TEST(DoctorCommand, MissesACacheThatCannotBeWritten) {
  const Outcome outcome = run_polaris("doctor --json", "POLARIS_CACHE=/proc/polaris");
  EXPECT_EQ(outcome.exit_code, kFailed);
  EXPECT_EQ(finding(json::parse(outcome.out), "cache folder")["state"], "missing");
}

}  // namespace
}  // namespace polaris
