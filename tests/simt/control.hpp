// What a test tells the executor, and what it hears from it.
#pragma once

#include <cstddef>
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
  trap,           ///< the kernel called __trap, or runs PTX that cannot be interpreted
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

/// Number of emulated devices; 0: cudaErrorNoDevice. SIMT_DEVICES sets it at the start (default 1).
void set_device_count(int count);

/// Device memory of every emulated device, in bytes; what exceeds it gives
/// cudaErrorMemoryAllocation. SIMT_MEMORY sets it at the start (default 1 GiB).
void set_memory_limit(std::size_t bytes);

/// Most bytes that were allocated on one device at a time since the last call.
std::size_t take_peak_memory();

/// From now on SIMT_PROFILE counts launches apart from others, as "KERNEL LABEL"; with an empty
/// label as "KERNEL".
void set_profile_label(const std::string& label);

/// NVTX ranges of the calling program in the order they were opened, and how many were open
/// around each. A range closed out of order is a report.
struct Range {
  std::string name;
  int depth;
};
const std::vector<Range>& ranges();
void clear_ranges();

/// True where every access of a kernel is checked: in the builds whose kernels are instrumented,
/// and with SIMT_PTX_CHECK=1.
bool checking();
/// True where kernels run from nvcc's PTX (SIMT_PTX).
bool interpreting();

}  // namespace simt
