// One SQLite file that holds runs, design points and their evaluations with provenance.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "host/store/sqlite.hpp"
#include "models/space/layer_space.hpp"

namespace polaris {

enum class Fidelity : std::uint8_t { analytical, starlight, rtl };

const char* to_string(Fidelity fidelity);

/// What determines a run: two runs with equal fields compute the same.
struct RunInfo {
  std::string kind;  ///< sub-command: "search", "sweep", ...
  std::uint64_t seed = 0;
  std::string space_hash;      ///< host/config/space_yaml.hpp
  std::string workload_hash;   ///< host/config/workload_yaml.hpp
  std::string model_hash;      ///< of the pre-trained Starlight model; "" where none is used
  std::string rtl_hash;        ///< of the accelerator's sources and build; "" where none is used
  std::string options = "{}";  ///< JSON: the options that change results (not threads, not paths)
};

/// How far a run came. All but a finished one can be resumed.
enum class RunStatus : std::uint8_t {
  running,      ///< or killed
  finished,     ///< with the whole answer
  interrupted,  ///< on request
  failed        ///< without an answer, or with most of its evaluations lost
};

const char* to_string(RunStatus status);

struct Run {
  std::int64_t id = 0;
  RunInfo info;
  std::string created;  ///< UTC, ISO 8601
  std::string version;  ///< of the program that began it
  RunStatus status = RunStatus::running;
};

/// Result of one evaluator for one design point. `status` is "ok" or the evaluator's name of its
/// failure; quantities that are not known are 0. None is negative.
struct Evaluation {
  std::int64_t id = 0;  ///< set by the store
  Layer layer;
  DesignPoint point;
  Fidelity fidelity = Fidelity::analytical;
  /// Hash of all that the result depends on besides the point: sources, memory system, budget
  /// where a run was cut off by it. At most one evaluation is kept per (point, fidelity, this).
  std::string evaluator_hash;
  std::string status = "ok";
  std::string reason;  ///< of a failure, one line
  std::int64_t cycles = 0;
  double energy_pj = 0.0;
  double area_mm2 = 0.0;
  std::string counters = "{}";  ///< JSON: activity counters, itemised energy
  double seconds = 0.0;         ///< wall time of the evaluation
  std::uint64_t seed = 0;       ///< of the test data
  std::string rtl_hash;
  std::string memory_hash;
  std::string created;  ///< UTC, ISO 8601, set by the store
};

/// Selects evaluations; absent fields select all.
struct EvaluationFilter {
  std::optional<std::int64_t> run = {};  ///< recorded or reused by this run
  std::optional<Fidelity> fidelity = {};
  std::optional<std::string> evaluator_hash = {};
  bool ok_only = false;
};

struct Iteration {
  std::int64_t iteration = 0;
  std::string data;  ///< JSON
};

/// Rows for export.
struct StoreTable {
  std::vector<std::string> columns;
  std::vector<std::vector<SqlValue>> rows;
};

/// Every call is one transaction: after it returns, its effect survives a kill and a power cut;
/// killed before, it has none. Calls throw Failure with SQLite's text where the disk is full or
/// fails, and Error naming table, row and column where the file holds what no store can: every
/// field is checked before it is used. Not for use from two threads at once; several processes may
/// share a file.
class Store {
 public:
  /// Opens `path`. Throws Error where it cannot be opened, or is not a Polaris store of this schema
  /// version. Files of earlier programs, which kept a write-ahead log beside them, are opened too.
  Store(const std::filesystem::path& path, OpenMode mode);

  std::int64_t begin_run(const RunInfo& info);
  /// Latest run equal to `info` that is not finished; it counts as running again.
  std::optional<std::int64_t> resume_run(const RunInfo& info);
  /// Says how the run ended.
  void end_run(std::int64_t run, RunStatus status);
  /// All runs, oldest first.
  std::vector<Run> runs();

  std::optional<Evaluation> find_evaluation(const Layer& layer, const DesignPoint& point,
                                            Fidelity fidelity, std::string_view evaluator_hash);
  /// Keeps `evaluation` (id and created are ignored) and counts it to `run`; where an evaluation of
  /// the same (point, fidelity, evaluator hash) is there, that one is kept and counted. Returns its
  /// id.
  std::int64_t record_evaluation(std::int64_t run, const Evaluation& evaluation);
  /// As above for many, in one transaction: all or none.
  std::vector<std::int64_t> record_evaluations(std::int64_t run,
                                               const std::vector<Evaluation>& evaluations);
  /// Counts evaluations found in the store to `run`, in one transaction.
  void reuse_evaluations(std::int64_t run, std::span<const std::int64_t> evaluations);
  /// In the order in which they were recorded, of a run: counted to it.
  std::vector<Evaluation> evaluations(const EvaluationFilter& filter);

  /// Keeps the state after an iteration, replacing an earlier one of the same number.
  void record_iteration(std::int64_t run, const Iteration& iteration);
  /// Ascending.
  std::vector<Iteration> iterations(std::int64_t run);

  /// "FILE: evaluations row N", for errors about what an evaluation holds.
  std::string name_of(const Evaluation& evaluation) const;

  /// All columns for export, of one run or of all. Throws Error where `run` does not exist.
  StoreTable export_runs(std::optional<std::int64_t> run);
  StoreTable export_evaluations(std::optional<std::int64_t> run);
  StoreTable export_iterations(std::optional<std::int64_t> run);

 private:
  void check_or_create(OpenMode mode);
  std::int64_t insert(std::int64_t run, const Evaluation& evaluation);
  void count(std::int64_t run, std::int64_t evaluation);
  StoreTable table(std::string_view sql, std::optional<std::int64_t> run);

  std::string path_;
  Database database_;
};

}  // namespace polaris
