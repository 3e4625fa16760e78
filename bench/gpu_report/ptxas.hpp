// What `ptxas -v` says of the kernels of a PTX file.
#pragma once

#include <map>
#include <string>

namespace polaris::gpu_report {

struct Resources {
  int registers = 0;  ///< per thread
  int spill_bytes = 0, stack_bytes = 0, shared_bytes = 0;
};

/// Adds the kernels of one text, by demangled name without parameters. Throws std::runtime_error
/// for a text that is not of ptxas.
void read_ptxas(const std::string& path, std::map<std::string, Resources>& kernels);

}  // namespace polaris::gpu_report
