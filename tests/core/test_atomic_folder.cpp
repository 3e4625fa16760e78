// Folders that are replaced as a whole, and folders that are left alone.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <string>
#include <thread>

#include "host/core/atomic_file.hpp"
#include "host/core/atomic_folder.hpp"
#include "host/core/error.hpp"
#include "tests/core/output_files.hpp"
#include "tests/refusal.hpp"
#include "tests/temporary_folder.hpp"

namespace polaris {
namespace {

namespace fs = std::filesystem;
using test::mode_of;
using test::names_in;
using test::put;
using testing::HasSubstr;

const std::set<std::string> kFiles = {"arrays", "text"};

void fill(const fs::path& folder, const std::string& text) {
  for (const std::string& name : kFiles) put(folder / name, text);
}

void save(const fs::path& target, const std::string& text) {
  AtomicFolder folder(target, kFiles);
  fill(folder.path(), text);
  folder.commit();
}

std::string content(const fs::path& folder) {
  return read_file(folder / "arrays") + " " + read_file(folder / "text");
}

std::string refusal(const fs::path& target) {
  return refusal_of([&] { save(target, "new"); }, "");
}

class AtomicFolderTest : public testing::Test {
 protected:
  fs::path path(const std::string& name) const { return folder_.path() / name; }
  TemporaryFolder folder_;
};

TEST_F(AtomicFolderTest, IsMadeAndReplacedAsAWhole) {
  save(path("deep/model"), "first");
  EXPECT_EQ(content(path("deep/model")), "first first");
  save(path("deep/model/"), "second");
  EXPECT_EQ(content(path("deep/model")), "second second");
  {
    AtomicFolder never(path("deep/model"), kFiles);
    fill(never.path(), "half");
  }
  EXPECT_EQ(content(path("deep/model")), "second second");
  fs::create_directory(path("empty"));
  save(path("empty/."), "third");
  EXPECT_EQ(content(path("empty")), "third third");
  EXPECT_EQ(names_in(path("deep")), std::set<std::string>{"model"});
  EXPECT_EQ(names_in(folder_.path()), (std::set<std::string>{"deep", "empty"}));
}

TEST_F(AtomicFolderTest, LinksAndPermissionsAreKept) {
  fs::create_directories(path("big/model"));
  fill(path("big/model"), "old");
  fs::permissions(path("big/model"), fs::perms(0750));
  fs::permissions(path("big/model/arrays"), fs::perms(0600));
  fs::create_symlink("big/model", path("link"));
  save(path("link"), "new");
  EXPECT_TRUE(fs::is_symlink(path("link")));
  EXPECT_EQ(content(path("big/model")), "new new");
  EXPECT_EQ(mode_of(path("big/model")), 0750u);
  EXPECT_EQ(mode_of(path("big/model/arrays")), 0600u);
}

TEST_F(AtomicFolderTest, NothingOfTheUsersIsRemoved) {
  fs::create_directory(path("home"));
  fill(path("home"), "old");
  put(path("home/thesis.tex"), "precious");
  EXPECT_THAT(refusal(path("home")), HasSubstr("but arrays, text, got 'thesis.tex' in it"));
  fs::create_directories(path("nested/text"));
  EXPECT_THAT(refusal(path("nested")), HasSubstr("got 'text' in it"));
  fs::create_directory(path("linked"));
  fs::create_symlink(path("home/text"), path("linked/text"));
  EXPECT_THAT(refusal(path("linked")), HasSubstr("got 'text' in it"));
  put(path("file"), "precious");
  EXPECT_THAT(refusal(path("file")), HasSubstr("something else than a folder"));
  EXPECT_THAT(refusal("."), HasSubstr("the current folder"));
  EXPECT_THAT(refusal("/proc"), HasSubstr("a mount point"));
  EXPECT_EQ(content(path("home")), "old old");
  EXPECT_EQ(read_file(path("home/thesis.tex")), "precious");
  EXPECT_EQ(names_in(folder_.path()), (std::set<std::string>{"home", "nested", "linked", "file"}));
}

/// What comes into the folder during the work is the user's too.
TEST_F(AtomicFolderTest, LateFilesAreNotRemovedEither) {
  for (const char* name : {"old", "absent"}) {
    if (std::string(name) == "old") save(path("old"), "old");
    AtomicFolder folder(path(name), kFiles);
    fill(folder.path(), "new");
    fs::create_directories(path(name));
    put(path(name) / "notes", "precious");
    EXPECT_THROW(folder.commit(), Error) << name;
    EXPECT_EQ(read_file(path(name) / "notes"), "precious");
  }
}

/// Killed at any moment: the folder is the old or the new one, and the next run tidies up.
TEST_F(AtomicFolderTest, KillsLeaveTheOldOrTheNewOne) {
  save(path("model"), "old");
  constexpr int kKills = 40;
  constexpr useconds_t kStep = 50;  // microseconds between the moments of two kills
  for (int i = 0; i < kKills; ++i) {
    const pid_t child = ::fork();
    if (child == 0)
      while (true) {
        save(path("model"), "a");
        save(path("model"), "b");
      }
    ::usleep(1000 + static_cast<useconds_t>(i) * kStep);
    ::kill(child, SIGKILL);
    int status = 0;
    ::waitpid(child, &status, 0);
    const std::string now = content(path("model"));
    EXPECT_TRUE(now == "old old" || now == "a a" || now == "b b") << now;
  }
  save(path("model"), "last");
  EXPECT_EQ(content(path("model")), "last last");
  EXPECT_EQ(names_in(folder_.path()), std::set<std::string>{"model"});
}

/// On file systems that cannot exchange folders, a kill between two renames leaves the old folder
/// aside; the next run takes it back.
TEST_F(AtomicFolderTest, AFolderLeftAsideIsTakenBack) {
  save(path("model"), "old");
  fs::rename(path("model"), path(".model.polaris-old"));
  { AtomicFolder never(path("model"), kFiles); }
  EXPECT_EQ(content(path("model")), "old old");
  EXPECT_EQ(names_in(folder_.path()), std::set<std::string>{"model"});
}

TEST_F(AtomicFolderTest, ConcurrentWritersLeaveOneWholeFolder) {
  {
    std::vector<std::jthread> writers;
    for (const char* text : {"a", "b", "c"})
      writers.emplace_back([this, text] {
        for (int i = 0; i < 50; ++i) save(path("model"), text);
      });
  }
  const std::string now = content(path("model"));
  EXPECT_TRUE(now == "a a" || now == "b b" || now == "c c") << now;
  EXPECT_EQ(names_in(folder_.path()), std::set<std::string>{"model"});
}

}  // namespace
}  // namespace polaris
