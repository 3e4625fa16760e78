// Shards, checkpoints and merging: the same bytes however a sweep was cut and disturbed, and a
// refusal of everything that is not a whole sweep.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "tests/refusal.hpp"
#include "tests/sweep/fixture.hpp"

namespace polaris {
namespace {

using Files = std::vector<std::filesystem::path>;

SweepSpec tiled_spec() {
  SweepSpec spec = small_spec(small_layers());
  spec.tile_points = 12'000;
  return spec;
}

std::string name_of(const Shard& shard) {
  return std::to_string(shard.number) + "-" + std::to_string(shard.count);
}

Files run_shards(const SweepPlan& plan, std::uint64_t count, const TemporaryFolder& folder) {
  Files files;
  for (std::uint64_t number = 1; number <= count; ++number) {
    const Shard shard{number, count};
    files.push_back(folder / name_of(shard));
    const auto scorer = make_analytical_scorer(plan, 2);
    run_shard(plan, shard, *scorer, {.file = files.back(), .threads = 2, .progress = nullptr});
  }
  return files;
}

/// The results folder of what `files` merge to, by the path of `polaris merge`.
std::map<std::string, std::string> merged(const Files& files, const TemporaryFolder& folder) {
  const SweepPlan plan(read_shard_spec(files.front()));
  const std::vector<LayerResult> layers = merge_shards(plan, files);
  write_results(plan, layers, rank_hardware(plan, layers, nullptr), folder / "merged");
  return files_of(folder / "merged");
}

void expect_part(const std::string& message, const std::string& part) {
  EXPECT_NE(message.find(part), std::string::npos) << "'" << message << "'";
  EXPECT_EQ(message.find('\n'), std::string::npos) << message;
}

TEST(SweepShards, AnyNumberInAnyOrderMergesToTheSameBytes) {
  const SweepPlan plan(tiled_spec());
  ASSERT_GT(plan.tile_count(), 20u);
  const TemporaryFolder folder;
  const auto scorer = make_analytical_scorer(plan, 1);
  const std::vector<LayerResult> swept = sweep_all(plan, *scorer);
  write_results(plan, swept, rank_hardware(plan, swept, nullptr), folder / "direct");
  const auto wanted = files_of(folder / "direct");
  EXPECT_EQ(wanted.size(), 6u);
  for (const std::uint64_t count :
       {std::uint64_t{1}, std::uint64_t{2}, std::uint64_t{7}, plan.tile_count() + 1}) {
    Files files = run_shards(plan, count, folder);
    EXPECT_EQ(merged(files, folder), wanted) << count << " shards";
    std::reverse(files.begin(), files.end());
    EXPECT_EQ(merged(files, folder), wanted) << count << " shards, reversed";
  }
}

struct Stop {};

TEST(SweepShards, ResumesToTheSameBytesFromAnyCheckpoint) {
  const SweepPlan plan(tiled_spec());
  const TemporaryFolder folder;
  const std::string whole = read_file(run_shards(plan, 1, folder).front());
  for (int stop_after = 1; stop_after <= 4; ++stop_after) {
    const std::filesystem::path file = folder / ("stopped" + std::to_string(stop_after));
    // Dies twice without any farewell: between a round of tiles and its checkpoint.
    for (int life = 0; life < 2; ++life) {
      int rounds = 0;
      const auto scorer = make_analytical_scorer(plan, 1);
      EXPECT_THROW(run_shard(plan, {}, *scorer,
                             {.file = file,
                              .checkpoint_seconds = 0.0,
                              .threads = 1,
                              .progress =
                                  [&](const SweepProgress&) {
                                    if (++rounds > stop_after) throw Stop();
                                  }}),
                   Stop);
    }
    EXPECT_NE(read_file(file), whole);
    const auto scorer = make_analytical_scorer(plan, 2);
    run_shard(plan, {}, *scorer, {.file = file, .threads = 2, .progress = nullptr});
    EXPECT_EQ(read_file(file), whole) << stop_after;
    // Complete: running it again changes nothing.
    run_shard(plan, {}, *scorer, {.file = file, .threads = 2, .progress = nullptr});
    EXPECT_EQ(read_file(file), whole);
  }
}

TEST(SweepShards, MergeRefusesWhatIsNotTheWholeSweep) {
  const SweepPlan plan(tiled_spec());
  const TemporaryFolder folder;
  const Files files = run_shards(plan, 3, folder);
  const auto merge = [&](const Files& given) {
    return refusal_of([&] { merge_shards(plan, given); }, "");
  };
  expect_part(merge({files[0], files[2]}), "no shard 2/3 (2 given)");
  expect_part(merge({files[0], files[1], files[1], files[2]}), "shard 2/3 again");

  const TemporaryFolder other;
  expect_part(merge({files[0], run_shards(plan, 2, other)[1]}), "expected a shard of 3, got 2/2");
  SweepSpec deeper = tiled_spec();
  deeper.top = 6;
  const TemporaryFolder deep;
  expect_part(merge({files[0], files[1], run_shards(SweepPlan(deeper), 3, deep)[2]}),
              "got top 6 instead of 5");

  const auto scorer = make_analytical_scorer(plan, 1);
  const std::filesystem::path partial = folder / "partial";
  EXPECT_THROW(run_shard(plan, {2, 3}, *scorer,
                         {.file = partial, .progress = [](const SweepProgress&) { throw Stop(); }}),
               Stop);
  expect_part(merge({files[0], partial, files[2]}), "expected a complete shard, got 0 of");
}

TEST(SweepShards, DamagedAndForeignFilesAreRefused) {
  const SweepPlan plan(tiled_spec());
  const TemporaryFolder folder;
  const std::filesystem::path file = run_shards(plan, 1, folder).front();
  const std::string whole = read_file(file);
  const auto resume = [&](const std::string& content, const SweepPlan& with, Shard shard = {}) {
    std::ofstream(file, std::ios::binary) << content;
    const auto scorer = make_analytical_scorer(with, 1);
    const std::string message = refusal_of(
        [&] { run_shard(with, shard, *scorer, {.file = file, .progress = nullptr}); }, "");
    EXPECT_EQ(read_file(file), content);  // left for the user to look at
    return message;
  };
  for (const std::size_t length :
       {std::size_t{0}, std::size_t{1}, whole.size() / 2, whole.size() - 3})
    expect_part(resume(whole.substr(0, length), plan), "expected a whole shard file");
  std::string changed = whole;
  changed[changed.find(',', changed.find("\"tiles_done\":")) - 1] ^= 1;
  expect_part(resume(changed, plan), "changed content");
  expect_part(resume("{\"polaris_sweep\":2}", plan), "changed content");
  expect_part(resume("[1]", plan), "another file");

  expect_part(resume(whole, plan, {1, 2}), "expected shard 1/2, got 1/1");
  SweepSpec spec = tiled_spec();
  spec.model_hash = "other";
  expect_part(resume(whole, SweepPlan(spec)), "got model_hash");
  spec = tiled_spec();
  spec.space.hardware.value[3][1] = 16;
  expect_part(resume(whole, SweepPlan(spec)), "got space_hash");
  spec = tiled_spec();
  spec.limits.cycles = 10.0;
  expect_part(resume(whole, SweepPlan(spec)), "got max_cycles");
  spec = tiled_spec();
  spec.ranges[0].begin = 1;
  expect_part(resume(whole, SweepPlan(spec)), "got layers");
}

TEST(SweepShards, ForecastCountsThePointsExactly) {
  const SweepPlan plan(tiled_spec());
  const auto scorer = make_analytical_scorer(plan, 1);
  double points = 0.0, scored = 0.0;
  for (const LayerResult& layer : sweep_all(plan, *scorer)) {
    points += static_cast<double>(layer.coverage.total());
    scored += static_cast<double>(layer.coverage.scored);
  }
  const SweepForecast whole = forecast(plan, {}, *scorer, 0.2, 1);
  EXPECT_EQ(whole.points, points);
  EXPECT_GT(whole.scored, 0.2 * scored);
  EXPECT_LT(whole.scored, 5.0 * scored);
  EXPECT_EQ(forecast(plan, {1, 4}, *scorer, 0.2, 1).points, points / 4.0);
}

}  // namespace
}  // namespace polaris
