// The main() of tests on the executor: a test that leaves a report behind has failed, whatever its
// results. The tests themselves know nothing of the executor and compile against real CUDA too.
#include <gtest/gtest.h>

#include "tests/simt/control.hpp"

namespace {

class ReportListener : public testing::EmptyTestEventListener {
  void OnTestEnd(const testing::TestInfo&) override {
    for (const simt::Report& report : simt::reports()) ADD_FAILURE() << report.text;
    simt::clear_reports();
  }
};

}  // namespace

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  testing::UnitTest::GetInstance()->listeners().Append(new ReportListener);
  return RUN_ALL_TESTS();
}
