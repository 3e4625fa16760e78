// polaris evaluate: cycles, energy, EDP and area of the design points in a CSV file.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <array>
#include <cstdint>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "host/cli/commands.hpp"
#include "host/cli/options.hpp"
#include "host/cli/table_command.hpp"
#include "host/core/interrupt.hpp"
#include "host/core/json_text.hpp"
#include "host/core/parallel.hpp"
#include "models/analytical/analytical.hpp"
#include "models/analytical/area.hpp"

namespace polaris {
namespace {

struct EvaluateOptions {
  std::string fidelity = "analytical";
  std::string input;
  std::string output;
  std::string array_size = "columns";
  bool strict = false;
};

/// Units of the public data: cycles, uJ, J * cycle, mm^2.
enum Prediction : std::size_t { kCycle, kEnergy, kEdp, kArea, kError, kPredictions };
constexpr std::array<std::string_view, kPredictions> kPredictionColumns = {
    "pred.cycle", "pred.energy", "pred.edp", "pred.area", "pred.error"};

/// What one row's prediction columns say; numbers in the fewest digits that read back the same.
std::array<std::string, kPredictions> predict(const DatasetRow& point) {
  if (!point.error.empty()) return {"", "", "", "", spreadsheet_text(point.error)};
  constexpr double kMicrojoulePerPicojoule = 1e-6;
  const AnalyticalResult result = evaluate_analytical(point.layer, point.hardware, point.mapping);
  return {fmt::to_string(result.cycles), fmt::to_string(result.energy_pj * kMicrojoulePerPicojoule),
          fmt::to_string(result.edp), fmt::to_string(area_mm2(point.hardware)), ""};
}

/// Fills the prediction columns.
void evaluate_table(Table& table, const std::vector<DatasetRow>& points, int threads) {
  const auto columns = extend_columns(table, kPredictionColumns);
  constexpr std::int64_t kGrain = 1024;
  parallel_for(static_cast<std::int64_t>(points.size()), kGrain, threads,
               [&](std::int64_t begin, std::int64_t end) {
                 if (interrupted()) return;
                 for (auto i = static_cast<std::size_t>(begin); i < static_cast<std::size_t>(end);
                      ++i) {
                   auto fields = predict(points[i]);
                   for (std::size_t p = 0; p < kPredictions; ++p)
                     table.rows[i][columns[p]] = std::move(fields[p]);
                 }
               });
}

void run_evaluate(const EvaluateOptions& options) {
  const GlobalOptions& global = global_options();
  install_interrupt_handler();
  Table table = read_table(options.input);
  const std::vector<DatasetRow> points =
      read_design_points(table, array_size_of(options.array_size), global.threads);
  const InvalidRows invalid = invalid_rows(table, points);
  refuse_invalid(invalid, options.strict);
  evaluate_table(table, points, global.threads);
  stop_if_interrupted("evaluate");
  write_table(table, options.output);
  if (global.json)
    std::cout << json_text(nlohmann::ordered_json{{"fidelity", options.fidelity},
                                                  {"rows", table.rows.size()},
                                                  {"invalid", invalid.invalid},
                                                  {"output", options.output}})
              << '\n';
  else
    std::cout << table.rows.size() << " rows evaluated, " << invalid.invalid
              << " invalid: " << options.output << '\n';
  finish_rows(invalid);
}

}  // namespace

void add_evaluate(CLI::App& app) {
  CLI::App* command =
      add_command(app, "evaluate", "Evaluate the design points of a CSV file",
                  "polaris evaluate --in timeloop_dataset.csv.gz --out predicted.csv.gz");
  const auto options = std::make_shared<EvaluateOptions>();
  command->add_option("--fidelity", options->fidelity, "How to evaluate: analytical")
      ->check(one_of({"analytical"}))
      ->capture_default_str();
  add_points_option(*command, options->input);
  command
      ->add_option("--out", options->output,
                   "CSV or .csv.gz: the input with pred.cycle, pred.energy (uJ), pred.edp "
                   "(J*cycle), pred.area (mm^2) and pred.error")
      ->required();
  add_array_size_option(*command, options->array_size);
  add_strict_option(*command, options->strict);
  command->callback([options] { run_evaluate(*options); });
}

}  // namespace polaris
