// Sixty kills in all.
#include "tests/search/kills.hpp"

namespace polaris::kills {
namespace {

class ManyKills : public Kills {};

TEST_F(ManyKills, OfASearchOnTheBuiltInAccelerator) { survives(search_job({}), 14, 11); }
TEST_F(ManyKills, OfASearchOnAnExternalEvaluator) { survives(external_search_job(""), 14, 12); }
TEST_F(ManyKills, OfASweep) { survives(sweep_job(), 10, 13); }
TEST_F(ManyKills, OfAMerge) { survives(merge_job(), 8, 14); }
TEST_F(ManyKills, OfTraining) { survives(train_job(), 8, 15); }
TEST_F(ManyKills, OfTheBuildOfASimulator) { survives(build_job(), 6, 16); }

}  // namespace
}  // namespace polaris::kills
