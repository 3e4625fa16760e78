// Tables of a store, version 1.
#pragma once

#include <cstdint>

namespace polaris {

inline constexpr std::int64_t kStoreApplicationId = 0x504F4C41;  // "POLA", in the file's header
inline constexpr std::int64_t kStoreSchemaVersion = 1;

// 64-bit unsigned seeds are text: SQLite's integers are signed.
inline constexpr char kStoreSchema[] = R"sql(
CREATE TABLE runs (
  id INTEGER PRIMARY KEY,
  kind TEXT NOT NULL,
  created TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%SZ', 'now')),
  seed TEXT NOT NULL,
  space_hash TEXT NOT NULL,
  workload_hash TEXT NOT NULL,
  model_hash TEXT NOT NULL,
  rtl_hash TEXT NOT NULL,
  version TEXT NOT NULL,
  options TEXT NOT NULL CHECK (json_valid(options)),
  status TEXT NOT NULL DEFAULT 'running'
) STRICT;

-- layer: format_layer; mapping: format_mapping.
CREATE TABLE points (
  id INTEGER PRIMARY KEY,
  layer TEXT NOT NULL,
  dim INTEGER NOT NULL,
  accumulator_words INTEGER NOT NULL,
  scratchpad_bytes INTEGER NOT NULL,
  bus_bytes INTEGER NOT NULL,
  mapping TEXT NOT NULL,
  UNIQUE (layer, dim, accumulator_words, scratchpad_bytes, bus_bytes, mapping)
) STRICT;

-- run: the one that computed it. Quantities that are not known are NULL.
CREATE TABLE evaluations (
  id INTEGER PRIMARY KEY,
  point INTEGER NOT NULL REFERENCES points,
  run INTEGER NOT NULL REFERENCES runs,
  fidelity TEXT NOT NULL,
  evaluator_hash TEXT NOT NULL,
  status TEXT NOT NULL,
  reason TEXT NOT NULL,
  cycles INTEGER,
  energy_pj REAL,
  area_mm2 REAL,
  counters TEXT NOT NULL CHECK (json_valid(counters)),
  seconds REAL NOT NULL,
  created TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%SZ', 'now')),
  seed TEXT NOT NULL,
  rtl_hash TEXT NOT NULL,
  memory_hash TEXT NOT NULL,
  UNIQUE (point, fidelity, evaluator_hash)
) STRICT;

-- Which evaluations a run used, its own and reused ones, in order of id.
CREATE TABLE run_evaluations (
  id INTEGER PRIMARY KEY,
  run INTEGER NOT NULL REFERENCES runs,
  evaluation INTEGER NOT NULL REFERENCES evaluations,
  UNIQUE (run, evaluation)
) STRICT;

CREATE TABLE iterations (
  run INTEGER NOT NULL REFERENCES runs,
  iteration INTEGER NOT NULL,
  data TEXT NOT NULL CHECK (json_valid(data)),
  PRIMARY KEY (run, iteration)
) STRICT;
)sql";

/// Counts the tables above in a file.
inline constexpr char kStoreTablesPresent[] =
    "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name IN ('runs', 'points', "
    "'evaluations', 'run_evaluations', 'iterations')";
inline constexpr std::int64_t kStoreTables = 5;

}  // namespace polaris
