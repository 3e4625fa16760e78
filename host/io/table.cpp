#include "host/io/table.hpp"

#define ZLIB_CONST  // input pointers of zlib are const
#include <zlib.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <memory>
#include <unordered_set>
#include <utility>

#include "host/core/atomic_file.hpp"
#include "host/core/error.hpp"

namespace polaris {
namespace {

/// Reads records one after the other and counts lines.
class Reader {
 public:
  Reader(std::string_view text, const std::string& source) : text_(text), source_(source) {}

  /// Fills `fields` with the next record; false at the end of the text.
  bool next(std::vector<std::string>& fields) {
    while (at_ < text_.size() && at_line_end()) end_line();
    if (at_ == text_.size()) return false;
    record_line_ = line_;
    fields.clear();
    while (true) {
      fields.push_back(text_[at_] == '"' ? quoted() : plain());
      if (at_ == text_.size()) return true;
      if (at_line_end()) {
        end_line();
        return true;
      }
      ++at_;  // the comma
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
    return text_[at_] == '\n' ||
           (text_[at_] == '\r' && at_ + 1 < text_.size() && text_[at_ + 1] == '\n');
  }

  void end_line() {
    at_ += text_[at_] == '\n' ? 1 : 2;
    ++line_;
  }

  std::string plain() {
    const std::size_t begin = at_;
    while (at_ < text_.size() && text_[at_] != ',' && !at_line_end()) {
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
      line_ += std::count(part.begin(), part.end(), '\n');
      at_ = close + 1;
      if (at_ == text_.size() || text_[at_] != '"') break;
      out += '"';
    }
    if (at_ < text_.size() && text_[at_] != ',' && !at_line_end())
      fail(line_, "a comma or the end of the line after a closing quote", "more text");
    return out;
  }

  std::string_view text_;
  const std::string& source_;
  std::size_t at_ = 0;
  std::int64_t line_ = 1;
  std::int64_t record_line_ = 1;
};

void append_record(std::string& out, const std::vector<std::string>& fields) {
  // A lone empty field would be an empty line, and those are skipped.
  const bool lone_empty = fields.size() == 1 && fields.front().empty();
  for (std::size_t i = 0; i < fields.size(); ++i) {
    const std::string& field = fields[i];
    if (i > 0) out += ',';
    if (!lone_empty && field.find_first_of(",\"\r\n") == std::string::npos) {
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

std::string read_gzip(const std::filesystem::path& path) {
  const std::string name = path.string();
  gzFile file = gzopen(name.c_str(), "rb");
  if (file == nullptr) throw Error::expected("a readable file", std::strerror(errno), name);
  const std::unique_ptr<gzFile_s, int (*)(gzFile)> owner(file, gzclose_r);
  constexpr unsigned kChunk = 1 << 20;
  std::string out;
  int got = 0;
  do {
    const std::size_t size = out.size();
    out.resize(size + kChunk);
    got = gzread(file, out.data() + size, kChunk);
    out.resize(size + static_cast<std::size_t>(std::max(got, 0)));
  } while (got > 0);
  int status = Z_OK;
  const char* message = gzerror(file, &status);
  // A file cut short reads as a normal end; only the status tells.
  if (got < 0 || status != Z_OK) throw Error::expected("whole gzip data", message, name);
  if (gzdirect(file) != 0) throw Error::expected("gzip data", "something else", name);
  return out;
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
  const auto found = std::find(columns.begin(), columns.end(), name);
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
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  Reader reader(text, table.source);
  if (!reader.next(table.columns))
    throw Error::expected("a line of column names", "an empty file", table.source);
  std::unordered_set<std::string_view> names;
  for (const std::string& name : table.columns)
    if (!names.insert(name).second) reader.refuse("column names to differ", "'" + name + "' twice");
  std::vector<std::string> fields;
  while (reader.next(fields)) {
    if (fields.size() != table.columns.size())
      reader.refuse(std::to_string(table.columns.size()) + " fields",
                    std::to_string(fields.size()));
    table.rows.push_back(std::move(fields));
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

Table read_table(const std::filesystem::path& path) {
  return parse_table(is_gzip_name(path) ? read_gzip(path) : read_file(path), path.string());
}

void write_table(const Table& table, const std::filesystem::path& path) {
  AtomicFile file(path);
  std::string bytes = format_table(table);
  if (is_gzip_name(path)) bytes = gzip(bytes, path.string());
  file.stream().write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  file.commit();
}

}  // namespace polaris
