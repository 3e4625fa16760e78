// A few kills each, in the time of a usual test.
#include "tests/search/kills.hpp"

namespace polaris::kills {
namespace {

TEST_F(Kills, OfASearchOnAnExternalEvaluator) {
  survives(external_search_job(POLARIS_RTL_CACHE), 4, 1);
}
TEST_F(Kills, OfASweep) { survives(sweep_job(), 2, 2); }
TEST_F(Kills, OfAMerge) { survives(merge_job(), 2, 3); }

}  // namespace
}  // namespace polaris::kills
