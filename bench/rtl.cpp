// Speed of the RTL simulation, and how far its cycles are from the analytical model's.
//
//   bench_rtl [mappings sampled per layer] [DIM...]      default: 1000 4 8 16 32
//
// Every layer of ResNet-50 and BERT-base runs with the mapping that the analytical model likes best
// among the sampled ones, once timing-only and once functional, on one core. Rates are per CPU
// second of the workers, builds excluded; runs stop at a cycle limit and ratios leave those out.
#include <sys/resource.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "host/config/workload_yaml.hpp"
#include "host/core/paths.hpp"
#include "host/rtl/scheduler.hpp"
#include "host/space/layer_space.hpp"
#include "models/analytical/analytical.hpp"

namespace polaris {
namespace {

constexpr std::int64_t kAccumulatorBytes = 64 * 1024, kScratchpadBytes = 256 * 1024, kBus = 8;
constexpr std::int64_t kCycleLimit = 4'000'000;

double worker_cpu_seconds() {
  rusage usage{};
  ::getrusage(RUSAGE_CHILDREN, &usage);
  return static_cast<double>(usage.ru_utime.tv_sec) +
         1e-6 * static_cast<double>(usage.ru_utime.tv_usec);
}

/// The mapping of smallest analytical EDP among `samples` uniform ones.
RtlJob best_job(const Layer& layer, int dim, std::uint64_t samples) {
  HardwareGrid grid{};
  const std::int64_t values[kHardwareAxes] = {dim, kAccumulatorBytes, kScratchpadBytes, kBus};
  for (int a = 0; a < kHardwareAxes; ++a) {
    grid.value[a][0] = values[a];
    grid.count[a] = 1;
  }
  const LayerSpace space(layer, grid);
  RtlJob best;
  best.layer = layer;
  best.max_cycles = 0;
  double best_edp = 0.0;
  for (std::uint64_t i = 0; i < samples; ++i) {
    const DesignPoint point = space.view().decode(space.view().sample(1, 0, i));
    if (check(layer, point) != Feasibility::feasible) continue;
    const double edp = evaluate_analytical(layer, point.hardware, point.mapping).edp;
    if (best.max_cycles != 0 && edp >= best_edp) continue;
    best_edp = edp;
    best.point = point;
    best.max_cycles = kCycleLimit;
  }
  return best;
}

RtlSchedulerOptions one_thread() {
  RtlSchedulerOptions options;
  options.threads = 1;
  return options;
}

double quantile(const std::vector<double>& sorted, double q) {
  return sorted.empty() ? 0.0 : sorted[static_cast<std::size_t>(q * double(sorted.size() - 1))];
}

void run(const std::vector<RtlJob>& jobs, int dim, bool functional) {
  const double before = worker_cpu_seconds();
  std::int64_t cycles = 0;
  double macs = 0.0;
  std::vector<double> ratios;
  std::size_t cut = 0;
  {
    RtlScheduler scheduler(one_thread());
    for (RtlJob job : jobs) {
      job.functional = functional;
      scheduler.submit(job);
    }
    while (const auto done = scheduler.wait_any(-1.0)) {
      const RtlResult& result = done->second;
      const RtlJob& job = jobs[done->first];
      const auto& [hardware, mapping] = job.point;
      cycles += result.cycles;
      macs +=
          static_cast<double>(result.counters.mesh_rows) * mapping.spatial_c * mapping.spatial_k;
      if (result.status == RtlStatus::ok)
        ratios.push_back(
            static_cast<double>(result.cycles) /
            static_cast<double>(evaluate_analytical(job.layer, hardware, mapping).cycles));
      else if (result.status == RtlStatus::cycle_limit)
        ++cut;
      else
        std::fprintf(stderr, "%s: %s\n", to_string(result.status), result.reason.c_str());
    }
  }
  const double seconds = worker_cpu_seconds() - before;
  std::sort(ratios.begin(), ratios.end());
  std::printf("%4d %-11s %6zu %4zu %12lld %8.2f %9.0f %9.1f %6.2f %6.2f %6.2f\n", dim,
              functional ? "functional" : "timing-only", jobs.size(), cut,
              static_cast<long long>(cycles), seconds, static_cast<double>(cycles) / seconds / 1e3,
              macs / seconds / 1e6, quantile(ratios, 0.5), quantile(ratios, 0.9),
              quantile(ratios, 1.0));
  std::fflush(stdout);
}

/// Builds the simulator ahead, so that its CPU time is not counted.
void build(const RtlJob& job) {
  RtlScheduler scheduler(one_thread());
  RtlJob probe = job;
  probe.max_cycles = 1;
  scheduler.submit(probe);
  scheduler.wait_any(-1.0);
}

}  // namespace
}  // namespace polaris

int main(int argc, char** argv) {
  using namespace polaris;
  const std::uint64_t samples = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 1000;
  std::vector<int> dims;
  for (int i = 2; i < argc; ++i) dims.push_back(std::atoi(argv[i]));
  if (dims.empty()) dims = {4, 8, 16, 32};
  std::printf("%4s %-11s %6s %4s %12s %8s %9s %9s %20s\n", "DIM", "mode", "layers", "cut", "cycles",
              "CPU s", "kcycles/s", "MMAC/s", "ratio p50, p90, max");
  for (const int dim : dims) {
    std::vector<RtlJob> jobs;
    for (const char* name : {"resnet50", "bert_base"})
      for (const WorkloadLayer& layer : read_workload(find_zoo_file("workloads", name)).layers) {
        const RtlJob job = best_job(layer.layer, dim, samples);
        if (job.max_cycles != 0) jobs.push_back(job);
      }
    build(jobs.front());
    run(jobs, dim, false);
    run(jobs, dim, true);
  }
}
