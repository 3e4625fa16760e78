// Where the RTL's cycles differ from the analytical model's, how much, and by which mechanism.
//
//   bench_rtl_fidelity [--seed N] [--random N] [--studied N] [--cap N] [--threads N]
//                      [--json FILE]
//
// Design points are those of the default space for the layers of ResNet-50 and BERT-base, at array
// sizes 4 to 64: "searched" is the mapping of smallest analytical EDP among 1,000 feasible samples
// of one layer and size, "random" is uniform over the feasible ones. Only points of at most `cap`
// analytical cycles are drawn (`cap` * 16 / dim for smaller arrays; ten times that for searched
// ones): long runs are left out by a rule that does not look at the RTL. What still exceeds the
// cycle limit of 50 caps is counted as censored and enters no figure.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <iterator>
#include <nlohmann/json.hpp>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "host/config/space_yaml.hpp"
#include "host/config/workload_yaml.hpp"
#include "host/core/atomic_file.hpp"
#include "host/core/error.hpp"
#include "host/core/paths.hpp"
#include "host/rtl/scheduler.hpp"
#include "host/space/layer_space.hpp"
#include "models/analytical/analytical.hpp"

namespace polaris {
namespace {

using nlohmann::ordered_json;

struct Options {
  std::uint64_t seed = 1;
  int random = 1500;  ///< random points in all
  int studied = 25;   ///< points of each kind that every mechanism is studied on
  std::int64_t cap = 250'000;
  int threads = 0;
  std::string json;  ///< file for the figures
};

constexpr int kArrays[] = {4, 8, 16, 32, 64};
constexpr int kCandidates = 1000;     // of which the best is "searched"
constexpr int kPercentOf = 3000;      // of which the best percent is ranked
constexpr int kMostSamples = 60'000;  // drawn from a space before it counts as exhausted
constexpr std::int64_t kSearchedCaps = 10, kLimitCaps = 50;

struct Point {
  RtlJob job;
  AnalyticalResult model;
  int layer;
  RtlResult rtl;

  double ratio() const { return double(rtl.cycles) / double(model.cycles); }
  double edp() const { return rtl.energy_pj * 1e-12 * double(rtl.cycles); }
};
using Points = std::vector<Point>;

const char* bottleneck(const AnalyticalResult& model) {
  if (model.cycles == model.compute_cycles) return "compute";
  if (model.cycles == model.accumulator_cycles) return "accumulator";
  return model.cycles == model.scratchpad_cycles ? "scratchpad" : "DRAM";
}

// ---- statistics

double quantile(std::vector<double> values, double q) {
  if (values.empty()) return 0.0;
  std::sort(values.begin(), values.end());
  return values[static_cast<std::size_t>(q * double(values.size() - 1) + 0.5)];
}

/// Ranks from 0; ties share their mean rank.
std::vector<double> ranks(const std::vector<double>& values) {
  std::vector<std::size_t> order(values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(),
            [&](std::size_t a, std::size_t b) { return values[a] < values[b]; });
  std::vector<double> out(values.size());
  for (std::size_t i = 0; i < order.size();) {
    std::size_t end = i;
    while (end < order.size() && values[order[end]] == values[order[i]]) ++end;
    for (std::size_t j = i; j < end; ++j) out[order[j]] = 0.5 * double(i + end - 1);
    i = end;
  }
  return out;
}

/// Correlation of the ranks; 0 where one side is constant.
double spearman(const std::vector<double>& a, const std::vector<double>& b) {
  const std::vector<double> x = ranks(a), y = ranks(b);
  const double mean = 0.5 * (double(a.size()) - 1.0);
  double xy = 0.0, xx = 0.0, yy = 0.0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    xy += (x[i] - mean) * (y[i] - mean);
    xx += (x[i] - mean) * (x[i] - mean);
    yy += (y[i] - mean) * (y[i] - mean);
  }
  return xx > 0.0 && yy > 0.0 ? xy / std::sqrt(xx * yy) : 0.0;
}

// ---- points

class Study {
 public:
  explicit Study(const Options& options)
      : options_(options), space_(read_design_space(find_zoo_file("spaces", "default"))) {
    for (const char* name : {"resnet50", "bert_base"})
      for (const WorkloadLayer& layer : read_workload(find_zoo_file("workloads", name)).layers)
        layers_.push_back(layer.layer);
  }

  int layers() const { return static_cast<int>(layers_.size()); }

  std::int64_t cap(int dim) const { return options_.cap * std::max(1, 16 / dim); }

  /// Up to `count` feasible points of a layer, on arrays of `dim` (0: those of the space), of at
  /// most `most` caps of analytical cycles (0: any).
  Points sample(int layer, int dim, int count, std::int64_t most) const {
    HardwareGrid grid = space_.hardware;
    if (dim != 0) {
      grid.count[0] = 1;
      grid.value[0][0] = dim;
    }
    const LayerSpace owner(layers_[static_cast<std::size_t>(layer)], grid);
    Points out;
    for (int i = 0; i < kMostSamples && static_cast<int>(out.size()) < count; ++i) {
      Point point;
      point.layer = layer;
      point.job.layer = owner.view().layer;
      point.job.point = owner.view().decode(owner.view().sample(
          options_.seed, static_cast<std::uint64_t>(dim), static_cast<std::uint64_t>(i)));
      if (check(point.job.layer, point.job.point) != Feasibility::feasible) continue;
      const HardwareConfig& hardware = point.job.point.hardware;
      point.model = evaluate_analytical(point.job.layer, hardware, point.job.point.mapping);
      if (most != 0 && point.model.cycles > most * cap(hardware.dim)) continue;
      point.job.memory = space_.memory;
      point.job.max_cycles = kLimitCaps * cap(hardware.dim);
      out.push_back(std::move(point));
    }
    return out;
  }

  /// Simulates all; drops those that are not finished and returns their number.
  std::size_t run(Points& points, const char* what) const {
    std::vector<RtlJob> jobs;
    for (const Point& point : points) jobs.push_back(point.job);
    std::vector<RtlResult> results = run(jobs, what);
    for (std::size_t i = 0; i < points.size(); ++i) points[i].rtl = std::move(results[i]);
    return std::erase_if(points, [](const Point& p) { return p.rtl.status != RtlStatus::ok; });
  }

  std::vector<RtlResult> run(const std::vector<RtlJob>& jobs, const char* what) const {
    RtlSchedulerOptions options;
    options.threads = options_.threads;
    RtlScheduler scheduler(options);
    for (const RtlJob& job : jobs) scheduler.submit(job);
    std::vector<RtlResult> out(jobs.size());
    while (auto done = scheduler.wait_any(-1.0)) {
      const RtlStatus status = done->second.status;
      if (status != RtlStatus::ok && status != RtlStatus::cycle_limit)
        throw Failure(
            fmt::format("bench_rtl_fidelity: {}: {}", to_string(status), done->second.reason));
      out[done->first] = std::move(done->second);
    }
    std::fprintf(stderr, "%s: %zu runs\n", what, jobs.size());
    return out;
  }

 private:
  Options options_;
  DesignSpace space_;
  std::vector<Layer> layers_;
};

// ---- tables: each prints itself and returns what it printed

ordered_json quantiles(const std::vector<double>& values) {
  const double sum = std::accumulate(values.begin(), values.end(), 0.0);
  return {{"count", values.size()},       {"mean", sum / double(values.size())},
          {"p10", quantile(values, 0.1)}, {"p50", quantile(values, 0.5)},
          {"p90", quantile(values, 0.9)}, {"max", quantile(values, 1.0)}};
}

void print_quantiles(const std::string& name, const ordered_json& row) {
  fmt::print("  {:<30} {:>6}", name, row["count"].get<std::size_t>());
  for (const char* q : {"mean", "p10", "p50", "p90", "max"})
    fmt::print(" {:>8.3f}", row[q].get<double>());
  fmt::print("\n");
}

void print_head(const std::string& title) {
  fmt::print("\n{}\n  {:<30} {:>6} {:>8} {:>8} {:>8} {:>8} {:>8}\n", title, "", "points", "mean",
             "p10", "p50", "p90", "max");
}

ordered_json table(const std::string& title,
                   const std::vector<std::pair<std::string, std::vector<double>>>& rows) {
  ordered_json out;
  print_head(title);
  for (const auto& [name, values] : rows) {
    if (values.empty()) continue;
    out[name] = quantiles(values);
    print_quantiles(name, out[name]);
  }
  return out;
}

/// Ratios by what bounds the analytical model, and by array size.
ordered_json ratio_table(const std::string& kind, const Points& points, std::size_t censored) {
  std::vector<std::pair<std::string, std::vector<double>>> rows(1, {"all", {}});
  for (const char* name : {"compute", "accumulator", "scratchpad", "DRAM"})
    rows.push_back({std::string(name) + " bound", {}});
  for (const int dim : kArrays) rows.push_back({fmt::format("dim {}", dim), {}});
  for (const Point& point : points)
    for (auto& [name, values] : rows)
      if (name == "all" || name == std::string(bottleneck(point.model)) + " bound" ||
          name == fmt::format("dim {}", point.job.point.hardware.dim))
        values.push_back(point.ratio());
  ordered_json out = table(
      fmt::format("RTL / analytical cycles, {} mappings ({} censored)", kind, censored), rows);
  out["censored"] = censored;
  return out;
}

struct Correlation {
  double cycles, edp;
};

Correlation correlate(const Points& points) {
  std::vector<double> cycles, edp, rtl_cycles, rtl_edp;
  for (const Point& point : points) {
    cycles.push_back(double(point.model.cycles));
    edp.push_back(point.model.edp);
    rtl_cycles.push_back(double(point.rtl.cycles));
    rtl_edp.push_back(point.edp());
  }
  return {spearman(cycles, rtl_cycles), spearman(edp, rtl_edp)};
}

/// One correlation for each group that has enough points to rank.
ordered_json correlation_table(const std::string& title, const std::vector<Points>& groups) {
  constexpr std::size_t kFewest = 10;
  std::vector<double> cycles, edp;
  for (const Points& group : groups) {
    if (group.size() < kFewest) continue;
    const Correlation c = correlate(group);
    cycles.push_back(c.cycles);
    edp.push_back(c.edp);
  }
  return table(title, {{"cycles", cycles}, {"EDP", edp}});
}

bool is_overlap(bool RtlMechanisms::*member) {
  return member == &RtlMechanisms::double_buffering || member == &RtlMechanisms::pass_overlap ||
         member == &RtlMechanisms::step_overlap;
}

RtlMechanisms ideal_machine() {
  RtlMechanisms out;
  for (const auto& [name, member] : kRtlMechanismFields) out.*member = is_overlap(member);
  return out;
}

/// Least cycles that the RTL's own work allows: rows through the array, rows into the scratchpad,
/// and bytes over the bus, partial sums at one byte.
double own_bound(const Point& point, const RtlCounters& ideal) {
  const AccessCounts& n = point.model.counts;
  const std::int64_t spilled =
      n.dram_output_reads + n.dram_output_updates - point.job.layer.output_words();
  const std::int64_t bytes = ideal.read_bytes + ideal.write_bytes - 3 * spilled;
  return std::max({double(ideal.mesh_rows), double(ideal.input_row_writes),
                   double(ideal.weight_row_writes),
                   double(bytes) / double(point.job.point.hardware.bus_bytes)});
}

/// Every mechanism off alone and on alone.
ordered_json mechanism_tables(const Study& study, const std::string& kind, const Points& all,
                              int count) {
  Points points;
  const std::size_t step = std::max<std::size_t>(1, all.size() / static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < all.size(); i += step) points.push_back(all[i]);
  std::vector<RtlMechanisms> settings = {ideal_machine()};
  for (const auto& [name, member] : kRtlMechanismFields) {
    settings.emplace_back().*member = false;
    if (is_overlap(member)) continue;
    settings.push_back(ideal_machine());
    settings.back().*member = true;
  }
  std::vector<RtlJob> jobs;
  for (const Point& point : points)
    for (const RtlMechanisms& setting : settings) {
      jobs.push_back(point.job);
      jobs.back().mechanisms = setting;
    }
  const std::vector<RtlResult> results = study.run(jobs, "mechanisms");

  std::vector<double> residual, explained;
  std::vector<std::pair<std::string, std::vector<double>>> off, on, lost;
  for (const auto& [name, member] : kRtlMechanismFields) {
    if (is_overlap(member)) {
      lost.push_back({name, {}});
      continue;
    }
    off.push_back({name, {}});
    on.push_back({name, {}});
  }
  constexpr double kLeastExcess = 0.02;  // of the analytical cycles: below, shares mean nothing
  std::size_t left_out = 0;
  for (std::size_t i = 0; i < points.size(); ++i) {
    const RtlResult* run = &results[i * settings.size()];
    if (std::any_of(run, run + settings.size(),
                    [](const RtlResult& r) { return r.status != RtlStatus::ok; })) {
      ++left_out;
      continue;
    }
    const double model = double(points[i].model.cycles), real = double(points[i].rtl.cycles);
    const double ideal = double(run->cycles);
    residual.push_back(ideal / model);
    explained.push_back(ideal / own_bound(points[i], run->counters));
    const bool shares = real - model > kLeastExcess * model;
    std::size_t next_cost = 0, next_overlap = 0;
    const RtlResult* at = run + 1;
    for (const auto& [name, member] : kRtlMechanismFields) {
      const double without = double((at++)->cycles);
      if (is_overlap(member)) {
        lost[next_overlap++].second.push_back(without / real);
        continue;
      }
      if (shares) off[next_cost].second.push_back((real - without) / (real - model));
      on[next_cost++].second.push_back((double((at++)->cycles) - ideal) / model);
    }
  }
  ordered_json out;
  out["left_out"] = left_out;
  out["share_of_excess"] = table(
      "Share of the excess over the analytical model that goes when one is off, " + kind, off);
  out["cost_alone"] =
      table("Cost of one alone, all others ideal, in analytical cycles, " + kind, on);
  out["without_overlap"] = table("Cycles without one overlap / with it, " + kind, lost);
  out["ideal"] = table("All ideal, " + kind, {{"RTL / analytical", residual},
                                              {"RTL / bound of its own work", explained}});
  return out;
}

// ---- the studies

Points searched_points(const Study& study) {
  Points out;
  for (const int dim : kArrays)
    for (int layer = 0; layer < study.layers(); ++layer) {
      Points candidates = study.sample(layer, dim, kCandidates, 0);
      if (candidates.empty()) continue;
      Point& best = *std::min_element(
          candidates.begin(), candidates.end(),
          [](const Point& a, const Point& b) { return a.model.edp < b.model.edp; });
      if (best.model.cycles <= kSearchedCaps * study.cap(dim)) out.push_back(std::move(best));
    }
  return out;
}

Points random_points(const Study& study, int count) {
  Points out;
  const int cells = study.layers() * static_cast<int>(std::size(kArrays));
  for (int layer = 0; layer < study.layers(); ++layer)
    for (const int dim : kArrays)
      for (Point& point : study.sample(layer, dim, (count + cells - 1) / cells, 1))
        out.push_back(std::move(point));
  return out;
}

/// The best percent of each layer by analytical EDP.
std::vector<Points> best_percent(const Study& study, std::size_t& censored) {
  std::vector<Points> out;
  Points all;
  for (int layer = 0; layer < study.layers(); ++layer) {
    Points points = study.sample(layer, 0, kPercentOf, 0);
    std::sort(points.begin(), points.end(),
              [](const Point& a, const Point& b) { return a.model.edp < b.model.edp; });
    points.resize(points.size() / 100);
    const bool affordable = std::all_of(points.begin(), points.end(), [&](const Point& p) {
      return p.model.cycles <= kSearchedCaps / 2 * study.cap(p.job.point.hardware.dim);
    });
    if (affordable) std::move(points.begin(), points.end(), std::back_inserter(all));
  }
  censored = study.run(all, "best percent");
  out.resize(static_cast<std::size_t>(study.layers()));
  for (Point& point : all) out[static_cast<std::size_t>(point.layer)].push_back(std::move(point));
  return out;
}

void run(const Options& options) {
  const Study study(options);
  ordered_json out = {{"seed", options.seed}, {"cap", options.cap}};
  Points searched = searched_points(study);
  std::size_t censored = study.run(searched, "searched");
  out["ratio"]["searched"] = ratio_table("searched", searched, censored);
  Points random = random_points(study, options.random);
  censored = study.run(random, "random");
  out["ratio"]["random"] = ratio_table("random", random, censored);

  std::vector<Points> by_layer(static_cast<std::size_t>(study.layers()));
  for (const Point& point : random)
    by_layer[static_cast<std::size_t>(point.layer)].push_back(point);
  out["correlation"]["all"] =
      correlation_table("Spearman correlation, random mappings of all layers", {random});
  out["correlation"]["within_layer"] =
      correlation_table("Spearman correlation within a layer, random mappings", by_layer);
  const std::vector<Points> best = best_percent(study, censored);
  out["correlation"]["best_percent"] = correlation_table(
      fmt::format("Spearman correlation within a layer, best percent of {} by analytical EDP ({} "
                  "censored)",
                  kPercentOf, censored),
      best);

  out["mechanisms"]["searched"] = mechanism_tables(study, "searched", searched, options.studied);
  out["mechanisms"]["random"] = mechanism_tables(study, "random", random, options.studied);
  if (options.json.empty()) return;
  AtomicFile file(options.json);
  file.stream() << out.dump(1) << '\n';
  file.commit();
}

}  // namespace
}  // namespace polaris

int main(int argc, char** argv) {
  using namespace polaris;
  Options options;
  CLI::App app("Where the RTL's cycles differ from the analytical model's");
  app.add_option("--seed", options.seed)->capture_default_str();
  app.add_option("--random", options.random, "Random points")->capture_default_str();
  app.add_option("--studied", options.studied, "Points of each kind that mechanisms are studied on")
      ->capture_default_str();
  app.add_option("--cap", options.cap, "Analytical cycles of a random point, arrays from 16")
      ->capture_default_str();
  app.add_option("--threads", options.threads, "Simulations at a time; 0: all cores");
  app.add_option("--json", options.json, "File for the figures")->type_name("FILE");
  CLI11_PARSE(app, argc, argv);
  try {
    run(options);
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}\n", error.what());
    return 1;
  }
}
