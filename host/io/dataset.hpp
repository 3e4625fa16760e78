// Design points from rows of the public Gemmini and Timeloop data (columns: spec analytical-model
// section 2; published with DOSA, Hong et al., MICRO 2023).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "host/io/table.hpp"
#include "models/space/hardware.hpp"
#include "models/space/layer.hpp"
#include "models/space/mapping.hpp"

namespace polaris {

/// One row. Where `error` is not empty, the other fields may be used for nothing.
struct DatasetRow {
  Layer layer;
  HardwareConfig hardware;  ///< bus of 8 bytes
  Mapping mapping;
  std::string error;  ///< why the row is no valid design point; empty: it is one
};

/// Where a row's array size stands. The RTL training file's arch columns are a dummy array.
enum class ArraySize : std::uint8_t {
  from_columns,  ///< arch.meshX
  from_mapping   ///< smallest power of two >= Cx, Kx and 4
};

/// One DatasetRow per table row, in order. Every point returned without error fulfils the
/// preconditions of evaluate_analytical: sizes >= 1, factors that multiply to the layer's sizes,
/// counts below 2^63, and `check_words`. Throws Error naming the first missing column; a bad row
/// throws nothing. The result does not depend on `threads` (0: all cores).
std::vector<DatasetRow> read_design_points(const Table& table, ArraySize array_size,
                                           int threads = 1);

}  // namespace polaris
