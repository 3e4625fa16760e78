// What this machine can do at most, measured, and who it is.
#pragma once

#include <functional>
#include <string>

namespace polaris {

/// Items per second of `threads` threads that work at once, each for at least `seconds` after a
/// first call that does not count. `make()` gives a thread its work: a function that returns how
/// many items one call did. Throws Failure once an interrupt came.
double parallel_rate(int threads, double seconds,
                     const std::function<std::function<double()>()>& make);

struct MachinePeaks {
  std::string cpu;           ///< model name as the operating system has it
  std::string instructions;  ///< set that the engine uses
  int threads;
  double multiply_add_flops;  ///< float32 operations/s of multiply-adds that never leave registers
  double gemm_flops;          ///< of Eigen's product of square matrices, one product a thread
  double copy_bytes;          ///< bytes/s read and written by copying memory
};

MachinePeaks measure_machine(int threads, double seconds);

}  // namespace polaris
