// What a test tells the executor, and what it hears from it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace simt {

/// What a report accuses the program of.
enum class Fault {
  race,           ///< two unordered accesses to one word, one of them a write
  out_of_bounds,  ///< outside an allocation, a shared array or a declared dimension
  uninitialised,  ///< read of memory that nothing has written
  host_memory,    ///< a kernel that touches host memory, or a host that touches device memory
  misaligned,     ///< address not a multiple of the access's size
  arithmetic,     ///< signed overflow, shift out of range, division by zero
  barrier,        ///< __syncthreads not reached by the whole block at one place
  warp,           ///< a lane outside its mask, or lanes at different operations
  deadlock,       ///< every thread waits
  api             ///< wrong use of the runtime API
};

struct Report {
  Fault fault;
  std::string text;  ///< one line: place, what, kernel, block and thread
};

/// Faults found since the last clear, each place once. Each is printed to stderr as it is found.
const std::vector<Report>& reports();
void clear_reports();

/// Chooses the schedule: order of blocks, threads and streams. The environment variable SIMT_SEED
/// sets it at the start (default 0).
void set_seed(std::uint64_t seed);

/// True in the builds whose kernels are instrumented for the checker.
bool checking();

}  // namespace simt
