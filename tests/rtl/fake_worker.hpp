// Simulation workers made of shell scripts, in a temporary folder.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "host/rtl/rtl_types.hpp"
#include "tests/temporary_folder.hpp"

namespace polaris::test {

/// A temporary folder of shell scripts.
class ScriptFolder : public TemporaryFolder {
 public:
  /// Executable shell script.
  std::filesystem::path script(const std::string& name, const std::string& body) const {
    const std::filesystem::path file = path() / name;
    std::ofstream(file) << "#!/bin/sh\n" << body;
    std::filesystem::permissions(file, std::filesystem::perms::owner_all);
    return file;
  }
};

/// Body of a worker for `dim` that answers every request by the shell commands `answer`.
inline std::string fake_worker(int dim, const std::string& answer) {
  return fmt::format("echo polaris-rtl-worker 1 {}\nwhile read request; do\n{}\ndone\n", dim,
                     answer);
}

/// Answer of a run: 100 cycles, counter i = 100 + i.
inline std::string done(int finished, int errors, int mismatches) {
  std::string line =
      fmt::format("echo done {} {} {} {}", finished, errors, mismatches, kRtlCounterFields.size());
  for (std::size_t i = 0; i < kRtlCounterFields.size(); ++i) line += fmt::format(" {}", 100 + i);
  return line;
}

/// A job of `macs` multiplications on arrays of `dim`.
inline RtlJob tiny_job(int dim, std::int32_t macs = 4) {
  RtlJob job;
  job.layer.size[index_of(Dim::P)] = macs;
  job.point.mapping.temporal[index_of(Level::dram)][index_of(Dim::P)] = macs;
  job.point.hardware = {dim, 16, 1024, 8};
  return job;
}

}  // namespace polaris::test
