// Runs a launch: block after block, the threads of a block in turns.
#include <sys/mman.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <numeric>

#include "tests/simt/executor.hpp"

uint3 threadIdx, blockIdx;
dim3 blockDim, gridDim;

namespace simt {

Block block{};

namespace {

Thread* running = nullptr;

constexpr std::uintptr_t place_of(int line) { return static_cast<std::uintptr_t>(line); }

void run_thread() {
  fiber_entered();
  check_thread_start(*running);
  running->in_executor = false;
  block.launch->call->run();
  running->in_executor = true;
  thread_ends();
  running->fiber.exit();
}

void release_barrier() {
  if (block.at_barrier == 0 || block.at_barrier + block.done < block.size) return;
  int line = -1, count = 0;
  for (int i = 0; i < block.size; ++i) {
    const Thread& thread = block.threads[static_cast<std::size_t>(i)];
    if (thread.state != State::at_barrier) continue;
    count += thread.predicate;
    if (line < 0) line = thread.line;
    if (thread.line != line)
      report(Fault::barrier, place_of(thread.line),
             "divergent __syncthreads: thread %d waits at line %d, others at line %d", i,
             thread.line, line);
  }
  if (block.done > 0)
    report(Fault::barrier, place_of(line),
           "__syncthreads at line %d reached by %d threads; %d others had already returned", line,
           block.at_barrier, block.done);
  check_barrier();
  for (int i = 0; i < block.size; ++i) {
    Thread& thread = block.threads[static_cast<std::size_t>(i)];
    if (thread.state != State::at_barrier) continue;
    thread.state = State::ready;
    thread.count = count;
  }
  block.at_barrier = 0;
}

/// A thread that returned may have been the last that others waited for.
void release_after_exit(const Thread& gone) {
  release_barrier();
  const int first = gone.warp * kWarp;
  for (int i = first; i < std::min(first + kWarp, block.size); ++i) {
    const Thread& thread = block.threads[static_cast<std::size_t>(i)];
    if (thread.state == State::at_warp_op && complete_warp_op(gone.warp, thread.mask)) return;
  }
}

/// Runs thread `i` up to where it waits or ends; false where it cannot run.
bool step(int i) {
  Thread& thread = block.threads[static_cast<std::size_t>(i)];
  if (thread.state != State::ready || block.abandoned) return false;
  threadIdx = thread.id;
  running = &thread;
  if (block.program != nullptr)
    ptx::resume(thread);
  else
    thread.fiber.resume();
  running = nullptr;
  if (thread.state == State::done && !block.abandoned) release_after_exit(thread);
  return true;
}

/// Nobody can go on. A barrier alone never does that: it opens when all who have not returned are
/// there. So somebody waits for lanes of his warp.
void report_deadlock() {
  const auto waits = [](const Thread& thread) { return thread.state == State::at_warp_op; };
  const Thread& thread =
      *std::find_if(block.threads.begin(), block.threads.begin() + block.size, waits);
  const auto kernel = reinterpret_cast<std::uintptr_t>(block.launch->kernel);
  report(Fault::deadlock, kernel,
         "%s block %llu: thread %d waits at line %d for lanes of mask %08x; %d threads wait at "
         "__syncthreads, %d have returned",
         function_at(kernel).c_str(), static_cast<unsigned long long>(block.number), thread.linear,
         thread.line, thread.mask, block.at_barrier, block.done);
  block.abandoned = true;
}

std::vector<std::uint64_t> in_order(std::uint64_t count) {
  std::vector<std::uint64_t> out(count);
  std::iota(out.begin(), out.end(), std::uint64_t{0});
  if (order() == Order::backward) std::reverse(out.begin(), out.end());
  if (order() == Order::shuffled)
    for (std::uint64_t i = count; i > 1; --i) std::swap(out[i - 1], out[random_below(i)]);
  return out;
}

/// Each ready thread up to its next wait.
bool run_threads_in_turn() {
  bool progress = false;
  for (const std::uint64_t i : in_order(static_cast<std::uint64_t>(block.size)))
    progress |= step(static_cast<int>(i));
  return progress;
}

/// Each warp as far as it can go.
bool run_warps_ahead() {
  bool progress = false;
  for (const std::uint64_t w :
       in_order(static_cast<std::uint64_t>(block.size + kWarp - 1) / kWarp)) {
    const int first = static_cast<int>(w) * kWarp;
    for (bool moved = true; moved; progress |= moved) {
      moved = false;
      for (int i = first; i < std::min(first + kWarp, block.size); ++i) moved |= step(i);
    }
  }
  return progress;
}

void start_block(const Launch& launch, std::uint64_t number) {
  block.number = number;
  block.size = static_cast<int>(launch.block.x * launch.block.y * launch.block.z);
  block.at_barrier = block.done = 0;
  block.abandoned = false;
  const auto x = static_cast<unsigned>(number % launch.grid.x);
  const auto y = static_cast<unsigned>(number / launch.grid.x % launch.grid.y);
  const auto z = static_cast<unsigned>(number / launch.grid.x / launch.grid.y);
  blockIdx = {x, y, z};
  blockDim = launch.block;
  gridDim = launch.grid;
  constexpr std::size_t kAlign = 16;
  block.shared_end = shared_window() + kSharedWindowBytes;
  block.shared = block.shared_end - (launch.shared_bytes + kAlign - 1) / kAlign * kAlign;
  if (block.program != nullptr) {
    ptx::start_block();
  } else {
    std::memset(block.shared, kPoison, static_cast<std::size_t>(block.shared_end - block.shared));
    for (const Symbol& variable : shared_variables())
      std::memset(reinterpret_cast<void*>(variable.begin), kPoison, variable.end - variable.begin);
  }
  while (block.threads.size() < static_cast<std::size_t>(block.size)) block.threads.emplace_back();
  for (int i = 0; i < block.size; ++i) {
    Thread& thread = block.threads[static_cast<std::size_t>(i)];
    thread.linear = i;
    thread.lane = i % kWarp;
    thread.warp = i / kWarp;
    const auto linear = static_cast<unsigned>(i);
    thread.id = {linear % launch.block.x, linear / launch.block.x % launch.block.y,
                 linear / launch.block.x / launch.block.y};
    thread.state = State::ready;
    thread.in_executor = true;
    thread.uncommitted.clear();
    thread.committed.clear();
    if (block.program == nullptr) thread.fiber.start(run_thread);
  }
  check_block();
}

}  // namespace

Thread* current() { return running; }

void wait() { running->fiber.suspend(); }

void abandon() {
  block.abandoned = true;
  running->state = State::done;
  if (block.program != nullptr) throw ptx::Abandoned{};
  running->fiber.exit();
}

void thread_ends() {
  check_async_done(*running);
  running->state = State::done;
  ++block.done;
}

void arrive_at_barrier(int line, bool predicate) {
  Thread& thread = *running;
  thread.state = State::at_barrier;
  thread.line = line;
  thread.predicate = predicate;
  ++block.at_barrier;
  release_barrier();
}

int barrier(int line, bool predicate) {
  const InExecutor scope;
  arrive_at_barrier(line, predicate);
  // The last to arrive waits too: it has no right to run first.
  wait();
  return running->count;
}

void fence(FenceScope scope) {
  const InExecutor here;
  check_fence(*running, scope);
}

void trap(int line) {
  const InExecutor scope;
  report(Fault::trap, place_of(line), "__trap at line %d", line);
  abandon();
}

char* shared_window() {
  static char* const window = [] {
    void* const map = mmap(nullptr, kSharedWindowBytes + kPageBytes, PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (map == MAP_FAILED) std::abort();
    char* const begin = static_cast<char*>(map);
    if (mprotect(begin + kSharedWindowBytes, kPageBytes, PROT_NONE) != 0) std::abort();
    return begin;
  }();
  return window;
}

void* dynamic_shared() { return block.shared; }

cudaError_t run_kernel(const Launch& launch) {
  const std::size_t before = reports().size();
  const DeviceAccess access(launch.device);
  block.launch = &launch;
  ++block.launch_number;
  block.program = ptx::find_kernel(launch.kernel);
  check_launch();
  const std::uint64_t blocks = std::uint64_t{launch.grid.x} * launch.grid.y * launch.grid.z;
  for (const std::uint64_t number : in_order(blocks)) {
    start_block(launch, number);
    while (block.done < block.size && !block.abandoned)
      if (!(warps_run_ahead() ? run_warps_ahead() : run_threads_in_turn())) report_deadlock();
    if (block.abandoned) break;
  }
  return reports().size() == before ? cudaSuccess : failed(cudaErrorLaunchFailure);
}

}  // namespace simt
