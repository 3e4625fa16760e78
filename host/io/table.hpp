// Tables as text: CSV (RFC 4180) and gzipped CSV, every field kept as it was written.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace polaris {

struct Table {
  std::vector<std::string> columns;            ///< names; unique, blanks around them apart
  std::vector<std::vector<std::string>> rows;  ///< [row][column], all of columns.size() fields
  std::string source;                          ///< file name for messages; empty: made in memory

  /// Position of a column, -1 where there is none; blanks around its name do not count.
  int column(std::string_view name) const;
  /// Position of a column; throws Error naming the column where there is none.
  int require(std::string_view name) const;
};

/// What a table may hold at most; the number of rows is bounded by the memory alone.
inline constexpr std::size_t kMaxColumns = 65536;
inline constexpr std::size_t kMaxRecordBytes = std::size_t{16} << 20;

/// Parses CSV: the first line names the columns; fields may be quoted ("" is a quote inside one)
/// and then hold separators and line ends; blanks around the quotes are skipped, other blanks kept.
/// Fields are separated by commas, or by semicolons where the first line has these alone. Lines end
/// in LF or CRLF, or in CR where there is no LF; blank lines and a UTF-8 byte order mark are
/// skipped. Columns at the end that have neither name nor data are dropped. Throws Error
/// "source:line: expected .., got .." for ragged rows, data without a column name, stray or
/// unclosed quotes, repeated column names, decimal commas between semicolons, text that is not
/// UTF-8 or ASCII but UTF-16, and where a limit is exceeded; Failure where memory runs out.
Table parse_table(std::string_view text, std::string source);

/// `text` as a cell that spreadsheets show and do not run: where it begins with = + - @, a tab or a
/// line end and is no number, an apostrophe comes before it (OWASP: CSV injection). For names,
/// reasons and other text that this program puts into a table; a user's own cells stay as they are.
std::string spreadsheet_text(std::string_view text);

/// The table as CSV, LF line ends, quoting only where needed: parse_table gives it back.
std::string format_table(const Table& table);

/// Bytes of text that read_table takes where its caller names no limit: an eighth of the memory, as
/// the text becomes some eight times as long.
std::uintmax_t longest_table();

/// Reads a CSV file, gzipped if its name ends in ".gz". Throws Error where the file cannot be read
/// as a whole, its text takes more than `limit` bytes, or its gzip data are damaged or cut short,
/// and as parse_table.
Table read_table(const std::filesystem::path& path, std::uintmax_t limit = longest_table());

/// Writes a CSV file, gzipped if its name ends in ".gz"; the same table gives the same bytes.
/// Throws Error where the file cannot be created and Failure where writing fails; the file is
/// whole or untouched.
void write_table(const Table& table, const std::filesystem::path& path);

}  // namespace polaris
