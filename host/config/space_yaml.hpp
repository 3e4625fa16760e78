// Design spaces from YAML files (models/zoo/spaces shows the form).
#pragma once

#include <filesystem>
#include <string>

#include "host/space/design_space.hpp"

namespace polaris {

/// Reads a design space: `polaris: 1`, `kind: space`, `name`, optional `source`,
///   hardware: {dim: [..], accumulator_kib: [..], scratchpad_kib: [..], bus_bytes: [..]}
/// with at most 16 different choices each, in any order,
///   memory: {latency, max_outstanding, burst_bytes, page_miss, scratchpad_banks}
/// where every absent key keeps the default of MemorySystem, and optional `max_area_mm2`.
/// Throws Error with file:line:column where anything is unknown, missing, repeated or outside of
/// what the accelerator in rtl/ is built for.
DesignSpace read_design_space(const std::filesystem::path& path);

/// Identity of a space: its choices, memory system and area limit (not its name).
std::string space_hash(const DesignSpace& space);

/// Identity of a memory system, part of what an RTL result depends on.
std::string memory_hash(const MemorySystem& memory);

}  // namespace polaris
