// Speed of the RTL simulation: cycles and MACs per CPU second by array size, build times, and what
// a second thread in one simulation gains over a second simulation.
//
// All layers of ResNet-50 run to their end with the mappings that the analytical search finds for a
// Gemmini-like accelerator of each array size. CPU seconds are those of the workers, the check of
// functional runs against the reference included.
#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "host/config/workload_yaml.hpp"
#include "host/core/error.hpp"
#include "host/core/paths.hpp"
#include "host/rtl/model_cache.hpp"
#include "host/rtl/scheduler.hpp"
#include "host/search/analytical_search.hpp"
#include "tests/temporary_folder.hpp"

namespace polaris {
namespace {

using nlohmann::ordered_json;

/// Cycles per layer of the runs with two threads: enough for a rate, and they are slow.
constexpr std::int64_t kStudyCycles = 1'000;
constexpr std::int64_t kAccumulatorBytes = 64 * 1024, kScratchpadBytes = 256 * 1024, kBus = 8;

/// Wall time, and CPU time of the children that have ended.
struct Times {
  double wall = 0.0;
  double cpu = 0.0;
};

Times now() {
  rusage usage{};
  ::getrusage(RUSAGE_CHILDREN, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
  };
  return {
      std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(),
      seconds(usage.ru_utime) + seconds(usage.ru_stime)};
}

template <class F>
Times measure(F&& work) {
  const Times before = now();
  work();
  const Times after = now();
  return {after.wall - before.wall, after.cpu - before.cpu};
}

/// One job per layer, each with its analytically best mapping.
std::vector<RtlJob> network_jobs(const Workload& workload, int dim) {
  DesignSpace space;
  const std::int64_t values[kHardwareAxes] = {dim, kAccumulatorBytes, kScratchpadBytes, kBus};
  for (int a = 0; a < kHardwareAxes; ++a) {
    space.hardware.value[a][0] = values[a];
    space.hardware.count[a] = 1;
  }
  const SearchProblem problem(workload, space);
  const auto lists = analytical_search(problem, {});
  std::vector<RtlJob> jobs;
  for (int l = 0; l < problem.layer_count(); ++l) {
    RtlJob job;
    job.layer = problem.layer(l);
    job.point = problem.point(lists[0][static_cast<std::size_t>(l)].points.front());
    jobs.push_back(job);
  }
  return jobs;
}

struct Setting {
  bool functional = false;
  int processes = 1;
  int threads = 1;  ///< of one simulation
  std::int64_t max_cycles = RtlJob().max_cycles;
};

/// Runs all jobs on the worker and describes their speed.
ordered_json run(std::vector<RtlJob> jobs, const std::filesystem::path& worker,
                 const Setting& setting) {
  std::int64_t cycles = 0;
  double macs = 0.0;
  const Times times = measure([&] {
    RtlSchedulerOptions options;
    options.threads = setting.processes;
    options.worker_for = [&](int) { return worker; };
    RtlScheduler scheduler(options);
    for (RtlJob& job : jobs) {
      job.functional = setting.functional;
      job.max_cycles = setting.max_cycles;
      scheduler.submit(job);
    }
    while (const auto done = scheduler.wait_any(-1.0)) {
      const auto& [id, result] = *done;
      if (result.status != RtlStatus::ok && result.status != RtlStatus::cycle_limit)
        throw Failure(fmt::format("{}: {}", to_string(result.status), result.reason));
      cycles += result.cycles;
      const Mapping& mapping = jobs[id].point.mapping;
      macs +=
          static_cast<double>(result.counters.mesh_rows) * mapping.spatial_c * mapping.spatial_k;
    }
  });
  return {{"mode", setting.functional ? "functional" : "timing-only"},
          {"processes", setting.processes},
          {"threads", setting.threads},
          {"cycles", cycles},
          {"wall_s", times.wall},
          {"cpu_s", times.cpu},
          {"cycles_per_cpu_s", static_cast<double>(cycles) / times.cpu},
          {"macs_per_cpu_s", macs / times.cpu},
          {"cycles_per_wall_s", static_cast<double>(cycles) / times.wall}};
}

ordered_json measure_dim(const Workload& workload, int dim, bool threads_study) {
  const TemporaryFolder cache;
  const auto build = [&](int threads) {
    RtlModelOptions options;
    options.cache_dir = cache.path();
    options.threads = threads;
    return RtlModelCache(options).worker(dim, [] { return false; });
  };
  std::filesystem::path worker;
  const Times cold = measure([&] { worker = build(1); });
  const Times cached = measure([&] { build(1); });
  const std::vector<RtlJob> jobs = network_jobs(workload, dim);
  ordered_json runs = ordered_json::array();
  for (const int processes : {1, 2})
    for (const bool functional : {false, true})
      runs.push_back(run(jobs, worker, {functional, processes, 1}));
  if (threads_study) {
    const auto threaded = build(2);
    for (const bool functional : {false, true})
      runs.push_back(run(jobs, threaded, {functional, 1, 2, kStudyCycles}));
  }
  return {{"dim", dim},
          {"layers", jobs.size()},
          {"build_wall_s", cold.wall},
          {"build_cpu_s", cold.cpu},
          {"cached_wall_s", cached.wall},
          {"runs", std::move(runs)}};
}

void print(const ordered_json& result) {
  fmt::print("DIM {}: built in {:.1f} s ({:.1f} CPU s), found in the cache in {:.2f} s\n",
             result["dim"].get<int>(), result["build_wall_s"].get<double>(),
             result["build_cpu_s"].get<double>(), result["cached_wall_s"].get<double>());
  fmt::print("  {:<11} {:>5} {:>7} {:>10} {:>7} {:>7} {:>13} {:>11} {:>14}\n", "mode", "procs",
             "threads", "cycles", "wall s", "CPU s", "kcycle/CPU s", "MMAC/CPU s", "kcycle/wall s");
  for (const ordered_json& run : result["runs"])
    fmt::print(
        "  {:<11} {:>5} {:>7} {:>10} {:>7.2f} {:>7.2f} {:>13.1f} {:>11.1f} {:>14.1f}\n",
        run["mode"].get<std::string>(), run["processes"].get<int>(), run["threads"].get<int>(),
        run["cycles"].get<std::int64_t>(), run["wall_s"].get<double>(), run["cpu_s"].get<double>(),
        run["cycles_per_cpu_s"].get<double>() / 1e3, run["macs_per_cpu_s"].get<double>() / 1e6,
        run["cycles_per_wall_s"].get<double>() / 1e3);
  std::fflush(stdout);
}

}  // namespace
}  // namespace polaris

int main(int argc, char** argv) {
  using namespace polaris;
  std::vector<int> dims = {4, 8, 16, 32, 64};
  bool json = false, threads_study = false;
  CLI::App app("Speed of the RTL simulation over the layers of ResNet-50");
  app.add_option("dims", dims, "Array sizes: 4, 8, 16, 32 or 64");
  app.add_flag("--json", json, "Print JSON");
  app.add_flag("--threads-study", threads_study,
               "Also build and run a model with two threads in one simulation");
  CLI11_PARSE(app, argc, argv);
  try {
    const Workload workload = read_workload(find_zoo_file("workloads", "resnet50"));
    ordered_json results = ordered_json::array();
    for (const int dim : dims) {
      results.push_back(measure_dim(workload, dim, threads_study));
      if (!json) print(results.back());
    }
    if (json) fmt::print("{}\n", results.dump(2));
  } catch (const std::exception& error) {
    fmt::print(stderr, "bench_rtl: {}\n", error.what());
    return 1;
  }
}
