// What the executor's parts know of each other.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "simt/runtime.hpp"
#include "tests/simt/control.hpp"
#include "tests/simt/fiber.hpp"

namespace simt {

namespace ptx {
struct Kernel;
}

inline constexpr int kWarp = 32;
inline constexpr std::size_t kDefaultSharedBytes = 48 * 1024;  ///< a launch may use unasked
/// A launch may use after an opt-in: 163 KiB, as on the smallest device of interest (sm_80).
inline constexpr std::size_t kMaxSharedBytes = 163 * 1024;
/// Address space for shared memory: room for gaps between variables.
inline constexpr std::size_t kSharedWindowBytes = 256 * 1024;
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

/// A copy by cp.async that has been issued and not been waited for.
struct AsyncCopy {
  void* target;
  const void* source;
  std::size_t bytes, zeros;  ///< the last `zeros` bytes are not copied but set to zero
  const void* pc;
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
  Clock released;    ///< as it was at the last fence; segment 0: none yet
  FenceScope scope;  ///< of that fence
  std::vector<AsyncCopy> uncommitted;
  std::deque<std::vector<AsyncCopy>> committed;
  bool in_executor;  ///< runs the executor's code, not the kernel's
};

/// The running block; there is one at a time.
struct Block {
  const Launch* launch;
  std::uint64_t launch_number;  ///< launches so far
  const ptx::Kernel* program;   ///< interpreted instead of the launch's function; null: not
  std::uint64_t number;
  std::deque<Thread> threads;  ///< the first `size` are in use; stacks are kept for later blocks
  int size;
  int at_barrier, done;
  bool abandoned;    ///< after a fault that cannot be continued from
  char* shared;      ///< dynamic shared memory, in the window that ends at a guard page
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
/// Take the running thread to a barrier or a warp operation, without suspending it. False where it
/// must not wait, because it does not belong there.
void arrive_at_barrier(int line, bool predicate);
bool arrive_at_warp_op(WarpOp op, unsigned mask, std::uint64_t value, int argument, int width,
                       int line);
/// The running thread has returned.
void thread_ends();
/// Ends the running thread and abandons its block.
[[noreturn]] void abandon();

/// Completes the warp operation that all lanes of `mask` wait at, if they do.
bool complete_warp_op(int warp, unsigned mask);

/// Completes a warp matrix product (matrix.cpp).
void multiply_fragments(int warp, unsigned lanes);

cudaError_t run_kernel(const Launch& launch);
/// Begin of the address space for shared memory.
char* shared_window();

// schedule.cpp: the adversary's choices
enum class Order : std::uint8_t { forward, backward, shuffled };
Order order();  ///< of blocks, and of the threads or warps of a block
/// One warp runs as far ahead as it can before the next one moves.
bool warps_run_ahead();
std::uint64_t random_below(std::uint64_t bound);
std::uint64_t seed();

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
std::string mangled_name(std::uintptr_t address);  ///< of the function that begins there, or empty
/// file:line of the call that returns to `address`, or the function's name without debug lines.
const std::string& source_line(std::uintptr_t address);
/// Readable, without the executor's tag and unnamed namespaces.
std::string demangled(const char* name);
/// Where the running launch does what has this pc: a line of the source or of the PTX.
std::string place_name(std::uintptr_t pc);

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
  int device = 0;
};
Region make_region(std::uintptr_t begin, std::size_t bytes, std::string name);
bool in_device_memory(std::uintptr_t address);
/// The device allocation that begins last at or before `address`, freed ones too; null if none.
Region* allocation_before(std::uintptr_t address);
/// While one lives, memory of one device or of all may be touched; at other times that faults.
class DeviceAccess {
 public:
  static constexpr int kAllDevices = -1;
  explicit DeviceAccess(int device = kAllDevices);
  ~DeviceAccess();
  DeviceAccess(const DeviceAccess&) = delete;
  DeviceAccess& operator=(const DeviceAccess&) = delete;
};
std::size_t memory_limit();
/// Whether [address, address + bytes) lies in one live allocation; reports where it does not.
bool check_range(const char* call, const void* address, std::size_t bytes);

// fault.cpp
/// Turns a kernel's memory fault into a report and a failed launch.
void install_fault_handler();

// device.cpp
int current_device();
int device_count();
/// Remembers an error for cudaGetLastError and hands it on.
cudaError_t failed(cudaError_t error);

// stream.cpp, graph.cpp
/// One host thread at a time is inside the executor.
class Entered {
 public:
  Entered();

 private:
  std::lock_guard<std::recursive_mutex> lock_;
};
/// A piece of work as graphs keep it: the kernel tells whether an update may replace it.
struct Work {
  std::function<cudaError_t()> run;
  const void* kernel = nullptr;
};
struct Node {
  Work work;
  std::vector<int> after;
};
struct Graph {
  Stream* origin;
  std::vector<Node> nodes;
  bool broken;  ///< by a call that a capture does not allow
};
struct Event {
  std::uint64_t recorded, done;  ///< how often
  Graph* capture;                ///< not null: last recorded inside this capture, after `nodes`
  std::vector<int> nodes;
};
struct Stream {
  struct Item {
    Work work;
    const Event* awaited = nullptr;
    std::uint64_t times = 0;  ///< the event has to have been done
  };
  int device;
  std::deque<Item> queue;
  Graph* capture;
  std::vector<int> tail;  ///< nodes that the next one captured follows
};
/// The stream behind a handle: null stands for the default stream of the current device.
Stream& stream_of(cudaStream_t stream);
const std::vector<Stream*>& all_streams();
/// Queues work; it runs when somebody waits for it. During a capture it becomes a node instead.
cudaError_t push(cudaStream_t stream, Work work);
/// Runs queued work of any stream until `stream` is idle, or all are (null).
cudaError_t drain(const Stream* stream);
/// Runs one piece of queued work, any that may run.
cudaError_t run_one();
/// Calls that wait are not allowed while a stream is capturing: they break the capture.
bool refuse_in_capture();

// checker.cpp; all of them do nothing unless checking()
void check_launch();
void check_block();
void check_thread_start(Thread& thread);
void check_barrier();
void check_syncwarp(int warp, unsigned lanes);
void check_fence(Thread& thread, FenceScope scope);
void check_host_write(void* address, std::size_t bytes);
void check_host_copy(void* target, const void* source, std::size_t bytes);
/// Counts every word of device memory that no longer holds poison as written.
void check_foreign_writes();
/// An access of the running thread. on_access() is for the compiler's call-backs, which come from
/// code of the executor, too; check_access() for the executor acting on behalf of the kernel.
void on_access(const void* address, std::size_t bytes, bool write, const void* pc);
void check_access(const void* address, std::size_t bytes, bool write, bool atomic, const void* pc);
/// Reports asynchronous copies that the ending thread has not waited for.
void check_async_done(const Thread& thread);

// ptx_run.cpp
namespace ptx {
/// The interpreted twin of a kernel; null where SIMT_PTX names no file that holds it.
struct Abandoned {};  ///< thrown by abandon(): an interpreted thread has no stack of its own
const Kernel* find_kernel(const void* function);
void start_block();                      ///< of block.program
void resume(Thread& thread);             ///< up to where it waits or ends
std::vector<Symbol> shared_variables();  ///< of the running block, ascending
std::string place_name(std::uintptr_t pc);
}  // namespace ptx

}  // namespace simt
