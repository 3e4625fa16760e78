// kill -9 at random moments, again and again, over everything that keeps results: what ends at last
// is what an undisturbed run gives, and no process outlives its parent.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <thread>

#include "host/io/mapping_text.hpp"
#include "host/space/layer_text.hpp"
#include "host/store/store.hpp"
#include "models/space/philox.hpp"
#include "tests/cli/child.hpp"
#include "tests/cli/run_polaris.hpp"
#include "tests/marked_processes.hpp"

namespace polaris::kills {

namespace fs = std::filesystem;

using Words = std::vector<std::string>;
using Results = std::map<std::string, std::string>;

/// A command that keeps its results below a folder, and can be run again after a kill.
struct Job {
  /// In that folder, with stdout in its file "out".
  std::function<Words(const std::string& folder)> command;
  /// What must not depend on kills, by name.
  std::function<Results(const std::string& folder)> results;
  /// Runs that the command needs before it, not killed.
  std::function<void(const std::string& folder)> prepare = [](const std::string&) {};
  /// Of simulators and encoders; empty: a new one in the folder, built under kills.
  std::string cache = {};
};

class Kills : public ::testing::Test {
 protected:
  using Clock = std::chrono::steady_clock;

  pid_t start(const Job& job, const std::string& folder) const {
    Words words = {"/bin/sh", "-c",
                   "cd '" + folder + "'; export POLARIS_CACHE='" +
                       (job.cache.empty() ? folder + "/cache" : job.cache) +
                       "'; exec \"$@\" > out 2> err",
                   "sh"};
    for (const std::string& word : job.command(folder)) words.push_back(word);
    return start_child(words, "/dev/null");
  }

  std::string new_folder(const Job& job) {
    const std::string folder = folder_ / std::to_string(folders_++);
    fs::create_directory(folder);
    job.prepare(folder);
    return folder;
  }

  /// False where the process ends before `moment`; it is not reaped.
  static bool runs_until(pid_t child, Clock::time_point moment) {
    for (;;) {
      siginfo_t info{};
      ::waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOHANG | WNOWAIT);
      if (info.si_pid == child) return false;
      if (Clock::now() >= moment) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  }

  void expect_success(pid_t child, const std::string& folder) {
    EXPECT_EQ(end_of(child), 0) << content_of(folder + "/err");
    EXPECT_THAT(mark_.left(), ::testing::IsEmpty());
  }

  /// Kills lives of the job until `kills` have hit; a job that ends between them begins anew.
  void survives(const Job& job, int kills, std::uint64_t seed) {
    if (!job.cache.empty()) {  // filled now: the moments are those of a run that finds it so
      const std::string first = new_folder(job);
      expect_success(start(job, first), first);
    }
    const std::string direct = new_folder(job);
    const auto begin = Clock::now();
    expect_success(start(job, direct), direct);
    const auto duration =
        std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - begin);
    const Results expected = job.results(direct);
    ASSERT_FALSE(HasFailure());
    std::uint64_t draws = 0;
    for (int done = 0; done < kills;) {
      const std::string folder = new_folder(job);
      for (bool ended = false; !ended;) {
        const pid_t child = start(job, folder);
        const auto moment = std::chrono::microseconds(
            uniform_below(static_cast<std::uint64_t>(duration.count()), seed, 0, draws++));
        if (done < kills && runs_until(child, Clock::now() + moment)) {
          ::kill(child, SIGKILL);
          end_of(child);
          EXPECT_THAT(mark_.left(), ::testing::IsEmpty());
          ++done;
        } else {
          expect_success(child, folder);
          ended = true;
        }
      }
      EXPECT_EQ(job.results(folder), expected)
          << "seed " << seed << ", after " << draws << " draws";
      ASSERT_FALSE(HasFailure());
    }
  }

  const TemporaryFolder folder_;
  const ProcessMark mark_;
  int folders_ = 0;
};

inline void write_file(const std::string& file, const std::string& text) {
  std::ofstream(file) << text;
}

inline constexpr char kWorkload[] =
    "polaris: 1\nkind: workload\nname: tiny\nlayers:\n"
    "  - {name: conv, count: 2, R: 3, S: 3, P: 8, Q: 8, C: 8, K: 16}\n"
    "  - {name: gemm, count: 3, gemm: {M: 8, K: 32, N: 16}}\n";

/// A law of the job, in two processes and a few milliseconds.
inline constexpr char kEvaluator[] =
    "#!/bin/sh\nread job\nsleep 0.02\n"
    "case $job in *'\"dim\":4,'*) c=900 ;; *) c=500 ;; esac\n"
    "echo \"{\\\"cycles\\\": $c$(echo \"$job\" | sed 's/\"job\":[0-9]*//' | cksum | cut -c 1-2), "
    "\\\"energy_pj\\\": 1}\"\n";

/// The report without what depends on the clock.
inline std::string decisions(const std::string& file) {
  nlohmann::json report = nlohmann::json::parse(content_of(file));
  for (auto& result : report["results"]) {
    result.erase("candidates_per_second");
    for (auto& step : result["steps"])
      for (const char* clock : {"score_seconds", "fit_seconds", "elapsed_seconds"})
        step.erase(clock);
  }
  return report.dump(1);
}

/// Decisions, and evaluations in any order: none lost, none twice. One file is left of the store.
inline Results search_results(const std::string& folder) {
  Results out = {{"decisions", decisions(folder + "/out")}};
  std::multiset<std::string> rows;
  Store store(folder + "/s.sqlite", OpenMode::read);
  for (const Evaluation& e : store.evaluations({}))
    rows.insert(format_layer(e.layer) + " | " + format_mapping(e.point.mapping) + " | " +
                std::to_string(e.point.hardware.dim) + " " +
                std::to_string(e.point.hardware.accumulator_words) + " " +
                std::to_string(e.point.hardware.scratchpad_bytes) + " | " + e.status + " " +
                std::to_string(e.cycles));
  for (const std::string& row : rows) out["evaluations"] += row + "\n";
  for (const auto& entry : fs::directory_iterator(folder))
    out["files"] += entry.path().filename().string().starts_with("s.sqlite") ? "store " : "";
  return out;
}

inline Job search_job(const Words& more) {
  return {[more](const std::string& folder) {
            Words words = {
                POLARIS_BINARY, "search",   "--workload",   "tiny.yaml", "--space",   "small",
                "--store",      "s.sqlite", "--resume",     "--seed",    "5",         "--json",
                "--rtl-budget", "40",       "--batch",      "6",         "--initial", "10",
                "--threads",    "2",        "--candidates", "2000",      "--compare", "analytical"};
            write_file(folder + "/tiny.yaml", kWorkload);
            words.insert(words.end(), more.begin(), more.end());
            return words;
          },
          search_results, [](const std::string&) {}, POLARIS_RTL_CACHE};
}

inline Job external_search_job(const std::string& cache) {
  Job job = search_job({"--evaluator", "./flow.sh"});
  job.cache = cache;
  job.prepare = [](const std::string& folder) {
    write_file(folder + "/flow.sh", kEvaluator);
    fs::permissions(folder + "/flow.sh", fs::perms::owner_all);
  };
  return job;
}

/// Contents of the files `names` below the folder.
inline std::function<Results(const std::string&)> contents(const Words& names) {
  return [names](const std::string& folder) {
    Results out;
    for (const std::string& name : names)
      out[name] = content_of((fs::path(folder) / name).string());
    for (const auto& [name, text] : out) EXPECT_NE(text, "") << name;
    return out;
  };
}

inline const Words kSweepFiles = {"o/certificate.json", "o/hardware.csv", "o/pareto.csv",
                                  "o/top.csv"};

inline Job sweep_job() {
  return {[](const std::string&) -> Words {
            return {POLARIS_BINARY, "sweep",   "--workload",   "resnet50",  "--layer",
                    "conv4_3x3",    "--space", "small",        "--threads", "1",
                    "--out",        "o",       "--checkpoint", "0"};
          },
          contents(kSweepFiles)};
}

inline Job merge_job() {
  Job job = sweep_job();
  const Words sweep = job.command("");
  job.prepare = [sweep](const std::string& folder) {
    std::string command = "cd '" + folder + "'; '" + sweep.front() + "'";
    for (std::size_t i = 1; i + 2 < sweep.size(); ++i) command += " " + sweep[i];
    for (const char* shard : {"1/2", "2/2"})
      ASSERT_EQ(std::system((command + " --quiet --shard " + shard + " > out 2>&1").c_str()), 0);
  };
  job.command = [](const std::string&) -> Words {
    return {POLARIS_BINARY, "merge", "o", "o/shard-0001-of-0002.json", "o/shard-0002-of-0002.json"};
  };
  return job;
}

inline Job train_job() {
  return {[](const std::string&) -> Words {
            return {POLARIS_BINARY, "train", "--low", POLARIS_TEST_DATA "/golden_rtl.csv",
                    "--out",        "model"};
          },
          contents({"model/model.json", "model/model.safetensors"})};
}

/// Builds a simulator and runs one point on it.
inline Job build_job() {
  return {[](const std::string&) -> Words {
            return {
                POLARIS_BINARY,  "simulate",
                "--layer-sizes", "1,1,4,4,8,8,1",
                "--dim",         "4",
                "--mapping",     "L3[WIO] P2 K2 - L2[WI] N1 K4X - L1[O] Q2 C2 C4X - L0[W] P2 Q2",
                "--json",        "--functional"};
          },
          [](const std::string& folder) {
            auto report = nlohmann::json::parse(content_of(folder + "/out"));
            report.erase("seconds");
            return Results{{"report", report.dump()}};
          }};
}

}  // namespace polaris::kills
