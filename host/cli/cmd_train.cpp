// polaris train: a Starlight model from a low-fidelity and a high-fidelity CSV file.
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <CLI/CLI.hpp>
#include <algorithm>
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
#include "host/core/interrupt.hpp"
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
  bool strict = false;
};

/// The design points of a table. Throws Error where none is valid or, if `strict`, one is not.
std::vector<DatasetRow> read_rows(const Table& table, ArraySize array_size, bool strict,
                                  InvalidRows& invalid) {
  const std::vector<DatasetRow> rows =
      read_design_points(table, array_size, global_options().threads);
  if (rows.empty()) throw Error::expected("at least one row", "none", table.source);
  invalid = invalid_rows(table, rows);
  refuse_invalid(invalid, strict || invalid.invalid == rows.size());
  return rows;
}

/// Distinct valid design points of --low.
std::vector<LayerPoint> read_low(const TrainOptions& options, InvalidRows& invalid) {
  const Table table = read_table(options.low);
  const std::vector<DatasetRow> rows =
      read_rows(table, ArraySize::from_columns, options.strict, invalid);
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
  spdlog::info("{}: {} rows, {} distinct design points", options.low, rows.size(), points.size());
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

/// Says where the array of the rows cannot be that of the measurements.
void check_array(const Table& table, const std::vector<DatasetRow>& rows) {
  constexpr std::size_t kLeastRows = 8;  // fewer may well leave their arrays half empty
  std::size_t valid = 0;
  std::int32_t used = 0;
  for (const DatasetRow& row : rows) {
    if (!row.error.empty()) continue;
    ++valid;
    const std::int32_t most = std::max(row.mapping.spatial_c, row.mapping.spatial_k);
    if (2 * most > row.hardware.dim) return;
    used = std::max(used, most);
  }
  if (valid >= kLeastRows)
    spdlog::warn(
        "{}: arch.meshX is at least twice what any mapping uses of the array (at most {} rows or "
        "columns): if the column is a dummy, try --array-size mapping",
        table.source, used);
}

/// Valid rows of --high with their measured cycles and, where asked for, energy.
std::vector<DesignSample> read_high(const TrainOptions& options, InvalidRows& invalid) {
  const Table table = read_table(options.high);
  const auto cycles = static_cast<std::size_t>(table.require(options.target));
  std::optional<std::size_t> energy;
  if (!options.energy.empty()) energy = table.require(options.energy);
  const ArraySize array_size = array_size_of(options.array_size);
  const std::vector<DatasetRow> rows = read_rows(table, array_size, options.strict, invalid);
  if (array_size == ArraySize::from_columns) check_array(table, rows);
  std::vector<DesignSample> samples;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (!rows[i].error.empty()) continue;
    samples.push_back({rows[i].layer, rows[i].hardware, rows[i].mapping,
                       read_measurement(table, i, cycles),
                       energy ? kPicojoulePerMicrojoule * read_measurement(table, i, *energy)
                              : std::numeric_limits<double>::quiet_NaN()});
  }
  return samples;
}

Pretrained make_pretrained(const TrainOptions& options, InvalidRows& invalid) {
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
  const std::vector<LayerPoint> points = read_low(options, invalid);
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
    std::cout << key << ": "
              << (value.is_string()         ? value.get<std::string>()
                  : value.is_number_float() ? fmt::format("{:.6g}", value.get<double>())
                                            : value.dump())
              << '\n';
}

/// What `quality` says, as entries of the result.
void add_quality(const Quality& quality, nlohmann::ordered_json& result) {
  result["designs"] = quality.designs;
  result["layers"] = quality.layers;
  if (!quality.cycles) return;
  result["held_out"] = quality.held_out + ", " + quality.how;
  const auto add = [&result](const std::string& name, const std::optional<HeldOutError>& error) {
    if (!error) return;
    result[name + "_median_error"] = error->median;
    result[name + "_p90_error"] = error->p90;
    result[name + "_inside_90"] = error->coverage;
    result[name + "_mean_squared_z"] = error->mean_squared_deviation;
  };
  add("cycles", quality.cycles);
  add("energy", quality.energy);
}

/// Ends the command as finish_rows does, for both files.
void finish(const InvalidRows& low, const InvalidRows& high) {
  const bool both = low.invalid > 0 && high.invalid > 0;
  if (both) spdlog::warn("{}", low.message);
  finish_rows(high.invalid > 0 ? high : low);
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
  install_interrupt_handler();
  InvalidRows low, high;
  // The small file first: a mistake in it should not cost the pre-training.
  std::vector<DesignSample> samples;
  if (!options.high.empty()) samples = read_high(options, high);
  const Pretrained pretrained = make_pretrained(options, low);
  stop_if_interrupted("train");
  if (options.high.empty()) {
    pretrained.save(options.output);
    print_result({{"pretrained", options.output},
                  {"points", pretrained.samples},
                  {"prediction_loss", pretrained.prediction_loss},
                  {"hash", pretrained.hash()}});
    finish(low, high);
    return;
  }
  FitOptions fit = options.variant == "paper" ? FitOptions::paper() : FitOptions();
  fit.seed = global.seed;
  fit.threads = global.threads;
  if (usable_backend(global.backend) == "cuda") fit.backend = FitBackend::cuda;
  StarlightModel model = fit_starlight(pretrained, samples, fit);
  const Quality quality = judge(model, pretrained, samples, fit);
  model = model.with_quality(quality);
  stop_if_interrupted("train");
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
  std::string warning = warning_of(quality);
  if (options.array_size == "columns" && quality.cycles &&
      quality.cycles->median > kLargeMedianError)
    warning += " (where arch.meshX is a dummy: --array-size mapping)";
  if (!warning.empty()) spdlog::warn("{}: {}", options.output, warning);
  nlohmann::ordered_json result = {{"model", options.output},
                                   {"variant", options.variant},
                                   {"machine", parameters.machine},
                                   {"samples", count.used},
                                   {"duplicates", count.duplicates},
                                   {"below_lower_bound", count.below_bound},
                                   {"failed", parameters.failures},
                                   {"negative_log_likelihood", model.negative_log_likelihood()},
                                   {"hash", model.hash()}};
  add_quality(quality, result);
  print_result(result);
  finish(low, high);
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
  add_strict_option(*command, options->strict);
  command->callback([options] { run_train(*options); });
}

}  // namespace polaris
