#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>
#include <fstream>
#include <functional>

#include "host/core/error.hpp"
#include "host/core/version.hpp"
#include "host/store/store.hpp"
#include "tests/refusal.hpp"
#include "tests/store/store_fixture.hpp"

namespace polaris {
namespace {

void expect_same(const Evaluation& a, const Evaluation& b) {
  EXPECT_EQ(a.layer, b.layer);
  EXPECT_EQ(a.point.hardware, b.point.hardware);
  EXPECT_TRUE(same_schedule(a.point.mapping, b.point.mapping));
  EXPECT_EQ(a.fidelity, b.fidelity);
  EXPECT_EQ(a.evaluator_hash, b.evaluator_hash);
  EXPECT_EQ(a.status, b.status);
  EXPECT_EQ(a.reason, b.reason);
  EXPECT_EQ(a.cycles, b.cycles);
  EXPECT_EQ(a.energy_pj, b.energy_pj);
  EXPECT_EQ(a.area_mm2, b.area_mm2);
  EXPECT_EQ(a.counters, b.counters);
  EXPECT_EQ(a.seconds, b.seconds);
  EXPECT_EQ(a.seed, b.seed);
  EXPECT_EQ(a.rtl_hash, b.rtl_hash);
  EXPECT_EQ(a.memory_hash, b.memory_hash);
}

std::optional<Evaluation> find(Store& store, const Evaluation& wanted) {
  return store.find_evaluation(wanted.layer, wanted.point, wanted.fidelity, wanted.evaluator_hash);
}

TEST(Store, EvaluationsComeBackAsTheyWere) {
  const StoreFolder folder;
  const Evaluation kept = sample_evaluation(3);
  std::int64_t run = 0;
  {
    Store store(folder.file(), OpenMode::write);
    run = store.begin_run(sample_run());
    EXPECT_FALSE(find(store, kept));
    store.record_evaluation(run, kept);
  }
  Store store(folder.file(), OpenMode::read);
  const auto found = find(store, kept);
  ASSERT_TRUE(found);
  expect_same(*found, kept);
  EXPECT_EQ(found->created.size(), std::string("2024-01-01T00:00:00Z").size());
  Evaluation other = kept;
  other.evaluator_hash = "e2";
  EXPECT_FALSE(find(store, other));
  other = kept;
  other.fidelity = Fidelity::analytical;
  EXPECT_FALSE(find(store, other));
  other = kept;
  other.point.hardware.bus_bytes *= 2;
  EXPECT_FALSE(find(store, other));
  other = kept;
  other.layer.stride_h = 2;
  EXPECT_FALSE(find(store, other));
}

TEST(Store, KeepsAnEvaluationOnce) {
  const StoreFolder folder;
  Store store(folder.file(), OpenMode::write);
  const std::int64_t first = store.begin_run(sample_run());
  const std::int64_t second = store.begin_run(sample_run());
  const std::int64_t id = store.record_evaluation(first, sample_evaluation(1));
  Evaluation again = sample_evaluation(1);
  again.cycles = 7;
  EXPECT_EQ(store.record_evaluation(second, again), id);
  EXPECT_EQ(find(store, again)->cycles, sample_evaluation(1).cycles);
  // The loops of bound 1 stand elsewhere: the same schedule, so the same design point.
  Mapping& mapping = again.point.mapping;
  Dim* const order = mapping.order[index_of(Level::scratchpad)];
  std::swap(order[0], order[6]);
  ASSERT_TRUE(same_schedule(mapping, sample_evaluation(1).point.mapping));
  EXPECT_EQ(store.record_evaluation(first, again), id);
  EXPECT_EQ(store.evaluations({.run = first}).size(), 1u);
  EXPECT_EQ(store.evaluations({.run = second}).size(), 1u);
  EXPECT_EQ(store.evaluations({}).size(), 1u);
}

TEST(Store, FiltersInTheOrderOfRecording) {
  const StoreFolder folder;
  Store store(folder.file(), OpenMode::write);
  const std::int64_t first = store.begin_run(sample_run());
  const std::int64_t second = store.begin_run(sample_run());
  Evaluation failed = sample_evaluation(2);
  failed.status = "cycle_limit";
  failed.reason = "more than 10 cycles";
  failed.cycles = 0;
  failed.energy_pj = failed.area_mm2 = 0;
  Evaluation cheap = sample_evaluation(0);
  cheap.fidelity = Fidelity::analytical;
  const auto ids = store.record_evaluations(first, {sample_evaluation(5), failed, cheap});
  store.record_evaluation(second, sample_evaluation(9));
  store.reuse_evaluations(second, std::vector{ids[0]});

  const auto of_second = store.evaluations({.run = second});
  ASSERT_EQ(of_second.size(), 2u);
  expect_same(of_second[0], sample_evaluation(9));
  expect_same(of_second[1], sample_evaluation(5));
  const auto all = store.evaluations({});
  ASSERT_EQ(all.size(), 4u);
  expect_same(all[1], failed);
  EXPECT_EQ(store.evaluations({.run = first, .ok_only = true}).size(), 2u);
  EXPECT_EQ(store.evaluations({.fidelity = Fidelity::analytical}).size(), 1u);
  EXPECT_EQ(store.evaluations({.fidelity = Fidelity::starlight}).size(), 0u);
  EXPECT_EQ(store.evaluations({.evaluator_hash = "e1"}).size(), 4u);
  EXPECT_EQ(store.evaluations({.evaluator_hash = ""}).size(), 0u);
  EXPECT_EQ(store.evaluations({.run = 99}).size(), 0u);
}

TEST(Store, ABatchIsKeptWholeOrNotAtAll) {
  const StoreFolder folder;
  Store store(folder.file(), OpenMode::write);
  const std::int64_t run = store.begin_run(sample_run());
  Evaluation bad = sample_evaluation(2);
  bad.counters = "{";
  EXPECT_THROW(store.record_evaluations(run, {sample_evaluation(1), bad}), Failure);
  EXPECT_EQ(store.evaluations({}).size(), 0u);
  EXPECT_THROW(store.record_evaluation(run + 1, sample_evaluation(1)), Failure);
  EXPECT_EQ(store.evaluations({}).size(), 0u);
  store.record_evaluation(run, sample_evaluation(1));
  EXPECT_EQ(store.evaluations({}).size(), 1u);
}

TEST(Store, ResumesTheLatestUnfinishedRunOfTheSameKind) {
  const StoreFolder folder;
  Store store(folder.file(), OpenMode::write);
  EXPECT_FALSE(store.resume_run(sample_run()));
  store.begin_run(sample_run());
  const std::int64_t latest = store.begin_run(sample_run());
  RunInfo other = sample_run();
  other.seed = 1;
  const std::int64_t third = store.begin_run(other);
  EXPECT_EQ(store.resume_run(sample_run()), latest);
  store.end_run(third, RunStatus::finished);
  EXPECT_FALSE(store.resume_run(other));
  for (std::string RunInfo::*field :
       {&RunInfo::kind, &RunInfo::space_hash, &RunInfo::workload_hash, &RunInfo::model_hash,
        &RunInfo::rtl_hash, &RunInfo::options}) {
    other = sample_run();
    other.*field = "[]";
    EXPECT_FALSE(store.resume_run(other));
  }
  const auto runs = store.runs();
  ASSERT_EQ(runs.size(), 3u);
  EXPECT_EQ(runs[2].id, third);
  EXPECT_EQ(runs[2].status, RunStatus::finished);
  EXPECT_EQ(runs[1].status, RunStatus::running);
  EXPECT_EQ(runs[1].info.seed, sample_run().seed);
  EXPECT_EQ(runs[1].version, kVersion);
}

TEST(Store, GoesOnWithRunsThatEndedWithoutTheWholeAnswer) {
  const StoreFolder folder;
  Store store(folder.file(), OpenMode::write);
  const std::int64_t run = store.begin_run(sample_run());
  for (const RunStatus status : {RunStatus::interrupted, RunStatus::failed}) {
    store.end_run(run, status);
    EXPECT_EQ(store.runs().at(0).status, status);
    EXPECT_EQ(store.resume_run(sample_run()), run);
    EXPECT_EQ(store.runs().at(0).status, RunStatus::running);
  }
}

TEST(Store, IterationsAreReplacedByNumber) {
  const StoreFolder folder;
  Store store(folder.file(), OpenMode::write);
  const std::int64_t run = store.begin_run(sample_run());
  store.record_iteration(run, {1, R"({"best": 2})"});
  store.record_iteration(run, {0, R"({"best": 3})"});
  store.record_iteration(run, {1, R"({"best": 1})"});
  const auto iterations = store.iterations(run);
  ASSERT_EQ(iterations.size(), 2u);
  EXPECT_EQ(iterations[1].iteration, 1);
  EXPECT_EQ(iterations[1].data, R"({"best": 1})");
  EXPECT_TRUE(store.iterations(run + 1).empty());
}

TEST(Store, ExportsValuesWithTheirTypes) {
  const StoreFolder folder;
  Store store(folder.file(), OpenMode::write);
  const std::int64_t run = store.begin_run(sample_run());
  Evaluation failed = sample_evaluation(0);
  failed.energy_pj = 0;
  store.record_evaluation(run, failed);
  store.record_evaluation(run, sample_evaluation(2));
  const StoreTable table = store.export_evaluations(run);
  const auto energy = static_cast<std::size_t>(
      std::find(table.columns.begin(), table.columns.end(), "energy_pj") - table.columns.begin());
  ASSERT_EQ(table.rows.size(), 2u);
  EXPECT_EQ(table.rows[0][energy], SqlValue());  // not known
  EXPECT_EQ(table.rows[1][energy], SqlValue(sample_evaluation(2).energy_pj));
  EXPECT_EQ(store.export_runs({}).rows.size(), 1u);
  EXPECT_EQ(store.export_iterations({}).rows.size(), 0u);
  EXPECT_THROW(store.export_evaluations(run + 1), Error);
}

TEST(Store, TwoConnectionsShareAFile) {
  const StoreFolder folder;
  Store one(folder.file(), OpenMode::write);
  Store two(folder.file(), OpenMode::write);
  const std::int64_t run = one.begin_run(sample_run());
  two.record_evaluation(run, sample_evaluation(1));
  EXPECT_TRUE(find(one, sample_evaluation(1)));
}

TEST(Store, RefusesOtherFiles) {
  const StoreFolder folder;
  const auto opened = [&folder](OpenMode mode) {
    return refusal_of([&] { Store(folder.file(), mode); }, "");
  };
  const std::string name = folder.file().string();
  EXPECT_EQ(opened(OpenMode::read),
            name + ": expected a readable store, got unable to open database file");
  EXPECT_FALSE(std::filesystem::exists(folder.file()));

  std::ofstream(folder.file()) << "This is no database, however long the text may be.";
  EXPECT_EQ(opened(OpenMode::read),
            name + ": expected a readable store, got file is not a database");
  EXPECT_EQ(opened(OpenMode::write),
            name + ": expected a writable store, got file is not a database");

  std::filesystem::remove(folder.file());
  Database(folder.file(), OpenMode::write).execute("CREATE TABLE t (x)");
  EXPECT_EQ(opened(OpenMode::write),
            name + ": expected a Polaris store, got another SQLite database");

  std::filesystem::remove(folder.file());
  { Store store(folder.file(), OpenMode::write); }
  Database(folder.file(), OpenMode::write).execute("PRAGMA user_version = 2");
  EXPECT_EQ(opened(OpenMode::read), name + ": expected store schema version 1, got 2");
  EXPECT_EQ(opened(OpenMode::write), name + ": expected store schema version 1, got 2");

  EXPECT_THROW(Store("/nonexistent/store.db", OpenMode::write), Error);
  EXPECT_THROW(Store("/", OpenMode::write), Error);
}

TEST(Store, AFullDiskIsAFailureThatLeavesTheStoreWhole) {
  const StoreFolder folder;
  Store store(folder.file(), OpenMode::write);
  const std::int64_t run = store.begin_run(sample_run());
  store.record_evaluation(run, sample_evaluation(0));

  // A limit on file sizes stands in for the full disk.
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit tight{100000, before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &tight), 0);
  std::uint64_t kept = 1;
  const std::string message = refusal_of<Failure>(
      [&] {
        for (; kept < 100000; ++kept) store.record_evaluation(run, sample_evaluation(kept));
      },
      "");
  setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);

  EXPECT_EQ(message.rfind(folder.file().string() + ": ", 0), 0u) << message;
  EXPECT_EQ(store.evaluations({}).size(), kept);
  store.record_evaluation(run, sample_evaluation(kept));
  EXPECT_EQ(store.evaluations({}).size(), kept + 1);
}

}  // namespace
}  // namespace polaris
