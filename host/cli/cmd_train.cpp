// polaris train: a Starlight model from a low-fidelity and a high-fidelity CSV file.
#include <spdlog/spdlog.h>

#include <CLI/CLI.hpp>
#include <iostream>
#include <limits>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

#include "host/cli/commands.hpp"
#include "host/cli/options.hpp"
#include "host/cli/table_command.hpp"
#include "host/config/space_yaml.hpp"
#include "host/config/workload_yaml.hpp"
#include "host/core/error.hpp"
#include "host/core/json_text.hpp"
#include "host/core/paths.hpp"
#include "host/engine/engine.hpp"
#include "host/fit/fit.hpp"
#include "host/fit/model_file.hpp"
#include "host/fit/pretrain.hpp"
#include "host/search/pretraining.hpp"

namespace polaris {
namespace {

constexpr double kPicojoulePerMicrojoule = 1e6;

struct TrainOptions {
  std::string low;
  std::string pretrained;
  std::string space;
  std::vector<std::string> workloads;
  std::string high;
  std::string target;
  std::string energy;  ///< column; empty: no measured energy
  std::string output;
  std::string variant = "polaris";
  std::string array_size = "columns";
};

/// Says once per file how many rows could not be used, and why the first could not.
void report_invalid(const Table& table, const std::vector<DatasetRow>& rows) {
  std::size_t invalid = 0, first = 0;
  for (std::size_t i = rows.size(); i-- > 0;)
    if (!rows[i].error.empty()) {
      ++invalid;
      first = i;
    }
  if (invalid > 0)
    spdlog::warn("{}: {} invalid rows skipped; the first is {}: {}", table.source, invalid,
                 first + 1, rows[first].error);
}

/// Distinct valid design points of a table.
std::vector<LayerPoint> read_low(const std::string& path, int threads) {
  const Table table = read_table(path);
  const std::vector<DatasetRow> rows = read_design_points(table, ArraySize::from_columns, threads);
  report_invalid(table, rows);
  std::vector<LayerPoint> points;
  std::unordered_set<std::string> seen;
  for (const DatasetRow& row : rows) {
    if (!row.error.empty()) continue;

    std::string key;
    const auto add = [&key](auto value) { key += std::to_string(value) + ','; };
    for (int d = 0; d < kDims; ++d) add(row.layer.size[d]);
    add(row.layer.stride_w), add(row.layer.stride_h);
    add(row.layer.dilation_w), add(row.layer.dilation_h);
    add(row.hardware.dim), add(row.hardware.accumulator_words);
    add(row.hardware.scratchpad_bytes), add(row.hardware.bus_bytes);
    add(row.mapping.spatial_c), add(row.mapping.spatial_k);
    for (int l = 0; l < kLevels; ++l)
      for (int i = 0; i < kDims; ++i) {
        const int d = index_of(row.mapping.order[l][i]);
        const std::int32_t bound = row.mapping.temporal[l][d];
        if (bound > 1) add(l), add(d), add(bound);
      }
    if (seen.insert(std::move(key)).second)
      points.push_back({row.layer, row.hardware, row.mapping});
  }
  spdlog::info("{}: {} rows, {} distinct design points", path, rows.size(), points.size());
  return points;
}

/// Measurement of row `row`, which must be finite and positive.
double read_measurement(const Table& table, std::size_t row, std::size_t column) {
  const std::string& text = table.rows[row][column];
  const std::optional<double> value = read_positive(text);
  if (!value)
    throw Error::expected("a number > 0 in column " + table.columns[column], "'" + text + "'",
                          table.source + ": row " + std::to_string(row + 1));
  return *value;
}

/// Valid rows of a table with their measured cycles and, where asked for, energy.
std::vector<DesignSample> read_high(const TrainOptions& options, int threads) {
  const Table table = read_table(options.high);
  const auto cycles = static_cast<std::size_t>(table.require(options.target));
  std::optional<std::size_t> energy;
  if (!options.energy.empty()) energy = table.require(options.energy);
  const std::vector<DatasetRow> rows =
      read_design_points(table, array_size_of(options.array_size), threads);
  report_invalid(table, rows);
  std::vector<DesignSample> samples;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (!rows[i].error.empty()) continue;
    samples.push_back({rows[i].layer, rows[i].hardware, rows[i].mapping,
                       read_measurement(table, i, cycles),
                       energy ? kPicojoulePerMicrojoule * read_measurement(table, i, *energy)
                              : std::numeric_limits<double>::quiet_NaN()});
  }
  if (samples.empty())
    throw Error::expected("at least one valid row", "none of " + std::to_string(rows.size()),
                          options.high);
  return samples;
}

Pretrained make_pretrained(const TrainOptions& options) {
  if (!options.pretrained.empty()) return Pretrained::load(options.pretrained);
  const GlobalOptions& global = global_options();
  PretrainOptions pretrain_options;
  pretrain_options.seed = global.seed;
  pretrain_options.threads = global.threads;
  pretrain_options.paper = options.variant == "paper";
  if (!options.space.empty()) {
    std::vector<Workload> workloads;
    for (const std::string& name : options.workloads)
      workloads.push_back(read_workload(find_zoo_file("workloads", name)));
    return pretrain_for_space(read_design_space(find_zoo_file("spaces", options.space)), workloads,
                              pretrain_options);
  }
  pretrain_options.source = options.low;
  const std::vector<LayerPoint> points = read_low(options.low, global.threads);
  Pretrained model = pretrain(points, pretrain_options);
  spdlog::info("pre-trained on {} points: prediction loss {:.4f}, reconstruction loss {:.4f}",
               model.samples, model.prediction_loss, model.reconstruction_loss);
  return model;
}

void print_result(const nlohmann::ordered_json& result) {
  if (global_options().json) {
    std::cout << json_text(result) << '\n';
    return;
  }
  for (const auto& [key, value] : result.items())
    std::cout << key << ": " << (value.is_string() ? value.get<std::string>() : value.dump())
              << '\n';
}

void run_train(const TrainOptions& options) {
  const GlobalOptions& global = global_options();
  const int sources = !options.low.empty() + !options.pretrained.empty() + !options.space.empty();
  if (sources != 1)
    throw Error::expected("one of --low, --pretrained and --space", std::to_string(sources),
                          "train");
  if (!options.high.empty() && options.target.empty())
    throw Error::expected("--target with --high", "none", "train");
  if (global.backend != "auto") usable_backend(global.backend);  // refused before any work
  expect_model_target(options.output);
  // The small file first: a mistake in it should not cost the pre-training.
  std::vector<DesignSample> samples;
  if (!options.high.empty()) samples = read_high(options, global.threads);
  const Pretrained pretrained = make_pretrained(options);
  if (options.high.empty()) {
    pretrained.save(options.output);
    print_result({{"pretrained", options.output},
                  {"points", pretrained.samples},
                  {"prediction_loss", pretrained.prediction_loss},
                  {"hash", pretrained.hash()}});
    return;
  }
  FitOptions fit = options.variant == "paper" ? FitOptions::paper() : FitOptions();
  fit.seed = global.seed;
  fit.threads = global.threads;
  if (usable_backend(global.backend) == "cuda") fit.backend = FitBackend::cuda;
  const StarlightModel model = fit_starlight(pretrained, samples, fit);
  model.save(options.output);
  const SampleCount& count = model.sample_count();
  if (count.below_bound > 0)
    spdlog::warn("{}: {} rows have fewer cycles than MACs / dim^2 and were skipped", options.high,
                 count.below_bound);
  const ModelParameters& parameters = model.parameters();
  if (parameters.failures > 0)
    spdlog::warn(
        "{}: {} rows are out of all proportion to the others (10 times and more) and were skipped "
        "as failed measurements",
        options.high, parameters.failures);
  print_result({{"model", options.output},
                {"variant", options.variant},
                {"machine", parameters.machine},
                {"samples", count.used},
                {"duplicates", count.duplicates},
                {"below_lower_bound", count.below_bound},
                {"failed", parameters.failures},
                {"negative_log_likelihood", model.negative_log_likelihood()},
                {"hash", model.hash()}});
}

}  // namespace

void add_train(CLI::App& app) {
  CLI::App* command =
      add_command(app, "train", "Train a Starlight model on low- and high-fidelity data",
                  "polaris train --low timeloop_dataset.csv.gz --high gemmini_rtl_train.csv "
                  "--target target.gemmini_cycle --array-size mapping --out model");
  const auto options = std::make_shared<TrainOptions>();
  command->add_option("--low", options->low,
                      "CSV or .csv.gz of design points to pre-train the encoder on; the analytical "
                      "model evaluates them");
  command->add_option("--pretrained", options->pretrained,
                      "Folder of a pre-trained encoder, instead of --low");
  command
      ->add_option("--space", options->space,
                   "Pre-train on points of this design space, instead of --low")
      ->needs(command
                  ->add_option("--workloads", options->workloads,
                               "Workloads whose layers those points have")
                  ->delimiter(','));
  command->add_option("--high", options->high,
                      "CSV or .csv.gz of measured design points; without it only the encoder is "
                      "trained and written");
  command->add_option("--target", options->target, "Column of --high with the measured cycles");
  command->add_option("--energy", options->energy,
                      "Column of --high with the measured energy (uJ), where it was measured");
  command->add_option("--out", options->output, "Folder to write the model to")->required();
  command
      ->add_option("--variant", options->variant,
                   "polaris, or paper: the published method without our additions")
      ->check(one_of({"polaris", "paper"}))
      ->capture_default_str();
  add_array_size_option(*command, options->array_size, "Array of --high; ");
  command->callback([options] { run_train(*options); });
}

}  // namespace polaris
