// polaris report: exports a store as CSV or JSON.
#include <CLI/CLI.hpp>
#include <charconv>
#include <filesystem>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>

#include "host/cli/commands.hpp"
#include "host/cli/options.hpp"
#include "host/cli/printable_output.hpp"
#include "host/core/atomic_file.hpp"
#include "host/core/error.hpp"
#include "host/core/json_text.hpp"
#include "host/io/json_reader.hpp"
#include "host/io/table.hpp"
#include "host/store/store.hpp"

namespace polaris {
namespace {

struct ReportOptions {
  std::filesystem::path store;
  std::string what;
  std::optional<std::int64_t> run;
  std::string format;
  std::filesystem::path out;
};

StoreTable load(const ReportOptions& options) {
  Store store(options.store, OpenMode::read);
  if (options.what == "runs") return store.export_runs(options.run);
  if (options.what == "iterations") return store.export_iterations(options.run);
  return store.export_evaluations(options.run);
}

/// Empty for NULL, reals in the shortest form that reads back equal. Texts of a store come from
/// workloads and evaluators of whoever made it.
std::string text_of(const SqlValue& value) {
  if (const auto* integer = std::get_if<std::int64_t>(&value)) return std::to_string(*integer);
  if (const auto* text = std::get_if<std::string>(&value)) return spreadsheet_text(*text);
  if (const auto* real = std::get_if<double>(&value)) {
    char buffer[32];
    return {buffer, std::to_chars(std::begin(buffer), std::end(buffer), *real).ptr};
  }
  return {};
}

Table csv_of(const StoreTable& data) {
  Table table;
  table.columns = data.columns;
  for (const auto& row : data.rows) {
    auto& out = table.rows.emplace_back();
    for (const SqlValue& value : row) out.push_back(text_of(value));
  }
  return table;
}

/// A JSON text of a store as a value.
nlohmann::ordered_json nested_json(const SqlValue& value, const std::string& column,
                                   const std::filesystem::path& store) {
  const std::string where = store.string() + ", column " + column;
  const auto* text = std::get_if<std::string>(&value);
  if (text == nullptr) throw Error::expected("a JSON text", "something else", where);
  return JsonDocument::parse(*text, where).root().raw();
}

/// A list of objects; the columns that hold JSON are nested as such.
std::string json_of(const StoreTable& data, const std::filesystem::path& store) {
  static const std::set<std::string> nested = {"options", "counters", "data"};
  auto list = nlohmann::ordered_json::array();
  for (const auto& row : data.rows) {
    auto object = nlohmann::ordered_json::object();
    for (std::size_t c = 0; c < row.size(); ++c) {
      auto& field = object[data.columns[c]];
      if (nested.contains(data.columns[c]))
        field = nested_json(row[c], data.columns[c], store);
      else if (const auto* integer = std::get_if<std::int64_t>(&row[c]))
        field = *integer;
      else if (const auto* real = std::get_if<double>(&row[c]))
        field = *real;
      else if (const auto* text = std::get_if<std::string>(&row[c]))
        field = *text;
    }
    list.push_back(std::move(object));
  }
  return json_text(list, 2) + "\n";
}

void report(const ReportOptions& options) {
  const StoreTable data = load(options);
  const bool as_json =
      options.format == "json" || (options.format.empty() && global_options().json);
  if (options.out.empty()) {
    stdout_carries_data();
    std::cout << (as_json ? json_of(data, options.store) : format_table(csv_of(data)));
  } else if (as_json) {
    AtomicFile file(options.out);
    file.stream() << json_of(data, options.store);
    file.commit();
  } else {
    write_table(csv_of(data), options.out);
  }
}

}  // namespace

void add_report(CLI::App& app) {
  CLI::App* command =
      add_command(app, "report", "Export runs, evaluations or iterations of a store",
                  "polaris report --store run.db --what evaluations --format csv --out run.csv.gz");
  const auto options = std::make_shared<ReportOptions>();
  command->add_option("--store", options->store, "Store written by search or sweep")->required();
  command->add_option("--what", options->what, "runs, evaluations or iterations")
      ->required()
      ->check(one_of({"runs", "evaluations", "iterations"}));
  command->add_option("--run", options->run, "Only of this run (id)")->check(integer_in(1));
  command->add_option("--format", options->format, "csv (default) or json")
      ->check(one_of({"csv", "json"}));
  command->add_option("--out", options->out, "File instead of stdout; .csv.gz is compressed");
  command->callback([options] { report(*options); });
}

}  // namespace polaris
