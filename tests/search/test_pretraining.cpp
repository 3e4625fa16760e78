#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "host/config/space_yaml.hpp"
#include "host/core/error.hpp"
#include "host/core/paths.hpp"
#include "host/search/pretraining.hpp"
#include "tests/search/synthetic.hpp"
#include "tests/temporary_folder.hpp"

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

TEST(Pretraining, NamesOfSpacesDoNotLeadOutOfTheZoo) {
  DesignSpace space = read_design_space(find_zoo_file("spaces", "default"));
  const auto folder = shipped_encoder(space).parent_path();
  for (const char* name : {"../../../../tmp/evil", "..", "/etc", "a/b", "a\\b"}) {
    space.name = name;
    EXPECT_EQ(shipped_encoder(space).parent_path(), folder);
    EXPECT_NE(shipped_encoder(space).filename(), "..");
  }
}

TEST(Pretraining, NeedsAWorkload) {
  EXPECT_THROW(pretrain_for_space(testing::small_space(), {}, {}), Error);
}

/// A kill, a full disk, a bad sector: whatever the cache holds, a search gets its encoder, and the
/// next one gets it from the cache.
TEST(Pretraining, ADamagedCacheIsHealed) {
  namespace fs = std::filesystem;
  const TemporaryFolder cache;
  ASSERT_EQ(::setenv("POLARIS_CACHE", cache.path().c_str(), 1), 0);
  const SearchProblem problem(testing::small_workload(), testing::small_space());
  const std::string hash = pretrained_for(problem, 0).hash();
  const fs::path folder = fs::directory_iterator(cache.path() / "starlight")->path();
  fs::resize_file(folder / "model.safetensors", 100);
  std::ofstream(folder / "left.tmp") << "from elsewhere";
  EXPECT_EQ(pretrained_for(problem, 0).hash(), hash);
  EXPECT_FALSE(fs::exists(folder / "left.tmp"));
  EXPECT_EQ(Pretrained::load(folder).hash(), hash);
  ::unsetenv("POLARIS_CACHE");
}

}  // namespace
}  // namespace polaris
