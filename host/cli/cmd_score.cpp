// polaris score: a Starlight model's prediction, with its uncertainty, of the rows of a CSV file.
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cmath>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "host/cli/commands.hpp"
#include "host/cli/options.hpp"
#include "host/cli/table_command.hpp"
#include "host/core/error.hpp"
#include "host/core/interrupt.hpp"
#include "host/core/json_text.hpp"
#include "host/engine/engine.hpp"
#include "models/starlight/acquisition.hpp"
#include "models/starlight/warp.hpp"

namespace polaris {
namespace {

struct ScoreOptions {
  std::string model;
  std::string input;
  std::string output;
  std::string array_size = "columns";
  double incumbent = 0.0;  ///< J * cycle; 0: none given
  bool strict = false;
};

enum Column : std::size_t {
  kCycle,
  kCycleLow,
  kCycleHigh,
  kEdp,
  kEdpLow,
  kEdpHigh,
  kStdLog,
  kEi,
  kNovelty,
  kError,
  kColumns
};
constexpr std::array<std::string_view, kColumns> kColumnNames = {
    "pred.cycle",   "pred.cycle_p05", "pred.cycle_p95", "pred.edp",     "pred.edp_p05",
    "pred.edp_p95", "pred.std_log",   "pred.ei",        "pred.novelty", "pred.error"};

constexpr double kNormal95 = 1.6448536269514722;  // 95 % quantile of the standard normal
constexpr double kJoulePerPicojoule = 1e-12;
constexpr double kJoulePerMicrojoule = 1e-6;

/// Share of the prior variance that the model's samples leave: 0 next to one, 1 far from all.
double novelty(const StarlightModel& model, const LayerPoint& point,
               const ExactPrediction& prediction) {
  const PosteriorTensors<double>& tensors = model.tensors_f64();
  const double sd = tensors.warp ? warped_sd(prediction.log_latency, prediction.log_latency_sd,
                                             lower_bound_cycles(point.layer, point.hardware))
                                 : prediction.log_latency_sd;
  return sd * sd / (tensors.sd[0] * tensors.sd[0] * tensors.unit_variance);
}

/// The largest share of the prior variance that is left of a sample by the others, 1 / (C^-1)_ii: a
/// query with more is lonelier than any of them.
double largest_novelty(const StarlightModel& model) {
  constexpr double kMost = 0.9;
  constexpr double kOfOne = 0.5;  // of one sample, with no other to compare with
  const PosteriorTensors<double>& tensors = model.tensors_f64();
  const auto n = static_cast<std::size_t>(tensors.samples);
  if (n == 1) return kOfOne;
  std::vector<double> precision(n);
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j <= i; ++j)
      precision[j] += tensors.inverse_factor[i * n + j] * tensors.inverse_factor[i * n + j];
  const double least = *std::min_element(precision.begin(), precision.end());
  return std::min(kMost, 1.0 / (least * tensors.unit_variance));
}

/// Columns of one row. `energy`: measured J to use instead of the predicted one.
std::array<std::string, kColumns> describe(const LayerPoint& point, ExactPrediction prediction,
                                           std::optional<double> energy, bool warp,
                                           double incumbent) {
  std::array<std::string, kColumns> out;
  double log_energy = prediction.log_energy + std::log(kJoulePerPicojoule);
  if (energy) {
    log_energy = std::log(*energy);
    prediction.log_energy_sd = 0.0;
  }
  const double log_edp = prediction.log_latency + log_energy;
  const double edp_sd = std::hypot(prediction.log_latency_sd, prediction.log_energy_sd);
  const double reach = kNormal95 * prediction.log_latency_sd;
  const double floor = warp ? lower_bound_cycles(point.layer, point.hardware) : 0.0;
  out[kCycle] = fmt::to_string(std::exp(prediction.log_latency));
  out[kCycleLow] = fmt::to_string(std::max(floor, std::exp(prediction.log_latency - reach)));
  out[kCycleHigh] = fmt::to_string(std::exp(prediction.log_latency + reach));
  out[kEdp] = fmt::to_string(std::exp(log_edp));
  out[kEdpLow] = fmt::to_string(std::exp(log_edp - kNormal95 * edp_sd));
  out[kEdpHigh] = fmt::to_string(std::exp(log_edp + kNormal95 * edp_sd));
  out[kStdLog] = fmt::to_string(prediction.log_latency_sd);
  if (incumbent > 0.0)
    out[kEi] = fmt::to_string(expected_improvement(log_edp, edp_sd, std::log(incumbent)));
  return out;
}

/// Predictions of all points; throws Failure where it was interrupted.
std::vector<ExactPrediction> predict(const StarlightModel& model,
                                     std::span<const LayerPoint> points) {
  constexpr std::size_t kBatch = 8192;  // between looks at the keyboard: a second
  const GlobalOptions& global = global_options();
  const std::unique_ptr<Engine> engine = make_engine(global.backend, {global.threads});
  std::vector<ExactPrediction> out(points.size());
  for (std::size_t begin = 0; begin < points.size(); begin += kBatch) {
    stop_if_interrupted("score");
    const std::size_t count = std::min(kBatch, points.size() - begin);
    engine->predict_points(model, points.subspan(begin, count),
                           std::span(out).subspan(begin, count));
  }
  return out;
}

/// Fills the prediction columns; returns how many rows the model knows next to nothing about.
std::size_t score_table(Table& table, const std::vector<DatasetRow>& rows,
                        const StarlightModel& model, const ScoreOptions& options) {
  const int energy_column = model.has_energy() ? -1 : table.column("target.energy");
  const auto columns = extend_columns(table, kColumnNames);

  std::vector<LayerPoint> points;
  std::vector<std::size_t> row_of;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    for (const std::size_t column : columns) table.rows[i][column].clear();
    table.rows[i][columns[kError]] = spreadsheet_text(rows[i].error);
    if (!rows[i].error.empty()) continue;
    points.push_back({rows[i].layer, rows[i].hardware, rows[i].mapping});
    row_of.push_back(i);
  }
  const std::vector<ExactPrediction> predictions = predict(model, points);
  const double limit = largest_novelty(model);
  std::size_t far = 0;
  for (std::size_t p = 0; p < points.size(); ++p) {
    std::vector<std::string>& row = table.rows[row_of[p]];
    std::optional<double> energy;
    if (energy_column >= 0) energy = read_positive(row[static_cast<std::size_t>(energy_column)]);
    if (energy) *energy *= kJoulePerMicrojoule;
    auto fields =
        describe(points[p], predictions[p], energy, model.parameters().warp, options.incumbent);
    const double share = novelty(model, points[p], predictions[p]);
    fields[kNovelty] = fmt::to_string(share);
    far += share > limit;
    for (std::size_t c = 0; c < kColumns; ++c) row[columns[c]] = std::move(fields[c]);
  }
  return far;
}

void run_score(const ScoreOptions& options) {
  install_interrupt_handler();
  const StarlightModel model = StarlightModel::load(options.model);
  Table table = read_table(options.input);
  const std::vector<DatasetRow> rows =
      read_design_points(table, array_size_of(options.array_size), global_options().threads);
  const InvalidRows invalid = invalid_rows(table, rows);
  refuse_invalid(invalid, options.strict);
  const std::string warning = model.quality() ? warning_of(*model.quality()) : "";
  if (!warning.empty()) spdlog::warn("{}: {}", options.model, warning);
  const std::size_t far = score_table(table, rows, model, options);
  if (far > 0)
    spdlog::warn(
        "{}: {} of {} rows lie far from the model's samples, further than any of these from the "
        "others (pred.novelty): their predictions are little more than guesses",
        options.input, far, table.rows.size());
  stop_if_interrupted("score");
  write_table(table, options.output);
  if (global_options().json)
    std::cout << json_text(nlohmann::ordered_json{{"model_hash", model.hash()},
                                                  {"rows", table.rows.size()},
                                                  {"invalid", invalid.invalid},
                                                  {"far", far},
                                                  {"output", options.output}})
              << '\n';
  else
    std::cout << table.rows.size() << " rows scored, " << invalid.invalid
              << " invalid: " << options.output << '\n';
  finish_rows(invalid);
}

}  // namespace

void add_score(CLI::App& app) {
  CLI::App* command = add_command(app, "score", "Predict the rows of a CSV file with Starlight",
                                  "polaris score --model model --in points.csv --out scored.csv");
  const auto options = std::make_shared<ScoreOptions>();
  command->add_option("--model", options->model, "Folder that `polaris train` wrote")->required();
  add_points_option(*command, options->input);
  command
      ->add_option(
          "--out", options->output,
          "CSV or .csv.gz: the input with pred.cycle (median), pred.edp (J*cycle), their "
          "5 and 95 % quantiles, pred.std_log (of ln cycles), pred.ei, pred.novelty (share of "
          "the prior variance left: 1 far from all samples) and pred.error; "
          "energy is target.energy (uJ) if the model has none, else predicted")
      ->required();
  command
      ->add_option("--incumbent", options->incumbent,
                   "Best EDP so far (J*cycle): adds the expected improvement of ln EDP")
      ->check(positive_number());
  add_array_size_option(*command, options->array_size);
  add_strict_option(*command, options->strict);
  command->callback([options] { run_score(*options); });
}

}  // namespace polaris
