#include <gtest/gtest.h>

#include "host/config/space_yaml.hpp"
#include "host/core/error.hpp"
#include "host/core/paths.hpp"
#include "host/search/pretraining.hpp"
#include "tests/search/synthetic.hpp"

namespace polaris {
namespace {

TEST(Pretraining, TheShippedEncoderFitsThisVersion) {
  const DesignSpace space = read_design_space(find_zoo_file("spaces", "default"));
  const Pretrained shipped = Pretrained::load(shipped_encoder(space));
  EXPECT_GT(shipped.samples, 0);
  // Searches on that space use it, whatever the workload.
  const SearchProblem problem(testing::small_workload(), space);
  EXPECT_EQ(pretrained_for(problem, 0).hash(), shipped.hash());
}

TEST(Pretraining, OtherSpacesHaveOtherEncoders) {
  DesignSpace space = read_design_space(find_zoo_file("spaces", "default"));
  const auto folder = shipped_encoder(space);
  space.memory.latency += 1;
  EXPECT_NE(shipped_encoder(space), folder);
}

TEST(Pretraining, NeedsAWorkload) {
  EXPECT_THROW(pretrain_for_space(testing::small_space(), {}, {}), Error);
}

}  // namespace
}  // namespace polaris
