#include "host/store/sqlite.hpp"

#include <fmt/format.h>
#include <sqlite3.h>
#include <unistd.h>

#include <system_error>
#include <thread>

#include "host/core/error.hpp"

namespace polaris {
namespace fs = std::filesystem;
namespace {

constexpr int kLongestValue = 64 << 20;  ///< bytes of one field of a file from anywhere

/// Waits for another program that writes, up to a minute. SQLite's own handler soon looks only ten
/// times a second, and a busy writer leaves gaps of milliseconds.
int wait_for_writer(void* give_up_at, int tries) {
  using Clock = std::chrono::steady_clock;
  auto& end = *static_cast<Clock::time_point*>(give_up_at);
  if (tries == 0) end = Clock::now() + std::chrono::minutes(1);
  if (Clock::now() > end) return 0;
  constexpr int kLongestPause = 7;  // in ms, not in step with others that wait
  std::this_thread::sleep_for(std::chrono::milliseconds(1 + (::getpid() + tries) % kLongestPause));
  return 1;
}

/// SQLite takes some names for databases that vanish, and opens whatever is not a file.
void check_name(const std::string& name) {
  if (name.empty() || name.front() == ':' || name.starts_with("file:"))
    throw Error::expected("the name of a file", "'" + name + "'", "store");
  std::error_code unknown;
  const fs::file_status status = fs::status(name, unknown);
  if (fs::exists(status) && !fs::is_regular_file(status))
    throw Error::expected("a store file",
                          fs::is_directory(status) ? "a folder" : "a device, pipe or socket", name);
}

bool holds_something(const std::string& name) {
  std::error_code absent;
  const auto size = fs::file_size(name, absent);
  return !absent && size > 0;
}

/// What to open where SQLite cannot write the files that it needs beside the database to read it.
/// Nobody writes to it meanwhile: who did would have files beside it.
std::string unchanging(const std::string& name) {
  std::string uri = "file:";
  for (const char c : fs::absolute(name).string())
    uri += fmt::format("%{:02x}", static_cast<unsigned char>(c));
  return uri + "?immutable=1";
}

}  // namespace

Query::~Query() {
  sqlite3_reset(statement_);
  sqlite3_clear_bindings(statement_);
}

Query& Query::bind(std::int64_t value) {
  if (sqlite3_bind_int64(statement_, ++bound_, value) != SQLITE_OK) database_.fail();
  return *this;
}

Query& Query::bind(double value) {
  if (sqlite3_bind_double(statement_, ++bound_, value) != SQLITE_OK) database_.fail();
  return *this;
}

Query& Query::bind(std::string_view value) {
  if (sqlite3_bind_text(statement_, ++bound_, value.data(), static_cast<int>(value.size()),
                        SQLITE_TRANSIENT) != SQLITE_OK)
    database_.fail();
  return *this;
}

bool Query::step() {
  const int status = sqlite3_step(statement_);
  if (status != SQLITE_ROW && status != SQLITE_DONE) database_.fail();
  return status == SQLITE_ROW;
}

std::int64_t Query::integer(int column) const { return sqlite3_column_int64(statement_, column); }

double Query::real(int column) const { return sqlite3_column_double(statement_, column); }

std::string Query::text(int column) const {
  const unsigned char* text = sqlite3_column_text(statement_, column);
  const int bytes = sqlite3_column_bytes(statement_, column);
  return text == nullptr
             ? std::string()
             : std::string(reinterpret_cast<const char*>(text), static_cast<std::size_t>(bytes));
}

SqlValue Query::value(int column) const {
  switch (sqlite3_column_type(statement_, column)) {
    case SQLITE_NULL:
      return {};
    case SQLITE_INTEGER:
      return integer(column);
    case SQLITE_FLOAT:
      return real(column);
    default:
      return text(column);
  }
}

int Query::columns() const { return sqlite3_column_count(statement_); }

std::string Query::column_name(int column) const { return sqlite3_column_name(statement_, column); }

Database::Database(const fs::path& path, OpenMode mode) : path_(path.string()) {
  check_name(path_);
  // Reading is allowed to undo what a killed writer has left half done.
  int status =
      open(path_, SQLITE_OPEN_READWRITE | (mode == OpenMode::write ? SQLITE_OPEN_CREATE : 0));
  const bool torn = holds_something(path_ + "-wal") || holds_something(path_ + "-journal");
  if ((status == SQLITE_CANTOPEN || status == SQLITE_READONLY) && mode == OpenMode::read && !torn &&
      holds_something(path_))
    status = open(unchanging(path_), SQLITE_OPEN_READONLY | SQLITE_OPEN_URI);
  if (status == SQLITE_OK && mode == OpenMode::write &&
      sqlite3_db_readonly(connection_, "main") == 1)
    status = SQLITE_READONLY;
  if (status == SQLITE_OK && mode == OpenMode::read)
    status = sqlite3_exec(connection_, "PRAGMA query_only = ON", nullptr, nullptr, nullptr);
  if (status == SQLITE_OK) return;
  std::string reason = sqlite3_errstr(status);
  if (torn && status != SQLITE_BUSY)
    reason += " (a killed run left a file beside it: open it once where it may be written)";
  sqlite3_close(connection_);
  throw Error::expected(mode == OpenMode::read ? "a readable store" : "a writable store", reason,
                        path_);
}

/// Opens a connection in the place of the one before; SQLite's status.
int Database::open(const std::string& name, int flags) {
  sqlite3_close(connection_);
  int status = sqlite3_open_v2(name.c_str(), &connection_, flags, nullptr);
  if (status != SQLITE_OK) return status;
  sqlite3_busy_handler(connection_, wait_for_writer, &give_up_at_);
  sqlite3_limit(connection_, SQLITE_LIMIT_LENGTH, kLongestValue);
  sqlite3_db_config(connection_, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(connection_, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, nullptr);
  sqlite3_db_config(connection_, SQLITE_DBCONFIG_ENABLE_VIEW, 0, nullptr);
  // Opening is lazy: the first read tells whether the file is a database.
  return sqlite3_exec(connection_, "PRAGMA schema_version", nullptr, nullptr, nullptr);
}

Database::~Database() {
  for (const auto& [sql, statement] : statements_) sqlite3_finalize(statement);
  sqlite3_close(connection_);
}

Query Database::query(std::string_view sql) {
  sqlite3_stmt*& statement = statements_[sql];
  if (statement == nullptr &&
      sqlite3_prepare_v3(connection_, sql.data(), static_cast<int>(sql.size()),
                         SQLITE_PREPARE_PERSISTENT, &statement, nullptr) != SQLITE_OK)
    fail();
  return {*this, statement};
}

void Database::execute(const std::string& sql) {
  if (sqlite3_exec(connection_, sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) fail();
}

std::int64_t Database::last_id() const { return sqlite3_last_insert_rowid(connection_); }

void Database::fail() const { throw Failure(path_ + ": " + sqlite3_errmsg(connection_)); }

Transaction::Transaction(Database& database, OpenMode mode) : database_(database) {
  // Immediate: takes the write lock now, so that what is read inside stays true until commit.
  database_.execute(mode == OpenMode::write ? "BEGIN IMMEDIATE" : "BEGIN");
}

Transaction::~Transaction() {
  if (!open_) return;
  try {
    database_.execute("ROLLBACK");
  } catch (const Failure&) {
    // SQLite has rolled back by itself (disk full, I/O error).
  }
}

void Transaction::commit() {
  database_.execute("COMMIT");
  open_ = false;
}

}  // namespace polaris
