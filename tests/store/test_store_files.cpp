// Store files as they are found: shared by programs, from earlier versions, where nothing may be
// written, torn by a kill, and made by others.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <csignal>
#include <functional>

#include "host/core/atomic_file.hpp"
#include "host/core/error.hpp"
#include "host/store/store.hpp"
#include "tests/limited_process.hpp"
#include "tests/store/store_fixture.hpp"

namespace polaris {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string error_of(const std::function<void()>& body) {
  try {
    body();
  } catch (const Error& error) {
    return error.what();
  } catch (const Failure& failure) {
    return std::string("failure: ") + failure.what();
  }
  return "none";
}

std::vector<std::string> names_in(const fs::path& folder) {
  std::vector<std::string> out;
  for (const auto& entry : fs::directory_iterator(folder))
    out.push_back(entry.path().filename().string());
  return out;
}

/// The store of an earlier version, closed in order.
void make_old_store(const fs::path& file) {
  Database(file, OpenMode::write).execute(read_file(POLARIS_TEST_DATA "/store_v1.sql"));
}

std::size_t count_of(const fs::path& file) {
  return Store(file, OpenMode::read).evaluations({}).size();
}

/// Exit status of each process that runs `body(number)`, all at once.
std::vector<int> run_together(int processes, const std::function<void(int)>& body) {
  std::vector<pid_t> children;
  for (int i = 0; i < processes; ++i) {
    children.push_back(new_child(::fork()));
    if (children.back() != 0) continue;
    ::_exit(error_of([&] { body(i); }) == "none" ? 0 : 1);
  }
  std::vector<int> out;
  for (const pid_t child : children) out.push_back(end_of(child));
  return out;
}

TEST(StoreFiles, ProgramsMayStartTogetherOnANewStore) {
  for (int round = 0; round < 10; ++round) {
    const StoreFolder folder;
    EXPECT_THAT(run_together(4,
                             [&](int i) {
                               Store store(folder.file(), OpenMode::write);
                               store.record_evaluation(
                                   store.begin_run(sample_run()),
                                   sample_evaluation(static_cast<std::uint64_t>(i)));
                             }),
                ElementsAre(0, 0, 0, 0));
    EXPECT_EQ(count_of(folder.file()), 4u);
  }
}

TEST(StoreFiles, ProgramsMayStartTogetherOnAStoreOfAnEarlierVersion) {
  for (int round = 0; round < 5; ++round) {
    const StoreFolder folder;
    make_old_store(folder.file());
    EXPECT_THAT(run_together(4,
                             [&](int i) {
                               Store store(folder.file(), OpenMode::write);
                               store.record_evaluation(
                                   1, sample_evaluation(static_cast<std::uint64_t>(i)));
                             }),
                ElementsAre(0, 0, 0, 0));
    EXPECT_EQ(count_of(folder.file()), 7u);
  }
}

TEST(StoreFiles, ReadingNeverFailsBesideAWriter) {
  const StoreFolder folder;
  { Store store(folder.file(), OpenMode::write); }
  const pid_t writer = new_child(::fork());
  if (writer == 0) {
    for (std::uint64_t i = 0;; ++i) {  // opens and closes, too
      Store store(folder.file(), OpenMode::write);
      const std::int64_t run = store.begin_run(sample_run());
      for (std::uint64_t k = 0; k < 5; ++k) {
        store.record_evaluation(run, sample_evaluation(5 * i + k));
        ::usleep(10'000);  // a run of the RTL takes longer
      }
    }
  }
  std::string error = "none";
  std::size_t rows = 0;
  for (int i = 0; (i < 150 || rows < 10) && error == "none"; ++i)
    error = error_of(
        [&] { rows = Store(folder.file(), OpenMode::read).export_evaluations({}).rows.size(); });
  ::kill(writer, SIGKILL);
  end_of(writer);
  EXPECT_EQ(error, "none");
}

TEST(StoreFiles, TheFileAloneHoldsAllThatWasRecorded) {
  const StoreFolder folder;
  Store store(folder.file(), OpenMode::write);
  store.record_evaluation(store.begin_run(sample_run()), sample_evaluation(1));
  Store reader(folder.file(), OpenMode::read);
  EXPECT_THAT(names_in(folder.path()), ElementsAre("store.db"));
  fs::copy(folder.file(), folder.path() / "archived.db");
  EXPECT_EQ(count_of(folder.path() / "archived.db"), 1u);
}

TEST(StoreFiles, AStoreOfAnEarlierVersionIsReadAndWritten) {
  const StoreFolder folder;
  make_old_store(folder.file());
  {
    Store store(folder.file(), OpenMode::read);
    const auto kept = store.evaluations({.run = 1});
    ASSERT_EQ(kept.size(), 3u);
    EXPECT_EQ(kept[0].cycles, 1234);
    EXPECT_EQ(kept[0].energy_pj, 5678.5);
    EXPECT_EQ(kept[0].created, "2024-01-01T00:00:00Z");
    EXPECT_EQ(kept[2].status, "time_limit");
    EXPECT_EQ(kept[2].cycles, 0);
    EXPECT_EQ(store.runs().at(0).status, RunStatus::finished);
    EXPECT_EQ(store.iterations(1).at(0).data, "{\"best_edp\": null}");
  }
  Store store(folder.file(), OpenMode::write);
  store.record_evaluation(1, sample_evaluation(1));
  EXPECT_THAT(names_in(folder.path()), ElementsAre("store.db"));
  EXPECT_EQ(count_of(folder.file()), 4u);
}

TEST(StoreFiles, AreReadWhereNothingMayBeWritten) {
  for (const bool old : {false, true}) {
    const StoreFolder folder;
    if (old)
      make_old_store(folder.file());
    else
      Store(folder.file(), OpenMode::write).begin_run(sample_run());
    ::chmod(folder.file().c_str(), 0444);
    ::chmod(folder.path().c_str(), 0555);
    EXPECT_EQ(said_by_nobody([&] {
                return error_of([&] {
                  Store store(folder.file(), OpenMode::read);
                  if (store.runs().size() != 1) throw Failure("runs are missing");
                  if (store.evaluations({}).size() != (old ? 3u : 0u))
                    throw Failure("evaluations are missing");
                });
              }),
              "none")
        << old;
    EXPECT_THAT(
        said_by_nobody([&] { return error_of([&] { Store(folder.file(), OpenMode::write); }); }),
        HasSubstr(folder.file().string() + ": expected a writable store, got "));
    EXPECT_THAT(names_in(folder.path()), ElementsAre("store.db"));
    ::chmod(folder.path().c_str(), 0755);
  }
}

/// Leaves pages of a transaction in the file that was never committed.
void tear(const fs::path& file) {
  const pid_t child = new_child(::fork());
  if (child == 0) {
    Database database(file, OpenMode::write);
    database.execute("PRAGMA cache_size = 1; BEGIN IMMEDIATE");
    for (int i = 0; i < 100; ++i)
      database.execute(
          "INSERT INTO iterations SELECT 1, max(iteration) + 1, json_quote(hex(randomblob(3000))) "
          "FROM iterations");
    std::raise(SIGKILL);
  }
  end_of(child);
}

TEST(StoreFiles, WhatAKillLeftHalfDoneIsUndone) {
  const StoreFolder folder;
  make_old_store(folder.file());
  { Store store(folder.file(), OpenMode::write); }
  const std::string before = read_file(folder.file());
  tear(folder.file());
  ASSERT_NE(read_file(folder.file()), before);
  ::chmod(folder.file().c_str(), 0444);
  ::chmod((folder.file().string() + "-journal").c_str(), 0444);
  ::chmod(folder.path().c_str(), 0555);
  EXPECT_THAT(
      said_by_nobody([&] { return error_of([&] { count_of(folder.file()); }); }),
      AllOf(HasSubstr("a readable store"), HasSubstr("open it once where it may be written")));
  ::chmod(folder.path().c_str(), 0755);
  ::chmod(folder.file().c_str(), 0644);
  ::chmod((folder.file().string() + "-journal").c_str(), 0644);
  EXPECT_EQ(Store(folder.file(), OpenMode::read).iterations(1).size(), 1u);
  EXPECT_EQ(read_file(folder.file()), before);
  EXPECT_THAT(names_in(folder.path()), ElementsAre("store.db"));
}

TEST(StoreFiles, NamesThatAreNoFilesAreRefused) {
  const StoreFolder folder;
  const std::string pipe = folder / "pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  fs::create_symlink("/dev/null", folder / "link");
  for (const OpenMode mode : {OpenMode::read, OpenMode::write}) {
    const auto refused = [mode](const std::string& name) {
      return error_of([&] { Store(name, mode); });
    };
    for (const std::string name : {"", ":memory:", ":x", "file:a.db", "file::memory:?cache=shared"})
      EXPECT_EQ(refused(name), "store: expected the name of a file, got '" + name + "'");
    EXPECT_EQ(refused(folder.path().string()),
              folder.path().string() + ": expected a store file, got a folder");
    for (const std::string& name : {pipe, folder / "link", std::string("/dev/zero")})
      EXPECT_EQ(refused(name), name + ": expected a store file, got a device, pipe or socket");
  }
}

/// A table as it is, but for rules on what it holds.
void drop_rules(Database& database, const std::string& table) {
  database.execute("CREATE TABLE copy AS SELECT * FROM " + table + "; DROP TABLE " + table +
                   "; ALTER TABLE copy RENAME TO " + table);
}

TEST(StoreFiles, EveryFieldIsCheckedBeforeItIsUsed) {
  const StoreFolder folder;
  const std::string long_text = "x'" + std::string(2000, '0') + "'";
  const std::pair<std::string, std::string> cases[] = {
      {"UPDATE points SET layer = 'R1'", "evaluations row 1, layer: expected 'R.. S.. P.."},
      {"UPDATE points SET layer = 'R0 S1 P8 Q1 C32 K16 N1 stride 1 1 dilation 1 1'",
       "all from 1 on"},
      {"UPDATE points SET layer = 'R1 S1 P8 Q1 C32 K16 N1 stride 0 1 dilation 1 1'",
       "all from 1 on"},
      {"UPDATE points SET layer = 'R999999999 S999999999 P8 Q1 C32 K16 N1 stride 1 1 dilation 1 1'",
       "at most 2^53 MACs"},
      {"UPDATE points SET layer = 'R1' || char(10, 27) || '[2J'", "got 'R1??[2J'"},
      {"UPDATE points SET dim = 0", "row 1, dim: expected an integer from 1 to 65536, got 0"},
      {"UPDATE points SET dim = 4294967300", "got 4294967300"},
      {"UPDATE points SET dim = 'four'", "got 'four'"},
      {"UPDATE points SET dim = 4.5", "got 4.5"},
      {"UPDATE points SET accumulator_words = -1", "accumulator_words: expected"},
      {"UPDATE points SET scratchpad_bytes = 9223372036854775807", "scratchpad_bytes: expected"},
      {"UPDATE points SET bus_bytes = NULL", "bus_bytes: expected"},
      {"UPDATE points SET mapping = 'L3[WIO] P2'", "mapping, character 11"},
      {"UPDATE points SET mapping = " + long_text, "evaluations row 1, mapping"},
      {"UPDATE evaluations SET fidelity = 'hearsay'", "fidelity: expected analytical"},
      {"UPDATE evaluations SET cycles = -5", "cycles: expected an integer from 0"},
      {"UPDATE evaluations SET cycles = 'many'", "got 'many'"},
      {"UPDATE evaluations SET energy_pj = -1.0", "energy_pj: expected a number of at least 0"},
      {"UPDATE evaluations SET energy_pj = 9e999", "energy_pj: expected a number of at least 0"},
      {"UPDATE evaluations SET seconds = 'long'", "seconds: expected a number"},
      {"UPDATE evaluations SET status = NULL", "status: expected a text, got nothing"},
      {"UPDATE evaluations SET seed = '-1'", "seed: expected an integer of 64 bits, got '-1'"},
      {"UPDATE evaluations SET id = -1 WHERE id = 1", "evaluations row id: expected an integer"},
      {"UPDATE runs SET status = 'done'",
       "runs row 1, status: expected running, finished, interrupted or failed"},
      {"UPDATE runs SET seed = '18446744073709551616'", "seed: expected an integer of 64 bits"},
      {"UPDATE runs SET kind = NULL", "kind: expected a text, got nothing"},
      {"UPDATE iterations SET iteration = -1", "iteration: expected an integer from 0"},
      {"UPDATE iterations SET data = NULL", "data: expected a text, got nothing"},
      {"DROP TABLE iterations", "expected a Polaris store, got one without all of its tables"},
      {"DROP TABLE iterations; CREATE VIEW iterations AS SELECT 1 AS run, 1 AS iteration, '' AS "
       "data",
       "expected a Polaris store, got one without all of its tables"}};
  make_old_store(folder / "sound.db");
  {
    Database database(folder / "sound.db", OpenMode::write);
    database.execute("PRAGMA journal_mode = DELETE");
    for (const char* table : {"runs", "points", "evaluations", "iterations"})
      drop_rules(database, table);
  }
  for (const auto& [change, message] : cases) {
    fs::copy_file(folder / "sound.db", folder.file(), fs::copy_options::overwrite_existing);
    Database(folder.file(), OpenMode::write).execute("PRAGMA synchronous = OFF; " + change);
    const std::string said = error_of([&] {
      Store store(folder.file(), OpenMode::read);
      store.runs();
      store.iterations(1);
      store.evaluations({});
    });
    EXPECT_THAT(said, AllOf(HasSubstr(folder.file().string() + ": "), HasSubstr(message)))
        << change;
    EXPECT_LT(said.size(), 500u) << change;
  }
}

}  // namespace
}  // namespace polaris
