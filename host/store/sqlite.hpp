// SQLite's C interface as RAII: one connection, cached prepared statements, transactions.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <unordered_map>
#include <variant>

struct sqlite3;
struct sqlite3_stmt;

namespace polaris {

class Database;

/// monostate stands for NULL.
using SqlValue = std::variant<std::monostate, std::int64_t, double, std::string>;

/// One execution of a prepared statement: bind in order, then step through the rows. The statement
/// goes back to its connection when the Query ends.
class Query {
 public:
  Query(Database& database, sqlite3_stmt* statement) : database_(database), statement_(statement) {}
  ~Query();
  Query(const Query&) = delete;
  Query& operator=(const Query&) = delete;

  Query& bind(std::int64_t value);
  Query& bind(double value);
  Query& bind(std::string_view value);

  /// True while there is a row. Throws Failure with SQLite's text.
  bool step();

  std::int64_t integer(int column) const;
  double real(int column) const;
  std::string text(int column) const;
  SqlValue value(int column) const;
  int columns() const;
  std::string column_name(int column) const;

 private:
  Database& database_;
  sqlite3_stmt* statement_;
  int bound_ = 0;
};

enum class OpenMode : std::uint8_t {
  read,   ///< the file must exist; nothing is written but what a killed writer had to undo
  write,  ///< created where absent
};

/// A connection to a file that may come from anywhere: views and triggers in it are not run. Not
/// for use from two threads at once; processes may share the file (each waits up to a minute for a
/// writer), on network file systems too. After a commit nothing is lost by a power cut, and the
/// file alone holds everything.
class Database {
 public:
  /// Throws Error where the name is none of a file, or the file cannot be opened or is not
  /// SQLite's. Reads also where nothing may be written, neither the file nor its folder.
  Database(const std::filesystem::path& path, OpenMode mode);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  /// The statement `sql`, prepared once per connection. `sql` must live as long as the connection
  /// (a literal) and not be in use by another Query.
  Query query(std::string_view sql);
  /// Runs statements without parameters and results.
  void execute(const std::string& sql);
  /// Id of the row inserted last.
  std::int64_t last_id() const;

  [[noreturn]] void fail() const;

 private:
  int open(const std::string& name, int flags);

  std::string path_;
  sqlite3* connection_ = nullptr;
  std::chrono::steady_clock::time_point give_up_at_;  ///< waiting for a writer
  std::unordered_map<std::string_view, sqlite3_stmt*> statements_;
};

/// Begins a transaction, to write or to see one state in several reads; without commit() (an
/// exception) everything in it is undone. Transactions do not nest.
class Transaction {
 public:
  explicit Transaction(Database& database, OpenMode mode = OpenMode::write);
  ~Transaction();
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;

  void commit();

 private:
  Database& database_;
  bool open_ = true;
};

}  // namespace polaris
