// How the RTL tests simulate: from the repository's sources, built simulators in the build folder.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>

#include "host/rtl/scheduler.hpp"

namespace polaris::test {

inline RtlSchedulerOptions simulation() {
  RtlSchedulerOptions options;
  options.cache_dir = POLARIS_RTL_CACHE;
  options.rtl_dir = POLARIS_RTL_SOURCES;
  return options;
}

/// With the RTL's assertions on. POLARIS_RTL_WORKERS names a folder of simulators built elsewhere,
/// dimN for each array size: of mutated RTL, or with coverage.
inline RtlSchedulerOptions checked_simulation() {
  RtlSchedulerOptions options = simulation();
  options.assertions = true;
  if (const char* folder = std::getenv("POLARIS_RTL_WORKERS"))
    options.worker_for = [folder](int dim) {
      return std::filesystem::path(folder) / ("dim" + std::to_string(dim));
    };
  return options;
}

}  // namespace polaris::test
