// What the commands that read or extend the public CSV format share.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "host/io/dataset.hpp"
#include "host/io/table.hpp"

namespace CLI {
class App;
}

namespace polaris {

/// Adds `--array-size columns|mapping`; `which` begins its help where only one of several files is
/// meant ("Array of --high; ").
void add_array_size_option(CLI::App& command, std::string& field, const std::string& which = "");

/// Meaning of that option's value.
ArraySize array_size_of(const std::string& value);

/// Adds `--in` for a file of design points.
void add_points_option(CLI::App& command, std::string& field);

/// Positions of the columns `names`; those the table does not have yet are appended, empty.
std::vector<std::size_t> extend_columns(Table& table, std::span<const std::string_view> names);

/// Rows of a file of design points that are none.
struct InvalidRows {
  std::size_t rows = 0;     ///< of the file
  std::size_t invalid = 0;  ///< of these
  std::string message;      ///< one line: file, counts, the first invalid row; empty where none is
};

InvalidRows invalid_rows(const Table& table, const std::vector<DatasetRow>& rows);

/// Adds `--strict`, which `refuse_invalid` obeys.
void add_strict_option(CLI::App& command, bool& field);

/// Throws Error where `strict` is set and a row is invalid: before anything is written.
void refuse_invalid(const InvalidRows& rows, bool strict);

/// The end of a command that has written its results, those of invalid rows left empty. Throws
/// Error where no row is valid, PartialAnswer where some are not, Failure where stdout took no
/// summary.
void finish_rows(const InvalidRows& rows);

/// Throws Failure once an interrupt came: `command` has written nothing yet.
void stop_if_interrupted(const std::string& command);

/// The finite positive number that `text` is; nothing where it is anything else.
std::optional<double> read_positive(const std::string& text);

}  // namespace polaris
