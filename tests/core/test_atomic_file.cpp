// Output files: whole or untouched, links and devices and permissions as they were.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <csignal>
#include <string>
#include <thread>
#include <vector>

#include "host/core/atomic_file.hpp"
#include "host/core/error.hpp"
#include "host/core/scratch.hpp"
#include "tests/core/output_files.hpp"
#include "tests/temporary_folder.hpp"

namespace polaris {
namespace {

namespace fs = std::filesystem;
using test::mode_of;
using test::names_in;
using test::put;
using testing::HasSubstr;

class AtomicFileTest : public testing::Test {
 protected:
  fs::path path(const std::string& name) const { return folder_.path() / name; }

  static void write(const fs::path& target, const std::string& text) {
    AtomicFile file(target);
    file.stream() << text;
    file.commit();
  }
  /// What writing to `target` throws, "Error: " or "Failure: " before it.
  static std::string refusal(const fs::path& target) {
    try {
      write(target, "new");
    } catch (const Error& error) {
      return std::string("Error: ") + error.what();
    } catch (const Failure& failure) {
      return std::string("Failure: ") + failure.what();
    }
    return "";
  }

  TemporaryFolder folder_;
};

TEST_F(AtomicFileTest, AppearsWholeOrNotAtAll) {
  put(path("kept"), "old");
  {
    AtomicFile file(path("kept")), other(path("never"));
    file.stream() << std::string(1 << 20, 'x');
    other.stream() << "half";
  }
  EXPECT_EQ(read_file(path("kept")), "old");
  EXPECT_EQ(names_in(folder_.path()), std::set<std::string>{"kept"});
  write(path("kept"), std::string(1 << 20, 'x') + "end");
  EXPECT_EQ(read_file(path("kept")), std::string(1 << 20, 'x') + "end");
  EXPECT_EQ(names_in(folder_.path()), std::set<std::string>{"kept"});
}

TEST_F(AtomicFileTest, LinksStayAndTheirTargetsAreReplaced) {
  fs::create_directory(path("big"));
  put(path("big/result"), "old");
  fs::create_symlink("big/result", path("link"));
  fs::create_symlink(path("link"), path("link to link"));
  fs::create_symlink("big/absent", path("dangling"));
  write(path("link to link"), "new");
  EXPECT_EQ(read_file(path("big/result")), "new");
  EXPECT_EQ(fs::read_symlink(path("link")), "big/result");
  EXPECT_TRUE(fs::is_symlink(path("link to link")));
  write(path("dangling"), "made");
  EXPECT_EQ(read_file(path("big/absent")), "made");
  EXPECT_TRUE(fs::is_symlink(path("dangling")));
  fs::create_symlink("loop", path("loop"));
  EXPECT_THAT(refusal(path("loop")), HasSubstr("Error: "));
  EXPECT_EQ(names_in(path("big")), (std::set<std::string>{"result", "absent"}));
}

TEST_F(AtomicFileTest, PermissionsAreKept) {
  put(path("private"), "old");
  fs::permissions(path("private"), fs::perms(0600));
  put(path("program"), "old");
  fs::permissions(path("program"), fs::perms(0754));
  write(path("private"), "new");
  write(path("program"), "new");
  EXPECT_EQ(mode_of(path("private")), 0600u);
  EXPECT_EQ(mode_of(path("program")), 0754u);
  const mode_t before = ::umask(027);
  write(path("fresh"), "new");
  ::umask(before);
  EXPECT_EQ(mode_of(path("fresh")), 0640u);
}

/// While it is written, nobody else reads what will be private.
TEST_F(AtomicFileTest, TemporaryFilesArePrivateWhereTheTargetIs) {
  put(path("private"), "old");
  fs::permissions(path("private"), fs::perms(0600));
  const AtomicFile file(path("private"));
  for (const std::string& name : names_in(folder_.path()))
    EXPECT_EQ(mode_of(path(name)), 0600u) << name;
}

TEST_F(AtomicFileTest, HardLinksAndFoldersAreRefused) {
  put(path("one"), "old");
  fs::create_hard_link(path("one"), path("two"));
  EXPECT_THAT(refusal(path("one")), HasSubstr("Error: " + path("one").string()));
  EXPECT_EQ(read_file(path("two")), "old");
  EXPECT_THAT(refusal(folder_.path()), HasSubstr("got Is a directory"));
  EXPECT_THAT(refusal(path("absent/file")), HasSubstr("Error: "));
  EXPECT_THAT(refusal(path("absent/")), HasSubstr("Error: "));
  EXPECT_THAT(refusal(""), HasSubstr("Error: "));
  EXPECT_EQ(names_in(folder_.path()), (std::set<std::string>{"one", "two"}));
}

TEST_F(AtomicFileTest, WhatThisUserMayNotWriteIsRefused) {
  EXPECT_TRUE(test::as_other_user(folder_.path(), [this] {
    put(path("read-only"), "old");
    fs::permissions(path("read-only"), fs::perms(0444));
    fs::create_directory(path("shut"));
    put(path("shut/file"), "old");
    fs::permissions(path("shut"), fs::perms(0555));
    const std::string file = refusal(path("read-only")), folder = refusal(path("shut/file"));
    const bool kept = read_file(path("read-only")) + read_file(path("shut/file")) == "oldold";
    fs::permissions(path("shut"), fs::perms(0755));
    return kept && file.find("a writable file, got Permission denied") != std::string::npos &&
           folder.find("in a writable folder, got Permission denied") != std::string::npos;
  }));
}

TEST_F(AtomicFileTest, PipesAreWrittenThrough) {
  const std::string text(1 << 20, 'x');
  ASSERT_EQ(::mkfifo(path("pipe").c_str(), 0600), 0);
  fs::create_symlink("pipe", path("link"));
  for (const char* name : {"pipe", "link"}) {
    std::string got;
    std::jthread reader([&] { got = read_file(path("pipe")); });
    write(path(name), text);
    reader.join();
    EXPECT_EQ(got, text) << name;
  }
  EXPECT_TRUE(fs::is_fifo(path("pipe")));
  EXPECT_EQ(names_in(folder_.path()), (std::set<std::string>{"pipe", "link"}));
}

TEST_F(AtomicFileTest, DevicesAreWrittenThrough) {
  fs::create_symlink("/dev/full", path("full"));
  fs::create_symlink("/dev/null", path("null"));
  EXPECT_EQ(refusal(path("full")),
            "Failure: " + path("full").string() + ": write failed: No space left on device");
  EXPECT_EQ(refusal(path("null")), "");
  EXPECT_TRUE(fs::is_character_file("/dev/full"));
  EXPECT_TRUE(fs::is_character_file("/dev/null"));
}

/// A shell's `> file` with `--out /dev/stdout`: the file is written where it stands, not replaced.
TEST_F(AtomicFileTest, OwnDescriptorsAreWrittenWhereTheyStand) {
  const int fd = ::open(path("log").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  ASSERT_GE(fd, 0);
  ASSERT_EQ(::write(fd, "before ", 7), 7);
  fs::create_symlink("/dev/fd/" + std::to_string(fd), path("link"));
  write(path("link"), "table ");
  write("/proc/self/fd/" + std::to_string(fd), "again ");
  ASSERT_EQ(::write(fd, "after", 5), 5);
  ::close(fd);
  EXPECT_EQ(read_file(path("log")), "before table again after");
  EXPECT_THAT(refusal(path("link")), HasSubstr("Error: "));  // closed by now
  const int reading = ::open(path("log").c_str(), O_RDONLY | O_CLOEXEC);
  EXPECT_THAT(refusal("/dev/fd/" + std::to_string(reading)), HasSubstr("Error: "));
  ::close(reading);
}

/// Killed writers leave a file; the next writer in that folder removes it, and no one else's.
TEST_F(AtomicFileTest, AbandonedFilesAreRemovedByTheNextWriter) {
  test::run_to_its_death([this] {
    AtomicFile file(path("result"));
    file.stream() << std::string(1 << 20, 'x');
    file.stream().flush();
    ::raise(SIGKILL);
  });
  test::run_to_its_death([this] {
    const ScratchFolder folder(folder_.path(), 0700);
    put(folder.path() / "half", "x");
    ::raise(SIGKILL);
  });
  EXPECT_EQ(names_in(folder_.path()).size(), 2u);
  put(path(".polaris-notes"), "the user's");
  put(path("victim"), "precious");
  fs::create_symlink("victim", path(".polaris-0123456789abcdef.tmp"));
  AtomicFile in_work(path("other"));
  in_work.stream() << "other";
  write(path("result"), "new");
  in_work.commit();
  EXPECT_EQ(read_file(path("other")), "other");
  EXPECT_EQ(read_file(path("victim")), "precious");
  EXPECT_EQ(names_in(folder_.path()),
            (std::set<std::string>{"result", "other", "victim", ".polaris-notes",
                                   ".polaris-0123456789abcdef.tmp"}));
}

/// Writers of one folder remove what was abandoned, never what another is about to rename.
TEST_F(AtomicFileTest, ConcurrentWritersDoNotDisturbOneAnother) {
  constexpr int kWriters = 4, kFiles = 100;
  {
    std::vector<std::jthread> writers;
    for (int w = 0; w < kWriters; ++w)
      writers.emplace_back([this, w] {
        for (int i = 0; i < kFiles; ++i) write(path(std::to_string(w)), std::to_string(i));
      });
  }
  for (int w = 0; w < kWriters; ++w)
    EXPECT_EQ(read_file(path(std::to_string(w))), std::to_string(kFiles - 1));
  EXPECT_EQ(names_in(folder_.path()).size(), static_cast<std::size_t>(kWriters));
}

TEST_F(AtomicFileTest, NoProgramInheritsTheFile) {
  const AtomicFile file(path("result"));
  for (const auto& entry : fs::directory_iterator("/proc/self/fd")) {
    std::error_code gone;
    if (!fs::read_symlink(entry.path(), gone).string().starts_with(folder_.path().string()))
      continue;
    const int flags = ::fcntl(std::stoi(entry.path().filename().string()), F_GETFD);
    EXPECT_NE(flags & FD_CLOEXEC, 0) << entry.path();
  }
}

TEST_F(AtomicFileTest, TakesAFileThatAProgramHasWritten) {
  put(path("result"), "old");
  fs::permissions(path("result"), fs::perms(0600));
  {
    AtomicFile file(path("result"));
    const ScratchFolder scratch(file.scratch_parent(), 0700);
    put(scratch.path() / "made", "new");
    file.take(scratch.path() / "made");
    file.commit();
  }
  EXPECT_EQ(read_file(path("result")), "new");
  EXPECT_EQ(mode_of(path("result")), 0600u);
  EXPECT_EQ(names_in(folder_.path()), std::set<std::string>{"result"});
  put(path("made"), "for a pipe");
  ASSERT_EQ(::mkfifo(path("pipe").c_str(), 0600), 0);
  std::string got;
  std::jthread reader([&] { got = read_file(path("pipe")); });
  AtomicFile file(path("pipe"));
  file.take(path("made"));
  file.commit();
  reader.join();
  EXPECT_EQ(got, "for a pipe");
}

}  // namespace
}  // namespace polaris
