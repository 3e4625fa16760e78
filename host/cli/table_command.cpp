#include "host/cli/table_command.hpp"

#include <CLI/CLI.hpp>

#include "host/cli/options.hpp"
#include "host/io/number_text.hpp"

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

std::optional<double> read_positive(const std::string& text) {
  const std::optional<double> value = read_number(text);
  return value && *value > 0.0 ? value : std::nullopt;
}

}  // namespace polaris
