// Building and keeping simulators, with a compiler made of a shell script.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <fstream>
#include <sstream>
#include <thread>
#include <vector>

#include "host/core/atomic_file.hpp"
#include "host/core/error.hpp"
#include "host/rtl/model_cache.hpp"
#include "host/rtl/scheduler.hpp"
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
    EXPECT_FALSE(entry.path().filename().string().starts_with(".build")) << entry.path();
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

/// What a killed build leaves: a lock file that no one holds, and a folder.
TEST_F(RtlModelCacheTest, RemainsOfAKilledBuildDoNotMatter) {
  const RtlModelCache cache(options(compiler()));
  const fs::path worker = cache.worker(4, kNever);
  const fs::path root = worker.parent_path().parent_path();
  fs::remove_all(worker.parent_path());
  EXPECT_TRUE(fs::exists(worker.parent_path().string() + ".lock"));
  const fs::path old = root / ".build-old", recent = root / ".build-recent";
  for (const fs::path& left : {old, recent}) {
    fs::create_directories(left / "model");
    std::ofstream(left / "model" / "half.cpp") << "nonsense";
  }
  fs::last_write_time(old, fs::file_time_type::clock::now() - std::chrono::hours(48));
  EXPECT_EQ(cache.worker(4, kNever), worker);
  EXPECT_TRUE(fs::is_regular_file(worker));
  EXPECT_EQ(builds(), 2u);
  EXPECT_FALSE(fs::exists(old));
  EXPECT_TRUE(fs::exists(recent));  // may be a build under way
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
