-- A store as Polaris 0.1.0 wrote it: with a write-ahead log, and with what the machine failed at
-- under the same kind of key as other failures.
PRAGMA journal_mode = WAL;
PRAGMA application_id = 1347374145;
PRAGMA user_version = 1;

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

INSERT INTO runs (id, kind, seed, space_hash, workload_hash, model_hash, rtl_hash, version, options, status) VALUES
  (1, 'search', '18446744073709551615', 's', 'w', 'm', 'r', '0.1.0', '{}', 'finished');
INSERT INTO points (id, layer, dim, accumulator_words, scratchpad_bytes, bus_bytes, mapping) VALUES
  (1, 'R1 S1 P8 Q1 C32 K16 N1 stride 1 1 dilation 1 1', 4, 1024, 16384, 8,
   'L3[WIO] P2 - L2[WI] K4 K4X - L1[O] C8 C4X - L0[W] P4');
INSERT INTO evaluations (id, point, run, fidelity, evaluator_hash, status, reason, cycles, energy_pj, area_mm2, counters, seconds, created, seed, rtl_hash, memory_hash) VALUES
  (1, 1, 1, 'rtl', 'measured', 'ok', '', 1234, 5678.5, 0.5, '{"beats": 5}', 0.25, '2024-01-01T00:00:00Z', '7', 'r', 'm'),
  (2, 1, 1, 'rtl', 'stopped', 'cycle_limit', 'not finished after 1000 cycles', 1000, NULL, 0.5, '{}', 0.25, '2024-01-01T00:00:01Z', '7', 'r', 'm'),
  (3, 1, 1, 'rtl', 'failed', 'time_limit', 'no answer within the time limit', NULL, NULL, 0.5, '{}', 120.5, '2024-01-01T00:00:02Z', '7', 'r', 'm');
INSERT INTO run_evaluations (run, evaluation) VALUES (1, 1), (1, 2), (1, 3);
INSERT INTO iterations (run, iteration, data) VALUES (1, 0, '{"best_edp": null}');
