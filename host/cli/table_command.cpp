#include "host/cli/table_command.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <iostream>

#include "host/cli/exit_code.hpp"
#include "host/cli/options.hpp"
#include "host/core/error.hpp"
#include "host/core/interrupt.hpp"
#include "host/io/number_text.hpp"
#include "models/space/feasibility.hpp"

namespace polaris {

void add_array_size_option(CLI::App& command, std::string& field, const std::string& which) {
  command
      .add_option("--array-size", field,
                  which +
                      "columns: arch.meshX; mapping: the smallest power of two that the mapping "
                      "fits, for files whose arch columns are a dummy")
      ->check(one_of({"columns", "mapping"}))
      ->capture_default_str();
}

ArraySize array_size_of(const std::string& value) {
  return value == "columns" ? ArraySize::from_columns : ArraySize::from_mapping;
}

void add_points_option(CLI::App& command, std::string& field) {
  command
      .add_option("--in", field,
                  "CSV or .csv.gz with the columns arch.*, prob.* and mapping.mapping of the "
                  "public Gemmini and Timeloop data")
      ->required();
}

std::vector<std::size_t> extend_columns(Table& table, std::span<const std::string_view> names) {
  std::vector<std::size_t> out;
  for (const std::string_view name : names) {
    const int found = table.column(name);
    out.push_back(found < 0 ? table.columns.size() : static_cast<std::size_t>(found));
    if (found < 0) table.columns.emplace_back(name);
  }
  for (auto& row : table.rows) row.resize(table.columns.size());
  return out;
}

InvalidRows invalid_rows(const Table& table, const std::vector<DatasetRow>& rows) {
  InvalidRows out;
  out.rows = rows.size();
  std::size_t first = 0;
  bool array = false;  // some row's array is smaller than its mapping
  for (std::size_t i = rows.size(); i-- > 0;) {
    if (rows[i].error.empty()) continue;
    ++out.invalid;
    first = i;
    array = array || rows[i].error.ends_with(to_string(Feasibility::spatial_exceeds_array));
  }
  if (out.invalid > 0)
    out.message = fmt::format("{}: first invalid row is {} ({} of {} rows invalid): {}{}",
                              table.source, first + 1, out.invalid, out.rows, rows[first].error,
                              array ? " (if arch.meshX is a dummy: --array-size mapping)" : "");
  return out;
}

void add_strict_option(CLI::App& command, bool& field) {
  command.add_flag("--strict", field, "Refuse a file with any invalid row, and write nothing");
}

void refuse_invalid(const InvalidRows& rows, bool strict) {
  if (strict && rows.invalid > 0) throw Error(rows.message);
}

void finish_rows(const InvalidRows& rows) {
  if (rows.invalid == 0) return;
  if (!std::cout.flush()) throw Failure("stdout: write failed");
  if (rows.invalid == rows.rows) throw Error(rows.message);
  throw PartialAnswer(rows.message);
}

void stop_if_interrupted(const std::string& command) {
  if (interrupted()) throw Failure(command + " interrupted: nothing written");
}

std::optional<double> read_positive(const std::string& text) {
  const std::optional<double> value = read_number(text);
  return value && *value > 0.0 ? value : std::nullopt;
}

}  // namespace polaris
