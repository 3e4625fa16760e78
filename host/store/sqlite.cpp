#include "host/store/sqlite.hpp"

#include <sqlite3.h>

#include "host/core/error.hpp"

namespace polaris {

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

Database::Database(const std::filesystem::path& path, OpenMode mode) : path_(path.string()) {
  const int flags =
      mode == OpenMode::read ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
  int status = sqlite3_open_v2(path_.c_str(), &connection_, flags, nullptr);
  // Opening is lazy: the first read tells whether the file is a database.
  if (status == SQLITE_OK)
    status = sqlite3_exec(connection_, "PRAGMA schema_version", nullptr, nullptr, nullptr);
  if (status == SQLITE_OK && mode == OpenMode::write &&
      sqlite3_db_readonly(connection_, "main") == 1)
    status = SQLITE_READONLY;
  if (status != SQLITE_OK) {
    const std::string reason = sqlite3_errstr(status);
    sqlite3_close(connection_);
    throw Error::expected(mode == OpenMode::read ? "a readable store" : "a writable store", reason,
                          path_);
  }
  constexpr int kBusyMilliseconds = 30000;
  sqlite3_busy_timeout(connection_, kBusyMilliseconds);
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

Transaction::Transaction(Database& database) : database_(database) {
  // Immediate: takes the write lock now, so that what is read inside stays true until commit.
  database_.execute("BEGIN IMMEDIATE");
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
