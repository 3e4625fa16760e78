// What the executor's parts know of each other.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <vector>

#include "simt/control.hpp"
#include "simt/runtime.hpp"
#include "tests/simt/fiber.hpp"

namespace simt {

inline constexpr int kWarp = 32;
inline constexpr std::size_t kMaxSharedBytes = 48 * 1024;  ///< without an opt-in, on every device
inline constexpr std::size_t kPageBytes = 4096;
/// Memory that nothing has written: a NaN, a huge index, an address that faults.
inline constexpr int kPoison = 0xFF;

enum class State : std::uint8_t { ready, at_barrier, at_warp_op, done };

/// Happens-before clocks of one thread (checker.cpp).
struct Clock {
  std::uint32_t segment;      ///< stretch of code without synchronisation, numbered through
  std::uint32_t barriers;     ///< block barriers passed
  std::uint32_t lane[kWarp];  ///< vector clock over the lanes of the warp
};

/// One CUDA thread.
struct Thread {
  Fiber fiber;
  State state;
  uint3 id;
  int linear, lane, warp;
  int line;  ///< of the barrier or warp operation it waits at
  int predicate, count;
  WarpOp op;
  unsigned mask;
  std::uint64_t value, result;
  int argument, width;
  Clock clock;
  bool in_executor;  ///< runs the executor's code, not the kernel's
};

/// The running block; there is one at a time.
struct Block {
  const Launch* launch;
  std::uint64_t number;
  std::deque<Thread> threads;  ///< the first `size` are in use; stacks are kept for later blocks
  int size;
  int at_barrier, done;
  bool abandoned;    ///< after a fault that cannot be continued from
  char* shared;      ///< dynamic shared memory
  char* shared_end;  ///< its end, rounded up to 16; the page behind it faults
};
extern Block block;

/// The running thread; null on the host.
Thread* current();
/// While it lives, the running thread's accesses are the executor's and go unchecked. Needed
/// because the executor shares inline functions of the standard library with the kernels' files,
/// and the linker keeps one copy: the instrumented one.
class InExecutor {
 public:
  InExecutor() : thread_(current()), before_(thread_ != nullptr && thread_->in_executor) {
    if (thread_ != nullptr) thread_->in_executor = true;
  }
  ~InExecutor() {
    if (thread_ != nullptr) thread_->in_executor = before_;
  }
  InExecutor(const InExecutor&) = delete;
  InExecutor& operator=(const InExecutor&) = delete;

 private:
  Thread* thread_;
  bool before_;
};

/// Suspends the running thread.
void wait();
/// Ends the running thread and abandons its block.
[[noreturn]] void abandon();

/// Completes the warp operation that all lanes of `mask` wait at, if they do.
bool complete_warp_op(int warp, unsigned mask);

cudaError_t run_kernel(const Launch& launch);

// schedule.cpp: the adversary's choices
enum class Order : std::uint8_t { forward, backward, shuffled };
Order order();  ///< of blocks, and of the threads or warps of a block
/// One warp runs as far ahead as it can before the next one moves.
bool warps_run_ahead();
std::uint64_t random_below(std::uint64_t bound);

// report.cpp
/// Records a fault; `place` (an address or a line) makes it the same as an earlier one.
void report(Fault fault, std::uintptr_t place, const char* format, ...)
    __attribute__((format(printf, 3, 4)));

// symbols.cpp: the program's own symbol table
struct Symbol {
  std::uintptr_t begin, end;
  std::string name;
};
const std::vector<Symbol>& shared_variables();  ///< ascending
std::string function_at(std::uintptr_t address);
/// file:line of the call that returns to `address`, or the function's name without debug lines.
const std::string& source_line(std::uintptr_t address);

// memory.cpp
/// What the checker remembers of one word (checker.cpp).
struct Cell {
  std::uint32_t writer;     ///< segment of the last write, 0: none
  std::uint32_t reader[2];  ///< segments of two reads since then
  std::uintptr_t write_pc, read_pc;
  std::uint8_t initialised;  ///< masks over the word's bytes
  std::uint8_t written, read;
  bool atomic;  ///< the last write was
};

/// Memory with bounds and a name.
struct Region {
  std::uintptr_t begin, end;
  std::string name;
  bool live;
  std::vector<Cell> cells;  ///< one per word from `begin`; empty unless checking()
};
Region make_region(std::uintptr_t begin, std::size_t bytes, std::string name);
bool in_device_memory(std::uintptr_t address);
/// The device allocation that begins last at or before `address`, freed ones too; null if none.
Region* allocation_before(std::uintptr_t address);
/// While one lives, device memory may be touched; at other times that faults.
class DeviceAccess {
 public:
  DeviceAccess();
  ~DeviceAccess();
  DeviceAccess(const DeviceAccess&) = delete;
  DeviceAccess& operator=(const DeviceAccess&) = delete;
};

// fault.cpp
/// Turns a kernel's memory fault into a report and a failed launch.
void install_fault_handler();

// stream.cpp
/// Queues work; it runs when somebody waits for it.
void push(cudaStream_t stream, std::function<cudaError_t()> work);
/// Runs queued work of any stream until `stream` is idle, or all are (null).
cudaError_t drain(const Stream* stream);
Stream* null_stream();
/// Remembers an error for cudaGetLastError and hands it on.
cudaError_t failed(cudaError_t error);

// checker.cpp; all of them do nothing unless checking()
void check_launch();
void check_block();
void check_thread_start(Thread& thread);
void check_barrier();
void check_syncwarp(int warp, unsigned lanes);
void check_host_write(void* address, std::size_t bytes);
void check_access(const void* address, std::size_t bytes, bool write, bool atomic, const void* pc);

}  // namespace simt
