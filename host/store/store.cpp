#include "host/store/store.hpp"

#include <charconv>
#include <cmath>
#include <limits>

#include "host/core/error.hpp"
#include "host/core/in_quotes.hpp"
#include "host/core/version.hpp"
#include "host/io/mapping_text.hpp"
#include "host/space/layer_text.hpp"
#include "host/space/workload.hpp"
#include "host/store/schema.hpp"

namespace polaris {
namespace {

/// Columns of an evaluation with its point, as read_evaluation takes them.
constexpr char kEvaluationColumns[] =
    "SELECT e.id, p.layer, p.dim, p.accumulator_words, p.scratchpad_bytes, p.bus_bytes, p.mapping, "
    "e.fidelity, e.evaluator_hash, e.status, e.reason, ifnull(e.cycles, 0) AS cycles, "
    "ifnull(e.energy_pj, 0.0) AS energy_pj, ifnull(e.area_mm2, 0.0) AS area_mm2, e.counters, "
    "e.seconds, e.seed, e.rtl_hash, e.memory_hash, e.created ";

constexpr Fidelity kFidelities[] = {Fidelity::analytical, Fidelity::starlight, Fidelity::rtl};

/// The row of a query, field by field from the left; the first one is the row's id. What a field
/// cannot be is refused, naming the file, the table, the row and the field.
class RowReader {
 public:
  RowReader(const Query& query, const std::string& path, const char* table)
      : query_(query), where_(path + ": " + table + " row ") {
    id_ = integer(1);
    where_ += std::to_string(id_) + ", ";
  }

  std::int64_t id() const { return id_; }

  std::int64_t integer(std::int64_t least,
                       std::int64_t most = std::numeric_limits<std::int64_t>::max()) {
    const SqlValue value = next();
    const auto* number = std::get_if<std::int64_t>(&value);
    if (number == nullptr || *number < least || *number > most)
      refuse("an integer from " + std::to_string(least) + " to " + std::to_string(most), value);
    return *number;
  }

  /// Finite, not negative.
  double real() {
    const SqlValue value = next();
    const auto* number = std::get_if<double>(&value);
    if (number == nullptr || !std::isfinite(*number) || *number < 0.0)
      refuse("a number of at least 0", value);
    return *number;
  }

  std::string text() {
    const SqlValue value = next();
    if (!std::holds_alternative<std::string>(value)) refuse("a text", value);
    return std::get<std::string>(value);
  }

  /// What `parse` makes of a text; it throws Error where that is nothing.
  template <typename Parse>
  auto parsed(const Parse& parse) {
    const std::string line = text();
    try {
      return parse(line);
    } catch (const Error& error) {
      throw Error(where_ + shown(error.what()));
    }
  }

 private:
  SqlValue next() { return query_.value(column_++); }

  static std::string shown(const std::string& text) {
    constexpr std::size_t kLongest = 300;
    return one_line(text, kLongest);
  }

  [[noreturn]] void refuse(const std::string& expected, const SqlValue& got) const {
    std::string value = "nothing";
    if (const auto* integer = std::get_if<std::int64_t>(&got)) value = std::to_string(*integer);
    if (const auto* real = std::get_if<double>(&got)) value = std::to_string(*real);
    if (const auto* text = std::get_if<std::string>(&got)) value = shown("'" + *text + "'");
    throw Error::expected(expected, value, where_ + query_.column_name(column_ - 1));
  }

  const Query& query_;
  std::string where_;
  std::int64_t id_ = 0;
  int column_ = 0;
};

Fidelity parse_fidelity(const std::string& text) {
  for (const Fidelity fidelity : kFidelities)
    if (text == to_string(fidelity)) return fidelity;
  throw Error::expected("analytical, starlight or rtl", "'" + text + "'", "fidelity");
}

std::uint64_t parse_seed(const std::string& text) {
  std::uint64_t seed = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, seed);
  if (error != std::errc() || stop != end)
    throw Error::expected("an integer of 64 bits", "'" + text + "'", "seed");
  return seed;
}

RunStatus parse_run_status(const std::string& text) {
  for (const RunStatus status :
       {RunStatus::running, RunStatus::finished, RunStatus::interrupted, RunStatus::failed})
    if (text == to_string(status)) return status;
  throw Error::expected("running, finished, interrupted or failed", "'" + text + "'", "status");
}

/// A layer that the arithmetic of the models can hold.
Layer parse_usable_layer(const std::string& text) {
  const Layer layer = parse_layer(text);
  if (total_macs(WorkloadLayer{"", layer}) > kMaxWords)
    throw Error::expected("at most 2^53 MACs", "'" + text + "'", "layer");
  return layer;
}

Evaluation read_evaluation(const Query& query, const std::string& path) {
  RowReader row(query, path, "evaluations");
  Evaluation out;
  out.id = row.id();
  out.layer = row.parsed(parse_usable_layer);
  constexpr std::int64_t kMostBytes = std::int64_t{1} << 40, kMostLanes = 1 << 16;
  out.point.hardware.dim = static_cast<std::int32_t>(row.integer(1, kMostLanes));
  out.point.hardware.accumulator_words = row.integer(0, kMostBytes);
  out.point.hardware.scratchpad_bytes = row.integer(0, kMostBytes);
  out.point.hardware.bus_bytes = static_cast<std::int32_t>(row.integer(1, kMostLanes));
  out.point.mapping = row.parsed(parse_mapping);
  out.fidelity = row.parsed(parse_fidelity);
  out.evaluator_hash = row.text();
  out.status = row.text();
  out.reason = row.text();
  out.cycles = row.integer(0);
  out.energy_pj = row.real();
  out.area_mm2 = row.real();
  out.counters = row.text();
  out.seconds = row.real();
  out.seed = row.parsed(parse_seed);
  out.rtl_hash = row.text();
  out.memory_hash = row.text();
  out.created = row.text();
  return out;
}

Run read_run(const Query& query, const std::string& path) {
  RowReader row(query, path, "runs");
  Run out;
  out.id = row.id();
  out.info.kind = row.text();
  out.info.seed = row.parsed(parse_seed);
  out.info.space_hash = row.text();
  out.info.workload_hash = row.text();
  out.info.model_hash = row.text();
  out.info.rtl_hash = row.text();
  out.info.options = row.text();
  out.created = row.text();
  out.version = row.text();
  out.status = row.parsed(parse_run_status);
  return out;
}

void bind_point(Query& query, const Layer& layer, const DesignPoint& point) {
  query.bind(format_layer(layer))
      .bind(std::int64_t{point.hardware.dim})
      .bind(point.hardware.accumulator_words)
      .bind(point.hardware.scratchpad_bytes)
      .bind(std::int64_t{point.hardware.bus_bytes})
      .bind(format_mapping(point.mapping));
}

void bind_info(Query& query, const RunInfo& info) {
  query.bind(info.kind)
      .bind(std::to_string(info.seed))
      .bind(info.space_hash)
      .bind(info.workload_hash)
      .bind(info.model_hash)
      .bind(info.rtl_hash)
      .bind(info.options);
}

}  // namespace

const char* to_string(RunStatus status) {
  constexpr const char* kNames[] = {"running", "finished", "interrupted", "failed"};
  return kNames[static_cast<int>(status)];
}

const char* to_string(Fidelity fidelity) {
  switch (fidelity) {
    case Fidelity::analytical:
      return "analytical";
    case Fidelity::starlight:
      return "starlight";
    case Fidelity::rtl:
      return "rtl";
  }
  return "unknown";
}

Store::Store(const std::filesystem::path& path, OpenMode mode)
    : path_(path.string()), database_(path, mode) {
  if (mode == OpenMode::write) {
    // Without a write-ahead log: the file alone holds everything, wherever it is copied, and
    // machines that share a file system may share it.
    try {
      database_.execute("PRAGMA journal_mode = DELETE");
    } catch (const Failure&) {
      // A file of an earlier program keeps its log while others have it open.
    }
    database_.execute("PRAGMA synchronous = EXTRA");  // safe against a power cut after a commit
    database_.execute("PRAGMA foreign_keys = ON");
  }
  check_or_create(mode);
}

void Store::check_or_create(OpenMode mode) {
  const auto number = [this](std::string_view sql) {
    Query query = database_.query(sql);
    query.step();
    return query.integer(0);
  };
  Transaction transaction(database_, mode);  // two processes may create the same file
  const std::int64_t application = number("PRAGMA application_id");
  const std::int64_t version = number("PRAGMA user_version");
  const bool is_empty = number("SELECT count(*) FROM sqlite_master") == 0;
  if (mode == OpenMode::write && application == 0 && is_empty) {
    database_.execute(kStoreSchema);
    database_.execute("PRAGMA application_id = " + std::to_string(kStoreApplicationId));
    database_.execute("PRAGMA user_version = " + std::to_string(kStoreSchemaVersion));
  } else if (application != kStoreApplicationId) {
    throw Error::expected("a Polaris store", "another SQLite database", path_);
  } else if (version != kStoreSchemaVersion) {
    throw Error::expected("store schema version " + std::to_string(kStoreSchemaVersion),
                          std::to_string(version), path_);
  } else if (number(kStoreTablesPresent) != kStoreTables) {
    throw Error::expected("a Polaris store", "one without all of its tables", path_);
  }
  transaction.commit();
}

std::int64_t Store::begin_run(const RunInfo& info) {
  Query insert = database_.query(
      "INSERT INTO runs (kind, seed, space_hash, workload_hash, model_hash, rtl_hash, options, "
      "version) VALUES (?, ?, ?, ?, ?, ?, ?, ?)");
  bind_info(insert, info);
  insert.bind(kVersion).step();
  return database_.last_id();
}

std::optional<std::int64_t> Store::resume_run(const RunInfo& info) {
  Query find = database_.query(
      "SELECT id FROM runs WHERE kind = ? AND seed = ? AND space_hash = ? AND workload_hash = ? "
      "AND model_hash = ? AND rtl_hash = ? AND options = ? AND status != 'finished' "
      "ORDER BY id DESC LIMIT 1");
  bind_info(find, info);
  if (!find.step()) return std::nullopt;
  const std::int64_t run = find.integer(0);
  end_run(run, RunStatus::running);
  return run;
}

void Store::end_run(std::int64_t run, RunStatus status) {
  database_.query("UPDATE runs SET status = ? WHERE id = ?")
      .bind(std::string_view(to_string(status)))
      .bind(run)
      .step();
}

std::vector<Run> Store::runs() {
  Query rows = database_.query(
      "SELECT id, kind, seed, space_hash, workload_hash, model_hash, rtl_hash, options, created, "
      "version, status FROM runs ORDER BY id");
  std::vector<Run> out;
  while (rows.step()) out.push_back(read_run(rows, path_));
  return out;
}

std::optional<Evaluation> Store::find_evaluation(const Layer& layer, const DesignPoint& point,
                                                 Fidelity fidelity,
                                                 std::string_view evaluator_hash) {
  static const std::string sql =
      std::string(kEvaluationColumns) +
      "FROM points p JOIN evaluations e ON e.point = p.id WHERE p.layer = ? AND p.dim = ? AND "
      "p.accumulator_words = ? AND p.scratchpad_bytes = ? AND p.bus_bytes = ? AND p.mapping = ? "
      "AND e.fidelity = ? AND e.evaluator_hash = ?";
  Query find = database_.query(sql);
  bind_point(find, layer, point);
  find.bind(to_string(fidelity)).bind(evaluator_hash);
  if (!find.step()) return std::nullopt;
  return read_evaluation(find, path_);
}

void Store::count(std::int64_t run, std::int64_t evaluation) {
  database_
      .query("INSERT INTO run_evaluations (run, evaluation) VALUES (?, ?) ON CONFLICT DO NOTHING")
      .bind(run)
      .bind(evaluation)
      .step();
}

std::int64_t Store::insert(std::int64_t run, const Evaluation& evaluation) {
  // DO UPDATE without change: RETURNING yields the row that is there, too.
  Query point = database_.query(
      "INSERT INTO points (layer, dim, accumulator_words, scratchpad_bytes, bus_bytes, mapping) "
      "VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET id = id RETURNING id");
  bind_point(point, evaluation.layer, evaluation.point);
  point.step();
  Query row = database_.query(
      "INSERT INTO evaluations (point, run, fidelity, evaluator_hash, status, reason, cycles, "
      "energy_pj, area_mm2, counters, seconds, seed, rtl_hash, memory_hash) VALUES (?, ?, ?, ?, "
      "?, ?, nullif(?, 0), nullif(?, 0.0), nullif(?, 0.0), ?, ?, ?, ?, ?) "
      "ON CONFLICT (point, fidelity, evaluator_hash) DO UPDATE SET id = id RETURNING id");
  row.bind(point.integer(0))
      .bind(run)
      .bind(to_string(evaluation.fidelity))
      .bind(evaluation.evaluator_hash)
      .bind(evaluation.status)
      .bind(evaluation.reason)
      .bind(evaluation.cycles)
      .bind(evaluation.energy_pj)
      .bind(evaluation.area_mm2)
      .bind(evaluation.counters)
      .bind(evaluation.seconds)
      .bind(std::to_string(evaluation.seed))
      .bind(evaluation.rtl_hash)
      .bind(evaluation.memory_hash)
      .step();
  const std::int64_t id = row.integer(0);
  count(run, id);
  return id;
}

std::int64_t Store::record_evaluation(std::int64_t run, const Evaluation& evaluation) {
  Transaction transaction(database_);
  const std::int64_t id = insert(run, evaluation);
  transaction.commit();
  return id;
}

std::vector<std::int64_t> Store::record_evaluations(std::int64_t run,
                                                    const std::vector<Evaluation>& evaluations) {
  std::vector<std::int64_t> ids;
  Transaction transaction(database_);
  for (const Evaluation& evaluation : evaluations) ids.push_back(insert(run, evaluation));
  transaction.commit();
  return ids;
}

void Store::reuse_evaluations(std::int64_t run, std::span<const std::int64_t> evaluations) {
  if (evaluations.empty()) return;
  Transaction transaction(database_);
  for (const std::int64_t evaluation : evaluations) count(run, evaluation);
  transaction.commit();
}

std::vector<Evaluation> Store::evaluations(const EvaluationFilter& filter) {
  // Absent conditions are bound as values that match all rows.
  static const std::string tail =
      "WHERE (?1 = '' OR e.fidelity = ?1) AND (?2 = 0 OR e.evaluator_hash = ?3) AND "
      "(?4 = 0 OR e.status = 'ok') ";
  static const std::string of_all = std::string(kEvaluationColumns) +
                                    "FROM evaluations e JOIN points p ON p.id = e.point " + tail +
                                    "ORDER BY e.id";
  static const std::string of_run =
      std::string(kEvaluationColumns) +
      "FROM run_evaluations r JOIN evaluations e ON e.id = r.evaluation "
      "JOIN points p ON p.id = e.point " +
      tail + "AND r.run = ?5 ORDER BY r.id";
  Query rows = database_.query(filter.run ? of_run : of_all);
  rows.bind(filter.fidelity ? to_string(*filter.fidelity) : "")
      .bind(std::int64_t{filter.evaluator_hash.has_value()})
      .bind(filter.evaluator_hash.value_or(""))
      .bind(std::int64_t{filter.ok_only});
  if (filter.run) rows.bind(*filter.run);
  std::vector<Evaluation> out;
  while (rows.step()) out.push_back(read_evaluation(rows, path_));
  return out;
}

void Store::record_iteration(std::int64_t run, const Iteration& iteration) {
  database_
      .query(
          "INSERT INTO iterations (run, iteration, data) VALUES (?, ?, ?) "
          "ON CONFLICT DO UPDATE SET data = excluded.data")
      .bind(run)
      .bind(iteration.iteration)
      .bind(iteration.data)
      .step();
}

std::vector<Iteration> Store::iterations(std::int64_t run) {
  Query rows = database_.query(
      "SELECT rowid, iteration, data FROM iterations WHERE run = ? ORDER BY iteration");
  rows.bind(run);
  std::vector<Iteration> out;
  while (rows.step()) {
    RowReader row(rows, path_, "iterations");
    const std::int64_t number = row.integer(0);
    out.push_back({number, row.text()});
  }
  return out;
}

std::string Store::name_of(const Evaluation& evaluation) const {
  return path_ + ": evaluations row " + std::to_string(evaluation.id);
}

StoreTable Store::table(std::string_view sql, std::optional<std::int64_t> run) {
  const Transaction one_state(database_, OpenMode::read);
  if (run) {
    Query exists = database_.query("SELECT 1 FROM runs WHERE id = ?");
    if (!exists.bind(*run).step())
      throw Error::expected("the id of a run", std::to_string(*run), path_);
  }
  constexpr std::int64_t kAllRuns = -1;
  Query rows = database_.query(sql);
  rows.bind(run.value_or(kAllRuns));
  StoreTable out;
  for (int c = 0; c < rows.columns(); ++c) out.columns.push_back(rows.column_name(c));
  while (rows.step()) {
    auto& row = out.rows.emplace_back();
    for (int c = 0; c < rows.columns(); ++c) row.push_back(rows.value(c));
  }
  return out;
}

StoreTable Store::export_runs(std::optional<std::int64_t> run) {
  return table("SELECT * FROM runs WHERE ?1 IN (-1, id) ORDER BY id", run);
}

StoreTable Store::export_evaluations(std::optional<std::int64_t> run) {
  return table(
      "SELECT r.run AS run, e.id AS evaluation, e.run AS computed_by, p.layer, p.dim, "
      "p.accumulator_words, p.scratchpad_bytes, p.bus_bytes, p.mapping, e.fidelity, "
      "e.evaluator_hash, e.status, e.reason, e.cycles, e.energy_pj, e.area_mm2, e.counters, "
      "e.seconds, e.created, e.seed, e.rtl_hash, e.memory_hash "
      "FROM run_evaluations r JOIN evaluations e ON e.id = r.evaluation "
      "JOIN points p ON p.id = e.point WHERE ?1 IN (-1, r.run) ORDER BY r.id",
      run);
}

StoreTable Store::export_iterations(std::optional<std::int64_t> run) {
  return table(
      "SELECT run, iteration, data FROM iterations WHERE ?1 IN (-1, run) ORDER BY run, iteration",
      run);
}

}  // namespace polaris
