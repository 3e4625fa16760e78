// bench_accuracy: how well cycles and EDP of unseen mappings are predicted, against the number of
// RTL samples, by the analytical model, the published method, a Gaussian process without transfer,
// and ours; on public Gemmini measurements or on our own RTL.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cmath>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <tuple>
#include <vector>

#include "bench/accuracy/export.hpp"
#include "bench/accuracy/methods.hpp"
#include "bench/accuracy/plots.hpp"
#include "bench/accuracy/splits.hpp"
#include "host/core/error.hpp"
#include "host/fit/metrics.hpp"
#include "host/fit/pretrain.hpp"
#include "host/io/table.hpp"

namespace polaris {
namespace {

struct Options {
  std::string high;  ///< public measurements; empty: our own RTL
  std::string low;
  std::string target = "target.gemmini_cycle";
  std::string cache = "accuracy_rtl.csv";
  RtlSampling rtl;
  std::vector<std::string> methods = {"analytical", "paper", "gp", "polaris"};
  std::vector<std::string> splits = {"random", "layer"};
  std::vector<std::size_t> sizes = {50, 100, 200, 400, 611, 0};
  int folds = 5;
  int seeds = 5;
  int first_seed = 0;
  std::map<std::string, double> settings;  ///< changes of FitOptions
  std::string csv, plots;
  std::string splits_folder;  ///< where set: only write the splits there
  bool json = false;
};

constexpr double kLevel = 0.9;
constexpr std::int64_t kPretrainPoints = 40'000;

struct Measure {
  const char* name;
  double value;
};

/// Figures of one set of predictions; those that need a deviation are NaN without one.
std::vector<Measure> measure(const std::vector<DesignSample>& test, const Predictions& p) {
  constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
  std::vector<double> cycles, edp;
  for (const DesignSample& s : test) {
    cycles.push_back(std::log(s.cycles));
    edp.push_back(std::log(s.cycles) + std::log(s.energy_pj));
  }
  const bool has_sd = !p.cycles_sd.empty();
  return {{"spearman", spearman(cycles, p.cycles)},
          {"kendall", kendall(cycles, p.cycles)},
          {"spearman_edp", spearman(edp, p.edp)},
          {"mape", 100.0 * mean_relative_error(cycles, p.cycles)},
          {"mape_edp", 100.0 * mean_relative_error(edp, p.edp)},
          {"rmsle", rms_log_error(cycles, p.cycles)},
          {"cov90", has_sd ? interval_coverage(cycles, p.cycles, p.cycles_sd, kLevel) : kNone},
          {"cov90_edp", has_sd ? interval_coverage(edp, p.edp, p.edp_sd, kLevel) : kNone},
          {"nll", has_sd ? negative_log_density(cycles, p.cycles, p.cycles_sd) : kNone}};
}

Predictions pick(const Predictions& from, const std::vector<std::size_t>& which) {
  Predictions out;
  for (const std::size_t i : which) {
    out.cycles.push_back(from.cycles[i]);
    out.edp.push_back(from.edp[i]);
    if (from.cycles_sd.empty()) continue;
    out.cycles_sd.push_back(from.cycles_sd[i]);
    out.edp_sd.push_back(from.edp_sd[i]);
  }
  return out;
}

/// One line of the result.
struct Key {
  std::string split, method, points;
  std::size_t samples;
  auto operator<=>(const Key&) const = default;
};

struct Figure {
  std::vector<double> values;  ///< per seed

  double mean() const {
    double sum = 0.0;
    for (const double v : values) sum += v;
    return sum / static_cast<double>(values.size());
  }
  double sd() const {
    double sum = 0.0;
    for (const double v : values) sum += (v - mean()) * (v - mean());
    return values.size() > 1 ? std::sqrt(sum / static_cast<double>(values.size() - 1)) : 0.0;
  }
};

class Study {
 public:
  explicit Study(Options options) : options_(std::move(options)) {}

  void run() {
    const bool is_public = !options_.high.empty();
    points_ = is_public ? read_published(options_.high, options_.target)
                        : simulate_points(options_.rtl, options_.cache);
    std::cerr << points_.size() << " measured points\n";
    if (!options_.splits_folder.empty()) {
      const auto number = [](int n) { return static_cast<std::uint64_t>(n); };
      export_splits(points_, options_.splits,
                    {number(options_.first_seed), number(options_.seeds), number(options_.folds)},
                    options_.splits_folder);
      return;
    }
    const std::vector<LayerPoint> low =
        is_public ? read_points(options_.low, 60'000, options_.rtl.threads)
                  : analytical_points(options_.rtl.workload, options_.rtl.space, kPretrainPoints,
                                      options_.rtl.threads);
    PretrainOptions pretrain_options;
    pretrain_options.threads = options_.rtl.threads;
    Encoders encoders;
    encoders.ours = pretrain(low, pretrain_options);
    for (const std::string& method : options_.methods)
      if (method_of(method) == Method::paper && encoders.paper.encoder.empty()) {
        pretrain_options.paper = true;
        encoders.paper = pretrain(low, pretrain_options);
      }

    for (const std::string& split : options_.splits)
      for (int seed = options_.first_seed; seed < options_.first_seed + options_.seeds; ++seed) {
        const Division division = divide(points_, split_of(split), static_cast<std::uint64_t>(seed),
                                         static_cast<std::uint64_t>(options_.folds));
        for (const std::size_t size : options_.sizes) {
          const std::size_t samples =
              size == 0 ? division.pool.size() : std::min(size, division.pool.size());
          for (const std::string& method : options_.methods)
            evaluate_one(encoders, split, method_of(method), division, size, samples,
                         static_cast<std::uint64_t>(seed));
        }
      }
    write();
  }

 private:
  void evaluate_one(const Encoders& encoders, const std::string& split, Method method,
                    const Division& division, std::size_t size, std::size_t samples,
                    std::uint64_t seed) {
    std::vector<DesignSample> train, test;
    for (std::size_t i = 0; i < samples; ++i) train.push_back(points_[division.pool[i]].sample);
    for (const std::size_t i : division.test) test.push_back(points_[i].sample);
    const Predictions predictions = evaluate(method, encoders, train, test, options_.high.empty(),
                                             options_.settings, seed, options_.rtl.threads);
    record({split, to_string(method), "all", size}, seed, test, predictions);
    for (const PointKind kind : {PointKind::published, PointKind::random, PointKind::searched}) {
      std::vector<std::size_t> which;
      for (std::size_t i = 0; i < test.size(); ++i)
        if (points_[division.test[i]].kind == kind) which.push_back(i);
      if (which.empty() || which.size() == test.size()) continue;
      std::vector<DesignSample> part;
      for (const std::size_t i : which) part.push_back(test[i]);
      record({split, to_string(method), to_string(kind), size}, seed, part,
             pick(predictions, which));
    }
    if (!options_.plots.empty() && method != Method::analytical)
      plots_.add(fmt::format("{}_{}_{}", split, to_string(method), size), test, predictions);
  }

  void record(const Key& key, std::uint64_t seed, const std::vector<DesignSample>& test,
              const Predictions& predictions) {
    auto measures = measure(test, predictions);
    measures.push_back({"fit_seconds", predictions.fit_seconds});
    std::vector<std::string> row = {key.split,
                                    key.method,
                                    key.points,
                                    key.samples == 0 ? "all" : fmt::to_string(key.samples),
                                    fmt::to_string(seed),
                                    fmt::to_string(test.size())};
    if (table_.columns.empty()) {
      table_.columns = {"split", "method", "points", "samples", "seed", "tested"};
      for (const Measure& m : measures) table_.columns.push_back(m.name);
    }
    auto& figures = figures_[key];
    figures.resize(measures.size());
    for (std::size_t m = 0; m < measures.size(); ++m) {
      figures[m].values.push_back(measures[m].value);
      row.push_back(fmt::format("{:.6g}", measures[m].value));
    }
    table_.rows.push_back(std::move(row));
    std::cerr << fmt::format("{}\n", fmt::join(table_.rows.back(), " "));
  }

  void write() {
    if (!options_.csv.empty()) write_table(table_, options_.csv);
    if (!options_.plots.empty()) plots_.write(options_.plots);
    nlohmann::ordered_json json = nlohmann::ordered_json::array();
    std::string text = fmt::format("{:7} {:10} {:9} {:>7}", "split", "method", "points", "samples");
    constexpr std::size_t kKeyColumns = 6;
    for (std::size_t c = kKeyColumns; c < table_.columns.size(); ++c)
      text += fmt::format(" {:>15}", table_.columns[c]);
    for (const auto& [key, figures] : figures_) {
      const std::string samples = key.samples == 0 ? "all" : fmt::to_string(key.samples);
      text += fmt::format("\n{:7} {:10} {:9} {:>7}", key.split, key.method, key.points, samples);
      nlohmann::ordered_json entry = {{"split", key.split},
                                      {"method", key.method},
                                      {"points", key.points},
                                      {"samples", samples},
                                      {"seeds", figures.front().values.size()}};
      for (std::size_t m = 0; m < figures.size(); ++m) {
        const std::string mean = fmt::format("{:.4g}", figures[m].mean());
        text += fmt::format(" {:>8}+-{:<5}", mean, fmt::format("{:.2g}", figures[m].sd()));
        entry[table_.columns[kKeyColumns + m]] = {{"mean", figures[m].mean()},
                                                  {"sd", figures[m].sd()}};
      }
      json.push_back(std::move(entry));
    }
    std::cout << (options_.json ? json.dump(2) : text) << '\n';
  }

  Options options_;
  std::vector<MeasuredPoint> points_;
  std::map<Key, std::vector<Figure>> figures_;
  Table table_;
  Plots plots_;
};

int run(int argc, char** argv) {
  Options options;
  CLI::App app("Accuracy of Starlight against the number of RTL samples");
  app.add_option("--high", options.high,
                 "Public RTL measurements (CSV); without it our own RTL is simulated");
  app.add_option("--low", options.low, "Points to pre-train on, with --high");
  app.add_option("--target", options.target, "Column of --high with the cycles");
  app.add_option("--cache", options.cache, "CSV that keeps the simulated points");
  app.add_option("--workload", options.rtl.workload);
  app.add_option("--space", options.rtl.space);
  app.add_option("--random", options.rtl.random, "Random points to simulate");
  app.add_option("--searched", options.rtl.searched, "Points near analytical optima to simulate");
  app.add_option("--max-cycles", options.rtl.max_cycles, "Longer runs are left out");
  app.add_option("--rtl-seed", options.rtl.seed, "Seed of the points to simulate");
  app.add_option("--methods", options.methods, "analytical, paper, gp, polaris")->delimiter(',');
  app.add_option("--splits", options.splits, "random, layer, array")->delimiter(',');
  app.add_option("--sizes", options.sizes, "Training samples; 0: all of the folds")->delimiter(',');
  app.add_option("--seeds", options.seeds, "Seed s tests on fold s mod --folds");
  app.add_option("--folds", options.folds, "One of so many parts of the points is the test")
      ->check(CLI::Range(2, 1000));
  app.add_option("--first-seed", options.first_seed,
                 "Choices are made on other seeds than are reported");
  app.add_option("--threads", options.rtl.threads);
  app.add_option_function<std::vector<std::string>>(
         "--fit",
         [&options](const std::vector<std::string>& changes) {
           for (const std::string& change : changes) {
             const std::size_t at = change.find('=');
             options.settings[change.substr(0, at)] = std::stod(change.substr(at + 1));
           }
         },
         "Ablations: settings of the fit, as name=value")
      ->delimiter(',');
  app.add_option("--csv", options.csv, "Write every single result here");
  app.add_option("--plots", options.plots, "Folder for calibration and scatter plots (SVG)");
  app.add_option("--export", options.splits_folder,
                 "Only write the points and their splits to this folder, for other predictors");
  app.add_flag("--json", options.json);
  CLI11_PARSE(app, argc, argv);
  try {
    Study(options).run();
  } catch (const std::exception& error) {
    std::cerr << "bench_accuracy: " << error.what() << '\n';
    return 1;
  }
  return 0;
}

}  // namespace
}  // namespace polaris

int main(int argc, char** argv) { return polaris::run(argc, argv); }
