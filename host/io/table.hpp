// Tables as text: CSV (RFC 4180) and gzipped CSV, every field kept as it was written.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace polaris {

struct Table {
  std::vector<std::string> columns;            ///< names, unique
  std::vector<std::vector<std::string>> rows;  ///< [row][column], all of columns.size() fields
  std::string source;                          ///< file name for messages; empty: made in memory

  /// Position of a column, -1 where there is none.
  int column(std::string_view name) const;
  /// Position of a column; throws Error naming the column where there is none.
  int require(std::string_view name) const;
};

/// Parses CSV: the first line names the columns; fields may be quoted ("" is a quote inside one)
/// and then hold commas and line ends; lines end in LF or CRLF; empty lines and a UTF-8 byte order
/// mark are skipped. Throws Error "source:line: expected .., got .." for ragged rows, stray or
/// unclosed quotes, repeated column names and an empty text.
Table parse_table(std::string_view text, std::string source);

/// `text` as a cell that spreadsheets show and do not run: where it begins with = + - @, a tab or a
/// line end and is no number, an apostrophe comes before it (OWASP: CSV injection). For names,
/// reasons and other text that this program puts into a table; a user's own cells stay as they are.
std::string spreadsheet_text(std::string_view text);

/// The table as CSV, LF line ends, quoting only where needed: parse_table gives it back.
std::string format_table(const Table& table);

/// Reads a CSV file, gzipped if its name ends in ".gz". Throws Error where the file cannot be read
/// or its gzip data are damaged or cut short, and as parse_table.
Table read_table(const std::filesystem::path& path);

/// Writes a CSV file, gzipped if its name ends in ".gz"; the same table gives the same bytes.
/// Throws Error where the file cannot be created and Failure where writing fails; the file is
/// whole or untouched.
void write_table(const Table& table, const std::filesystem::path& path);

}  // namespace polaris
