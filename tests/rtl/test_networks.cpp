// Every unique layer of the networks in the zoo, whole, on the 16 x 16 accelerator: bit-exact, and
// the same cycles and counters without data. Prints a table of what the layers cost.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <cstdio>
#include <map>
#include <utility>

#include "host/config/workload_yaml.hpp"
#include "host/core/paths.hpp"
#include "host/rtl/model_cache.hpp"
#include "host/rtl/program.hpp"
#include "host/rtl/worker.hpp"
#include "host/search/analytical_search.hpp"

namespace polaris {
namespace {

constexpr int kDim = 16;

/// The mappings that the analytical search likes best, on one hardware of usual size.
std::vector<RtlJob> good_jobs(const Workload& workload) {
  DesignSpace space;
  space.name = "one";
  const std::int64_t values[kHardwareAxes] = {kDim, 64 * 1024, 256 * 1024, 16};
  for (int a = 0; a < kHardwareAxes; ++a) {
    space.hardware.value[a][0] = values[a];
    space.hardware.count[a] = 1;
  }
  const SearchProblem problem(workload, space);
  AnalyticalSearchOptions options;
  options.keep = 1;
  const auto found = analytical_search(problem, options);
  std::vector<RtlJob> out;
  for (const MappingList& list : found.at(0)) {
    RtlJob job;
    job.point = problem.point(list.points.at(0));
    job.layer = problem.layer(list.points.at(0).layer);
    job.data_seed = out.size();
    out.push_back(job);
  }
  return out;
}

double children_cpu_seconds() {
  rusage usage{};
  ::getrusage(RUSAGE_CHILDREN, &usage);
  const auto seconds = [](const timeval& t) { return double(t.tv_sec) + 1e-6 * double(t.tv_usec); };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

class RtlNetworks : public testing::TestWithParam<const char*> {
 protected:
  RtlNetworks() {
    RtlModelOptions options;
    options.cache_dir = POLARIS_RTL_CACHE;
    options.rtl_dir = POLARIS_RTL_SOURCES;
    executable_ = RtlModelCache(options).worker(kDim, [] { return false; });
  }

  /// A process of its own, so that its CPU time is known once it has ended.
  std::pair<WorkerAnswer, double> run(const RtlJob& job) const {
    const double before = children_cpu_seconds();
    WorkerAnswer answer;
    {
      RtlWorker worker(executable_, kDim);
      std::string why;
      EXPECT_EQ(worker.run(job, program_accelerator(job), answer, why),
                RtlWorker::Outcome::answered)
          << why;
    }
    return {answer, children_cpu_seconds() - before};
  }

  std::filesystem::path executable_;
};

TEST_P(RtlNetworks, EveryLayerIsBitExactAndTimingOnlyEqual) {
  const Workload workload = read_workload(find_zoo_file("workloads", GetParam()));
  const std::vector<RtlJob> jobs = good_jobs(workload);
  ASSERT_EQ(jobs.size(), workload.layers.size());
  std::map<std::vector<std::int32_t>, std::string> simulated;  // layers that differ in name only
  double total[2] = {}, macs = 0.0;
  std::int64_t cycles = 0;
  fmt::print("{:24} {:>12} {:>14} {:>6} {:>12} {:>12}\n", GetParam(), "cycles", "MACs", "use",
             "functional s", "timing s");
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    RtlJob job = jobs[i];
    const Layer& layer = job.layer;
    std::vector<std::int32_t> shape(layer.size, layer.size + kDims);
    shape.insert(shape.end(), {layer.stride_w, layer.stride_h, layer.dilation_w, layer.dilation_h});
    if (!simulated.emplace(shape, workload.layers[i].name).second) continue;
    SCOPED_TRACE(workload.layers[i].name);
    ASSERT_EQ(rtl_refusal(job), "");
    job.functional = true;
    const auto [functional, functional_s] = run(job);
    job.functional = false;
    const auto [timing, timing_s] = run(job);
    ASSERT_TRUE(functional.finished && timing.finished);
    EXPECT_EQ(functional.errors, 0u);
    EXPECT_EQ(functional.mismatches, 0);
    EXPECT_EQ(functional.counters, timing.counters);
    const Mapping& m = job.point.mapping;
    EXPECT_EQ(functional.counters.mesh_rows * m.spatial_c * m.spatial_k, layer.macs());
    fmt::print("{:24} {:12} {:14} {:5.0f}% {:12.2f} {:12.2f}\n", workload.layers[i].name,
               timing.counters.cycles, layer.macs(),
               100.0 * static_cast<double>(layer.macs()) /
                   (kDim * kDim * static_cast<double>(timing.counters.cycles)),
               functional_s, timing_s);
    std::fflush(stdout);
    total[0] += functional_s;
    total[1] += timing_s;
    macs += static_cast<double>(layer.macs());
    cycles += timing.counters.cycles;
  }
  fmt::print("{:24} {:12} {:14.0f} {:6} {:12.2f} {:12.2f}\n", "total", cycles, macs, "", total[0],
             total[1]);
}

INSTANTIATE_TEST_SUITE_P(Zoo, RtlNetworks,
                         testing::Values("resnet50", "bert_base", "unet", "retinanet"),
                         [](const auto& test) { return std::string(test.param); });

}  // namespace
}  // namespace polaris
