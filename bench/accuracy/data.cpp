#include "bench/accuracy/data.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iostream>
#include <limits>
#include <map>
#include <set>

#include "host/config/space_yaml.hpp"
#include "host/config/workload_yaml.hpp"
#include "host/core/error.hpp"
#include "host/core/paths.hpp"
#include "host/fit/fit.hpp"
#include "host/fit/training_set.hpp"
#include "host/io/dataset.hpp"
#include "host/io/mapping_text.hpp"
#include "host/io/table.hpp"
#include "host/rtl/scheduler.hpp"
#include "host/search/analytical_search.hpp"
#include "host/search/pretraining.hpp"
#include "host/search/search.hpp"

namespace polaris {
namespace {

constexpr int kTries = 500;
constexpr int kLongestWalk = 4;
constexpr double kPicojoulePerMicrojoule = 1e6;
/// Streams of the seed.
enum Stream : std::uint64_t { kHardware = 101, kElite, kWalk, kPoint };

SearchProblem make_problem(const std::string& workload, const std::string& space) {
  return SearchProblem(read_workload(find_zoo_file("workloads", workload)),
                       read_design_space(find_zoo_file("spaces", space)));
}

double number(const Table& table, std::size_t row, int column) {
  return std::stod(table.rows[row][static_cast<std::size_t>(column)]);
}

/// Points to simulate, by kind: layers in turn.
std::map<PointId, PointKind> choose_points(const SearchProblem& problem,
                                           const RtlSampling& sampling) {
  std::map<PointId, PointKind> out;
  const auto draw = [&](Stream stream, std::uint64_t below, std::uint64_t counter) {
    return uniform_below(below, sampling.seed, stream, counter);
  };
  AnalyticalSearchOptions search;
  search.starts = 2;
  search.draws = 32;
  search.seed = sampling.seed;
  search.threads = sampling.threads;
  const auto elites = analytical_search(problem, search);
  const auto layers = static_cast<std::uint64_t>(problem.layer_count());
  const auto total = static_cast<std::uint64_t>(sampling.random + sampling.searched);
  for (std::uint64_t i = 0; i < total; ++i) {
    const int layer = static_cast<int>(i % layers);
    const std::uint64_t position = draw(kHardware, problem.hardware().size(), i);
    const std::uint64_t hardware = problem.hardware()[position];
    if (i < static_cast<std::uint64_t>(sampling.random)) {
      out.try_emplace(problem.random_feasible(layer, hardware, sampling.seed, kPoint + i, kTries),
                      PointKind::random);
      continue;
    }
    const MappingList& list = elites[position][static_cast<std::size_t>(layer)];
    const LayerSpaceView& view = problem.view(layer);
    PointId id = list.points[draw(kElite, list.points.size(), i)];
    const std::uint64_t steps = draw(kWalk, kLongestWalk + 1, i << 8);
    const auto moves = static_cast<std::uint64_t>(view.neighbour_count() - 2 * kHardwareAxes);
    for (std::uint64_t step = 0; step < steps && moves > 0; ++step) {
      const int move =
          2 * kHardwareAxes + static_cast<int>(draw(kWalk, moves, (i << 8) + 1 + step));
      const std::uint64_t next = view.neighbour(id.index, move);
      if (next == kNoIndex) continue;
      const PointId candidate{layer, view.canonical(next)};
      if (problem.hardware_of(candidate) == hardware && problem.feasible(candidate)) id = candidate;
    }
    out.try_emplace(id, PointKind::searched);
  }
  return out;
}

Table empty_table() {
  Table table;
  table.columns = {"target.cycle",      "target.energy", "kind",
                   "mapping.mapping",   "arch.meshX",    "arch.mem1_entries",
                   "arch.mem2_entries", "prob.Wstride",  "prob.Hstride",
                   "prob.Wdilation",    "prob.Hdilation"};
  for (int d = 0; d < kDims; ++d) table.columns.push_back(fmt::format("prob.{}", kDimLetters[d]));
  return table;
}

std::vector<std::string> to_row(const DesignSample& s, PointKind kind) {
  std::vector<std::string> row = {fmt::to_string(s.cycles),
                                  fmt::to_string(s.energy_pj / kPicojoulePerMicrojoule),
                                  to_string(kind),
                                  format_mapping(s.mapping),
                                  fmt::to_string(s.hardware.dim),
                                  fmt::to_string(s.hardware.accumulator_words),
                                  fmt::to_string(s.hardware.scratchpad_bytes),
                                  fmt::to_string(s.layer.stride_w),
                                  fmt::to_string(s.layer.stride_h),
                                  fmt::to_string(s.layer.dilation_w),
                                  fmt::to_string(s.layer.dilation_h)};
  for (int d = 0; d < kDims; ++d) row.push_back(fmt::to_string(s.layer.size[d]));
  return row;
}

std::vector<MeasuredPoint> read_simulated(const std::filesystem::path& path) {
  const Table table = read_table(path);
  const int cycles = table.require("target.cycle"), energy = table.require("target.energy");
  const auto kind = static_cast<std::size_t>(table.require("kind"));
  const std::vector<DatasetRow> rows = read_design_points(table, ArraySize::from_columns);
  std::vector<MeasuredPoint> out;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (!rows[i].error.empty()) throw Error(path.string() + ": " + rows[i].error);
    out.push_back({{rows[i].layer, rows[i].hardware, rows[i].mapping, number(table, i, cycles),
                    number(table, i, energy) * kPicojoulePerMicrojoule},
                   table.rows[i][kind] == to_string(PointKind::random) ? PointKind::random
                                                                       : PointKind::searched});
  }
  return out;
}

}  // namespace

const char* to_string(PointKind kind) {
  constexpr const char* kNames[] = {"published", "failed", "random", "searched"};
  return kNames[static_cast<int>(kind)];
}

std::vector<MeasuredPoint> read_published(const std::filesystem::path& path,
                                          const std::string& target) {
  const Table table = read_table(path);
  const int column = table.require(target), energy = table.require("target.energy");
  const std::vector<DatasetRow> rows = read_design_points(table, ArraySize::from_mapping);
  std::vector<DesignSample> samples;
  for (std::size_t i = 0; i < rows.size(); ++i)
    if (rows[i].error.empty())
      samples.push_back({rows[i].layer, rows[i].hardware, rows[i].mapping, number(table, i, column),
                         number(table, i, energy) * kPicojoulePerMicrojoule});
  samples = make_training_set(samples, true).samples;
  const std::vector<bool> failed = failed_measurements(samples, 0);
  std::vector<MeasuredPoint> out;
  for (std::size_t i = 0; i < samples.size(); ++i)
    out.push_back({samples[i], failed[i] ? PointKind::failed : PointKind::published});
  return out;
}

std::vector<MeasuredPoint> simulate_points(const RtlSampling& sampling,
                                           const std::filesystem::path& cache) {
  if (std::filesystem::is_regular_file(cache)) return read_simulated(cache);
  const SearchProblem problem = make_problem(sampling.workload, sampling.space);
  const std::map<PointId, PointKind> chosen = choose_points(problem, sampling);
  RtlSchedulerOptions options;
  options.threads = sampling.threads;
  RtlScheduler scheduler(options);
  std::map<RtlScheduler::Id, std::pair<PointId, PointKind>> running;
  for (const auto& [id, kind] : chosen) {
    RtlJob job;
    job.layer = problem.layer(id.layer);
    job.point = problem.point(id);
    job.memory = problem.space().memory;
    job.max_cycles =
        std::min(first_cycle_limit(problem, id, EvaluatorKind::built_in), sampling.max_cycles);
    running[scheduler.submit(job)] = {id, kind};
  }
  std::map<PointId, RtlResult> results;
  int beyond[2] = {}, total[2] = {};
  while (const auto done = scheduler.wait_any(-1.0)) {
    const auto& [id, kind] = running.at(done->first);
    const bool is_random = kind == PointKind::random;
    ++total[is_random];
    beyond[is_random] += done->second.status == RtlStatus::cycle_limit;
    if (done->second.status == RtlStatus::ok) results[id] = done->second;
  }
  std::cerr << fmt::format("beyond the cycle limit: {} of {} random, {} of {} searched points\n",
                           beyond[1], total[1], beyond[0], total[0]);
  Table table = empty_table();
  for (const auto& [id, result] : results) {
    const DesignPoint point = problem.point(id);
    table.rows.push_back(to_row({problem.layer(id.layer), point.hardware, point.mapping,
                                 static_cast<double>(result.cycles), result.energy_pj},
                                chosen.at(id)));
  }
  write_table(table, cache);
  return read_simulated(cache);
}

std::vector<LayerPoint> analytical_points(const std::string& workload, const std::string& space,
                                          std::int64_t count, int threads) {
  return pretraining_points(make_problem(workload, space), count, 1, threads);
}

std::vector<LayerPoint> read_points(const std::filesystem::path& path, std::size_t limit,
                                    int threads) {
  std::vector<LayerPoint> out;
  for (const DatasetRow& row :
       read_design_points(read_table(path), ArraySize::from_columns, threads))
    if (row.error.empty() && out.size() < limit)
      out.push_back({row.layer, row.hardware, row.mapping});
  return out;
}

}  // namespace polaris
