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

/// The finite positive number that `text` is; nothing where it is anything else.
std::optional<double> read_positive(const std::string& text);

}  // namespace polaris
