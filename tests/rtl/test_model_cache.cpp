// Building and keeping simulators, with a compiler made of a shell script.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <thread>
#include <vector>

#include "host/core/atomic_file.hpp"
#include "host/core/error.hpp"
#include "host/core/scratch.hpp"
#include "host/rtl/model_cache.hpp"
#include "host/rtl/scheduler.hpp"
#include "tests/core/output_files.hpp"
#include "tests/rtl/fake_worker.hpp"

namespace polaris {
namespace {

namespace fs = std::filesystem;
using test::ScriptFolder;
using testing::HasSubstr;

/// A compiler that notes each build and writes a worker for array size 4 to the file after -o.
std::string compiler_body(const fs::path& notes) {
  std::ostringstream out;
  out << "[ \"$1\" = --version ] && { echo fake compiler 1; exit 0; }\n"
      << "echo build >> " << notes.string() << "\n"
      << "while [ \"$1\" != -o ]; do shift; done\n"
      << "cat > $2 <<'END'\n#!/bin/sh\n"
      << test::fake_worker(4, test::done(1, 0, 0)) << "END\nchmod +x $2\n";
  return out.str();
}

const auto kNever = [] { return false; };

class RtlModelCacheTest : public testing::Test {
 protected:
  RtlModelOptions options(const std::string& compiler) {
    RtlModelOptions out;
    out.cache_dir = folder_.path() / "cache";
    out.rtl_dir = POLARIS_RTL_SOURCES;
    out.compiler = compiler;
    return out;
  }
  std::string compiler() { return folder_.script("cc", compiler_body(notes())); }
  fs::path notes() { return folder_.path() / "notes"; }
  std::size_t builds() {
    return fs::exists(notes()) ? fs::file_size(notes()) / std::string("build\n").size() : 0;
  }
  static std::string failure(const RtlModelCache& cache) {
    try {
      cache.worker(4, kNever);
    } catch (const Failure& failure) {
      return failure.what();
    }
    return "";
  }

  ScriptFolder folder_;
};

TEST_F(RtlModelCacheTest, BuildsOncePerArraySize) {
  const RtlModelCache cache(options(compiler()));
  const fs::path first = cache.worker(4, kNever);
  EXPECT_TRUE(fs::is_regular_file(first));
  EXPECT_EQ(cache.worker(4, kNever), first);
  EXPECT_EQ(builds(), 1u);
  EXPECT_NE(cache.worker(8, kNever), first);
  EXPECT_EQ(builds(), 2u);
  EXPECT_EQ(RtlModelCache(options(compiler())).worker(4, kNever), first);  // another process
  EXPECT_EQ(builds(), 2u);
  for (const auto& entry : fs::directory_iterator(folder_.path() / "cache" / "rtl"))
    EXPECT_FALSE(entry.path().filename().string().starts_with(".polaris")) << entry.path();
}

TEST_F(RtlModelCacheTest, AssertionsAndCompilersHaveTheirOwnBuilds) {
  RtlModelOptions checked = options(compiler());
  checked.assertions = true;
  const fs::path plain = RtlModelCache(options(compiler())).worker(4, kNever);
  EXPECT_NE(RtlModelCache(checked).worker(4, kNever), plain);
  const std::string other = folder_.script("cc2", compiler_body(notes()));
  EXPECT_NE(RtlModelCache(options(other)).worker(4, kNever), plain);
}

TEST_F(RtlModelCacheTest, DamagedExecutablesAreBuiltAnew) {
  const RtlModelCache cache(options(compiler()));
  const fs::path worker = cache.worker(4, kNever);
  const std::string intact = read_file(worker);
  fs::resize_file(worker, intact.size() / 2);
  EXPECT_EQ(cache.worker(4, kNever), worker);
  EXPECT_EQ(read_file(worker), intact);
  std::ofstream(worker, std::ios::app) << "# changed\n";
  cache.worker(4, kNever);
  EXPECT_EQ(read_file(worker), intact);
  fs::remove(worker.parent_path() / "worker.hash");
  cache.worker(4, kNever);
  EXPECT_EQ(read_file(worker), intact);
  EXPECT_EQ(builds(), 4u);
  std::string flipped = intact;
  flipped[flipped.size() / 2] ^= 1;
  std::ofstream(worker) << flipped;
  cache.worker(4, kNever);
  EXPECT_EQ(read_file(worker), intact);
  fs::permissions(worker, fs::perms::owner_read);
  cache.worker(4, kNever);
  EXPECT_EQ(::access(worker.c_str(), X_OK), 0);
  EXPECT_EQ(builds(), 6u);
}

/// What a killed build leaves: a lock file that no one holds, and a folder that no one holds.
TEST_F(RtlModelCacheTest, RemainsOfAKilledBuildDoNotMatter) {
  const RtlModelCache cache(options(compiler()));
  const fs::path worker = cache.worker(4, kNever);
  const fs::path root = worker.parent_path().parent_path();
  fs::remove_all(worker.parent_path());
  EXPECT_TRUE(fs::exists(worker.parent_path().string() + ".lock"));
  const fs::path left = root / ".polaris-0123456789abcdef.tmp";
  fs::create_directories(left / "model");
  std::ofstream(left / "model" / "half.cpp") << "nonsense";
  const ScratchFolder under_way(root, 0700);
  EXPECT_EQ(cache.worker(4, kNever), worker);
  EXPECT_TRUE(fs::is_regular_file(worker));
  EXPECT_EQ(builds(), 2u);
  EXPECT_FALSE(fs::exists(left));
  EXPECT_TRUE(fs::exists(under_way.path()));
}

/// Whatever the umask, the cache and the programs in it are this user's alone.
TEST_F(RtlModelCacheTest, IsPrivate) {
  const mode_t before = ::umask(0);
  const fs::path worker = RtlModelCache(options(compiler())).worker(4, kNever);
  ::umask(before);
  for (fs::path path = worker; path != folder_.path(); path = path.parent_path())
    EXPECT_EQ(fs::status(path).permissions() & (fs::perms::group_all | fs::perms::others_all),
              fs::perms::none)
        << path;
}

TEST_F(RtlModelCacheTest, WhatOthersMayWriteIsNotRun) {
  const RtlModelCache cache(options(compiler()));
  const fs::path worker = cache.worker(4, kNever);
  fs::permissions(worker, fs::perms::group_write, fs::perm_options::add);
  EXPECT_EQ(cache.worker(4, kNever), worker);
  EXPECT_EQ(builds(), 2u);
  fs::permissions(worker.parent_path(), fs::perms::others_write, fs::perm_options::add);
  EXPECT_EQ(cache.worker(4, kNever), worker);
  EXPECT_EQ(builds(), 3u);
  // A link to a program elsewhere, which this cache has not checked.
  fs::rename(worker, folder_.path() / "moved");
  fs::create_symlink(folder_.path() / "moved", worker);
  EXPECT_EQ(cache.worker(4, kNever), worker);
  EXPECT_EQ(builds(), 4u);
  for (const fs::path& path : {folder_.path() / "cache", folder_.path() / "cache" / "rtl"}) {
    fs::permissions(path, fs::perms::others_write, fs::perm_options::add);
    EXPECT_THROW(RtlModelCache(options(compiler())), Failure) << path;
    fs::permissions(path, fs::perms::others_write, fs::perm_options::remove);
  }
}

TEST_F(RtlModelCacheTest, WhatAnotherUserOwnsIsNotRun) {
  if (::geteuid() != 0) {
    // Only root can give files away; what another user owns is at hand in every system.
    RtlModelOptions foreign = options(compiler());
    foreign.cache_dir = "/proc/1";
    EXPECT_THROW(RtlModelCache{foreign}, Failure);
    return;
  }
  constexpr uid_t kNobody = 65534;
  const RtlModelCache cache(options(compiler()));
  const fs::path worker = cache.worker(4, kNever);
  for (const fs::path& path : {worker, worker.parent_path() / "worker.hash"}) {
    ASSERT_EQ(::chown(path.c_str(), kNobody, kNobody), 0);
    cache.worker(4, kNever);
  }
  EXPECT_EQ(builds(), 3u);
  ASSERT_EQ(::chown(worker.parent_path().parent_path().c_str(), kNobody, kNobody), 0);
  EXPECT_THROW(RtlModelCache(options(compiler())), Failure);
}

/// A user who may only read a cache uses what is in it, and is told of what is not.
TEST_F(RtlModelCacheTest, ReadOnlyCachesServeWhatTheyHold) {
  EXPECT_TRUE(test::as_other_user(folder_.path(), [&] {
    const std::string cc = compiler();
    const fs::path root = folder_.path() / "cache" / "rtl";
    const fs::path worker = RtlModelCache(options(cc)).worker(4, kNever);
    fs::permissions(root, fs::perms(0500));
    fs::permissions(root.parent_path(), fs::perms(0500));
    const RtlModelCache cache(options(cc));
    const bool served = cache.worker(4, kNever) == worker;
    std::string reason;
    try {
      cache.worker(8, kNever);
    } catch (const Failure& failure) {
      reason = failure.what();
    }
    fs::permissions(root.parent_path(), fs::perms(0700));
    fs::permissions(root, fs::perms(0700));
    return served && reason.starts_with(root.string() + ": expected this machine's simulator") &&
           reason.ends_with("got Permission denied; POLARIS_CACHE names another folder");
  }));
}

/// Each cause by its own name.
TEST_F(RtlModelCacheTest, MissingThingsAreNamed) {
  const RtlModelCache cache(options(compiler()));
  const pid_t child = ::fork();
  if (child == 0) {
    const rlimit few{3, 3};
    ::setrlimit(RLIMIT_NOFILE, &few);
    ::_exit(failure(cache).find("Too many open files") == std::string::npos);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  const std::string path = std::getenv("PATH");
  ::setenv("PATH", "/absent", 1);
  EXPECT_THAT(failure(cache), HasSubstr("expected verilator on PATH"));
  const std::string verilator =
      folder_.script("verilator", "echo no licence for this >&2\nexit 3\n");
  ::setenv("PATH", folder_.path().c_str(), 1);
  EXPECT_THAT(failure(cache),
              HasSubstr(verilator + " --version: failed with exit code 3: no licence for this"));
  // Not found in the current folder, where an empty or relative entry leads.
  const fs::path here = fs::current_path();
  fs::current_path(folder_.path());
  for (const char* entries : {"", ":", ":/absent", ".", "./", "/absent::"}) {
    ::setenv("PATH", entries, 1);
    EXPECT_THAT(failure(cache), HasSubstr("expected verilator on PATH")) << entries;
  }
  fs::current_path(here);
  ::setenv("PATH", path.c_str(), 1);
}

/// A full disk, by a limit on the size of files: no half-built simulator is left or taken.
TEST_F(RtlModelCacheTest, FullDiskIsAFailureAndLeavesNothing) {
  const RtlModelCache cache(options(compiler()));
  const pid_t child = ::fork();
  if (child == 0) {
    std::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{8192, 8192};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    ::_exit(failure(cache).empty() ? 1 : 0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
  for (const auto& entry : fs::directory_iterator(folder_.path() / "cache" / "rtl"))
    EXPECT_EQ(entry.path().extension(), ".lock") << entry.path();
  EXPECT_TRUE(fs::is_regular_file(cache.worker(4, kNever)));
}

TEST_F(RtlModelCacheTest, ConcurrentProcessesBuildOnce) {
  const RtlModelOptions shared = options(compiler());
  std::vector<pid_t> children(3);
  for (pid_t& child : children) {
    child = ::fork();
    if (child != 0) continue;
    std::string reason = "none";
    try {
      RtlModelCache(shared).worker(4, kNever);
      reason.clear();
    } catch (const std::exception& error) {
      reason = error.what();
    }
    ::_exit(reason.empty() ? 0 : 1);
  }
  for (const pid_t child : children) {
    int status = 0;
    ::waitpid(child, &status, 0);
    EXPECT_EQ(status, 0);
  }
  EXPECT_EQ(builds(), 1u);
}

TEST_F(RtlModelCacheTest, ConcurrentBuildersBuildOnce) {
  const RtlModelOptions shared = options(compiler());
  std::vector<fs::path> workers(4);
  {
    std::vector<std::jthread> threads;
    for (fs::path& worker : workers)
      threads.emplace_back([&] { worker = RtlModelCache(shared).worker(4, kNever); });
  }
  for (const fs::path& worker : workers) EXPECT_EQ(worker, workers.front());
  EXPECT_EQ(builds(), 1u);
}

TEST_F(RtlModelCacheTest, BrokenToolsAreNamed) {
  EXPECT_THAT(failure(RtlModelCache(options((folder_.path() / "absent").string()))),
              HasSubstr("C++ compiler for the RTL"));
  const std::string broken = folder_.script(
      "broken", "[ \"$1\" = --version ] && exit 0\necho 'x.cpp:1: error: no luck' >&2\nexit 5\n");
  EXPECT_THAT(failure(RtlModelCache(options(broken))),
              HasSubstr("compiler failed for DIM 4 with exit code 5: x.cpp:1: error: no luck"));
  // Verilator's word on broken sources.
  const fs::path sources = folder_.path() / "rtl";
  fs::create_directory(sources);
  std::ofstream(sources / "accelerator.f") << "accelerator.sv\n";
  std::ofstream(sources / "accelerator.sv") << "module accelerator; nonsense\n";
  RtlModelOptions damaged = options(compiler());
  damaged.rtl_dir = sources;
  EXPECT_THAT(failure(RtlModelCache(damaged)), HasSubstr("verilator failed for DIM 4"));
}

TEST_F(RtlModelCacheTest, CancelledBuildStops) {
  const std::string slow = folder_.script("slow", "[ \"$1\" = --version ] && exit 0\nsleep 600\n");
  const RtlModelCache cache(options(slow));
  int polls = 0;
  EXPECT_THROW(cache.worker(4, [&polls] { return ++polls > 100; }), Failure);
}

TEST_F(RtlModelCacheTest, SourceHashFollowsTheSources) {
  const fs::path sources = folder_.path() / "rtl";
  fs::copy(POLARIS_RTL_SOURCES, sources, fs::copy_options::recursive);
  RtlModelOptions copied = options(compiler());
  copied.rtl_dir = sources;
  const std::string hash = RtlModelCache(options(compiler())).source_hash();
  EXPECT_EQ(RtlModelCache(copied).source_hash(), hash);
  std::ofstream(sources / "harness" / "reference.hpp", std::ios::app) << "\n";
  EXPECT_NE(RtlModelCache(copied).source_hash(), hash);
}

/// A job of each outcome, all through one scheduler: the failed build harms no one else.
TEST_F(RtlModelCacheTest, SchedulerReportsFailedBuilds) {
  RtlSchedulerOptions scheduling;
  scheduling.threads = 2;
  scheduling.cache_dir = folder_.path() / "cache";
  scheduling.rtl_dir = POLARIS_RTL_SOURCES;
  scheduling.compiler = folder_.script(
      "picky", "case \"$*\" in *DIM=8*) echo 'fatal error: no 8' >&2; exit 1;; esac\n" +
                   compiler_body(notes()));
  RtlScheduler scheduler(scheduling);
  scheduler.submit(test::tiny_job(8));
  scheduler.submit(test::tiny_job(4));
  scheduler.submit(test::tiny_job(8));
  int failed = 0;
  while (const auto result = scheduler.wait_any(-1.0)) {
    if (result->first == 1) {
      EXPECT_EQ(result->second.status, RtlStatus::ok) << result->second.reason;
    } else {
      EXPECT_EQ(result->second.status, RtlStatus::build_failed);
      EXPECT_THAT(result->second.reason, HasSubstr("fatal error: no 8"));
      ++failed;
    }
  }
  EXPECT_EQ(failed, 2);
}

}  // namespace
}  // namespace polaris
