#include "host/io/table.hpp"

#define ZLIB_CONST  // input pointers of zlib are const
#include <zlib.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <memory>
#include <new>
#include <unordered_set>
#include <utility>

#include "host/core/atomic_file.hpp"
#include "host/core/error.hpp"
#include "host/core/in_quotes.hpp"
#include "host/core/read_file.hpp"
#include "host/io/number_text.hpp"

namespace polaris {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

/// The separator of fields: a semicolon where the line of column names has these and no commas, as
/// spreadsheets write it in countries with decimal commas.
char separator_of(std::string_view text) {
  bool in_quotes = false, semicolon = false, begun = false;
  for (const char c : text) {
    if (c == '"') in_quotes = !in_quotes;
    if (in_quotes) continue;
    const bool ends_line = c == '\n' || c == '\r';
    if (c == ',' || (begun && ends_line)) return c != ',' && semicolon ? ';' : ',';
    semicolon = semicolon || c == ';';
    begun = begun || !(ends_line || c == ' ' || c == '\t');
  }
  return semicolon ? ';' : ',';
}

/// Whether a field is a number with a comma in the place of the point.
bool has_decimal_comma(std::string_view field) {
  const std::size_t comma = field.find(',');
  if (comma == std::string_view::npos) return false;
  std::string pointed(field);
  pointed[comma] = '.';
  return read_number(pointed).has_value();
}

/// Reads records one after the other and counts lines.
class Reader {
 public:
  Reader(std::string_view text, const std::string& source)
      : text_(text),
        source_(source),
        separator_(separator_of(text)),
        line_end_(text.find('\n') == std::string_view::npos ? '\r' : '\n') {
    if (const std::size_t nul = text.find('\0'); nul != std::string_view::npos)
      fail(1 + std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(nul), line_end_),
           "text in UTF-8", "a NUL byte");
  }

  /// Fills `fields` with the next record; false at the end of the text.
  bool next(std::vector<std::string>& fields) {
    skip_blank_lines();
    if (at_ == text_.size()) return false;
    record_line_ = line_;
    const std::size_t begin = at_;
    fields.clear();
    while (true) {
      fields.push_back(field());
      if (at_ - begin > kMaxRecordBytes)
        refuse("a row of at most " + size_text(kMaxRecordBytes), "a longer one");
      if (fields.size() > kMaxColumns)
        refuse("at most " + std::to_string(kMaxColumns) + " fields", "more");
      if (at_ == text_.size()) return true;
      if (at_line_end()) {
        end_line();
        return true;
      }
      ++at_;  // the separator
      if (at_ == text_.size()) {
        fields.emplace_back();
        return true;
      }
    }
  }

  /// Throws for the record last read.
  [[noreturn]] void refuse(const std::string& expected, const std::string& got) const {
    fail(record_line_, expected, got);
  }

 private:
  [[noreturn]] void fail(std::int64_t line, const std::string& expected,
                         const std::string& got) const {
    throw Error::expected(expected, got, source_ + ":" + std::to_string(line));
  }

  bool at_line_end() const {
    return text_[at_] == line_end_ ||
           (text_[at_] == '\r' && at_ + 1 < text_.size() && text_[at_ + 1] == '\n');
  }

  void end_line() {
    at_ += text_[at_] == line_end_ ? 1 : 2;
    ++line_;
  }

  /// Position of the first character from `at` on that is no blank.
  std::size_t after_blanks(std::size_t at) const {
    return std::min(text_.find_first_not_of(" \t", at), text_.size());
  }

  void skip_blank_lines() {
    while (at_ < text_.size()) {
      const std::size_t line = std::exchange(at_, after_blanks(at_));
      if (at_ < text_.size() && !at_line_end()) {
        at_ = line;
        return;
      }
      if (at_ < text_.size()) end_line();
    }
  }

  std::string field() {
    const std::size_t begin = after_blanks(at_);
    const bool is_quoted = begin < text_.size() && text_[begin] == '"';
    if (is_quoted) at_ = begin;
    std::string out = is_quoted ? quoted() : plain();
    if (separator_ == ';' && has_decimal_comma(out))
      fail(line_, "numbers with a decimal point", in_quotes(out));
    return out;
  }

  std::string plain() {
    const std::size_t begin = at_;
    while (at_ < text_.size() && text_[at_] != separator_ && !at_line_end()) {
      if (text_[at_] == '"') fail(line_, "quotes around the whole field", "a quote inside it");
      ++at_;
    }
    return std::string(text_.substr(begin, at_ - begin));
  }

  std::string quoted() {
    const std::int64_t opened = line_;
    std::string out;
    while (true) {
      const std::size_t close = text_.find('"', ++at_);
      if (close == std::string_view::npos) fail(opened, "a closing quote", "the end of the file");
      const std::string_view part = text_.substr(at_, close - at_);
      out += part;
      line_ += std::count(part.begin(), part.end(), line_end_);
      at_ = close + 1;
      if (at_ == text_.size() || text_[at_] != '"') break;
      out += '"';
    }
    at_ = after_blanks(at_);
    if (at_ < text_.size() && text_[at_] != separator_ && !at_line_end())
      fail(line_, "a comma or the end of the line after a closing quote", "more text");
    return out;
  }

  std::string_view text_;
  const std::string& source_;
  char separator_;
  char line_end_;  ///< LF, perhaps after CR; CR alone where there is no LF
  std::size_t at_ = 0;
  std::int64_t line_ = 1;
  std::int64_t record_line_ = 1;
};

/// Reads the names of the columns; those at the end that have none are left out and counted.
std::size_t read_columns(Reader& reader, Table& table) {
  if (!reader.next(table.columns))
    throw Error::expected("a line of column names", "an empty file", table.source);
  // Below blank lines, or repeated, the mark would go to the begin of the file when it is written.
  while (table.columns.front().starts_with(kByteOrderMark))
    table.columns.front().erase(0, kByteOrderMark.size());
  const std::size_t all = table.columns.size();
  while (!table.columns.empty() && trimmed(table.columns.back()).empty()) table.columns.pop_back();
  if (table.columns.empty()) reader.refuse("a line of column names", "a line without any");
  std::unordered_set<std::string_view> names;
  for (const std::string& name : table.columns)
    if (!names.insert(trimmed(name)).second)
      reader.refuse("column names to differ", in_quotes(trimmed(name)) + " twice");
  return all - table.columns.size();
}

/// Reads all rows. Empty fields beyond the last named column, of which `unnamed` may follow in the
/// line of names, are dropped.
void read_rows(Reader& reader, std::size_t unnamed, Table& table) {
  const std::size_t columns = table.columns.size();
  // Room for what commands append, five predictions and more: a row that grew would leave a hole.
  constexpr std::size_t kSpare = 8;
  std::vector<std::string> fields;
  fields.reserve(columns + kSpare);
  while (reader.next(fields)) {
    while (fields.size() > columns && trimmed(fields.back()).empty()) fields.pop_back();
    if (fields.size() > columns && fields.size() <= columns + unnamed)
      reader.refuse("nothing in a column without a name", in_quotes(fields.back()));
    if (fields.size() != columns)
      reader.refuse(std::to_string(columns) + " fields", std::to_string(fields.size()));
    table.rows.push_back(std::move(fields));
    fields = {};
    fields.reserve(columns + kSpare);
  }
}

void append_record(std::string& out, const std::vector<std::string>& fields) {
  // A lone blank field would be a blank line, and those are skipped; a lone semicolon would be
  // taken for the separator.
  const bool lone = fields.size() == 1 && (trimmed(fields.front()).empty() ||
                                           fields.front().find(';') != std::string::npos);
  for (std::size_t i = 0; i < fields.size(); ++i) {
    const std::string& field = fields[i];
    if (i > 0) out += ',';
    if (!lone && field.find_first_of(",\"\r\n") == std::string::npos) {
      out += field;
      continue;
    }
    out += '"';
    for (const char c : field) out.append(c == '"' ? 2 : 1, c);
    out += '"';
  }
  out += '\n';
}

bool is_gzip_name(const std::filesystem::path& path) { return path.extension() == ".gz"; }

/// The text of gzip data, one member after the other as gzip joins files.
std::string gunzip(std::string_view bytes, const std::string& name, std::uintmax_t limit) {
  constexpr int kGzipHeader = 16;
  z_stream stream{};
  if (inflateInit2(&stream, MAX_WBITS + kGzipHeader) != Z_OK)
    throw Failure(name + ": cannot decompress: out of memory");
  const std::unique_ptr<z_stream, int (*)(z_stream*)> owner(&stream, inflateEnd);
  constexpr std::size_t kChunk = std::size_t{1} << 16;
  std::string out;
  for (int status = Z_OK;;) {
    // Where the output was full, more may come of the input that was taken already.
    if (stream.avail_in == 0 && (status == Z_STREAM_END || stream.avail_out > 0)) {
      if (bytes.empty() && status == Z_STREAM_END) return out;
      if (bytes.empty()) throw Error::expected("whole gzip data", "the end of the file", name);
      stream.next_in = reinterpret_cast<const Bytef*>(bytes.data());
      stream.avail_in = static_cast<uInt>(std::min(bytes.size(), kChunk));
      bytes.remove_prefix(stream.avail_in);
    }
    if (status == Z_STREAM_END && inflateReset(&stream) != Z_OK)
      throw Failure(name + ": cannot decompress");
    const std::size_t size = out.size();
    out.resize(size + kChunk);
    stream.next_out = reinterpret_cast<Bytef*>(out.data() + size);
    stream.avail_out = kChunk;
    status = inflate(&stream, Z_NO_FLUSH);
    out.resize(out.size() - stream.avail_out);
    if (out.size() > limit)
      throw Error::expected("at most " + size_text(limit) + " of decompressed text", "more", name);
    // Without room or input there is no progress (Z_BUF_ERROR); the next round gives both.
    if (status != Z_OK && status != Z_STREAM_END && status != Z_BUF_ERROR)
      throw Error::expected("whole gzip data", stream.msg != nullptr ? stream.msg : "damaged ones",
                            name);
  }
}

std::string gzip(std::string_view text, const std::string& name) {
  constexpr int kGzipHeader = 16, kMemory = 8;  // zlib's default memory use
  z_stream stream{};
  if (deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, MAX_WBITS + kGzipHeader, kMemory,
                   Z_DEFAULT_STRATEGY) != Z_OK)
    throw Failure(name + ": cannot compress: out of memory");
  const std::unique_ptr<z_stream, int (*)(z_stream*)> owner(&stream, deflateEnd);
  constexpr std::size_t kChunk = std::size_t{1} << 20;  // zlib counts in 32 bits
  std::string out;
  std::size_t done = 0;
  int status = Z_OK;
  do {
    const std::size_t input = std::min(kChunk, text.size() - done);
    stream.next_in = reinterpret_cast<const Bytef*>(text.data() + done);
    stream.avail_in = static_cast<uInt>(input);
    done += input;
    do {
      const std::size_t size = out.size();
      out.resize(size + kChunk);
      stream.next_out = reinterpret_cast<Bytef*>(out.data() + size);
      stream.avail_out = kChunk;
      status = deflate(&stream, done == text.size() ? Z_FINISH : Z_NO_FLUSH);
      out.resize(out.size() - stream.avail_out);
    } while (stream.avail_out == 0);
  } while (status != Z_STREAM_END);
  return out;
}

}  // namespace

int Table::column(std::string_view name) const {
  const auto found = std::find_if(columns.begin(), columns.end(),
                                  [name](const auto& column) { return trimmed(column) == name; });
  return found == columns.end() ? -1 : static_cast<int>(found - columns.begin());
}

int Table::require(std::string_view name) const {
  const int found = column(name);
  if (found < 0)
    throw Error::expected("a column " + std::string(name),
                          "none of that name among " + std::to_string(columns.size()),
                          source.empty() ? "table" : source);
  return found;
}

Table parse_table(std::string_view text, std::string source) {
  Table table;
  table.source = std::move(source);
  if (text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF"))
    throw Error::expected("text in UTF-8", "UTF-16", table.source);
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  Reader reader(text, table.source);
  const std::size_t unnamed = read_columns(reader, table);
  try {
    read_rows(reader, unnamed, table);
  } catch (const std::bad_alloc&) {
    const std::size_t rows = table.rows.size();
    table.rows = {};  // the message needs memory
    throw Failure(table.source + ": out of memory after " + std::to_string(rows) + " rows");
  }
  return table;
}

std::string spreadsheet_text(std::string_view text) {
  // The full-width forms too, which spreadsheets of East Asia take as the plain ones.
  constexpr std::array<std::string_view, 11> kBeginnings = {
      "=", "+", "-", "@", "\t", "\r", "\n", "\uFF1D", "\uFF0B", "\uFF0D", "\uFF20"};
  double number = 0.0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  const bool is_number = stop == end && error == std::errc();
  const bool runs = !is_number && std::any_of(kBeginnings.begin(), kBeginnings.end(),
                                              [text](auto sign) { return text.starts_with(sign); });
  std::string out(text);
  if (runs) out.insert(0, 1, '\'');
  return out;
}

std::string format_table(const Table& table) {
  std::string out;
  append_record(out, table.columns);
  for (const auto& row : table.rows) append_record(out, row);
  return out;
}

std::uintmax_t longest_table() {
  constexpr std::uintmax_t kSizeAsTable = 8;  // bytes of memory for a byte of text
  return memory_bytes() / kSizeAsTable;
}

Table read_table(const std::filesystem::path& path, std::uintmax_t limit) {
  const std::string name = path.string();
  std::string text = read_file(path, limit);
  if (is_gzip_name(path)) try {
      text = gunzip(text, name, limit);
    } catch (const std::bad_alloc&) {
      throw Failure(name + ": out of memory while decompressing");
    }
  return parse_table(text, name);
}

void write_table(const Table& table, const std::filesystem::path& path) {
  AtomicFile file(path);
  std::string bytes = format_table(table);
  if (is_gzip_name(path)) bytes = gzip(bytes, path.string());
  file.stream().write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  file.commit();
}

}  // namespace polaris
