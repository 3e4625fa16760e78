// Stand-in for the toolkit's header of this name: asynchronous copies from global to shared memory.
// A copy is done as late as CUDA allows, at the wait: where the wait is missing, its target still
// holds poison.
#pragma once

#include <cstddef>

namespace simt {
void async_copy(void* target, const void* source, std::size_t bytes, std::size_t zeros,
                const void* pc);
void async_commit();
void async_wait(std::size_t groups);
}  // namespace simt

/// 4, 8 or 16 bytes, both pointers aligned to that; the last `zeros` of them are set to zero.
__attribute__((noinline)) inline void __pipeline_memcpy_async(void* target, const void* source,
                                                              std::size_t bytes,
                                                              std::size_t zeros = 0) {
  simt::async_copy(target, source, bytes, zeros, __builtin_return_address(0));
}
inline void __pipeline_commit() { simt::async_commit(); }
/// Waits for all but the last `groups` groups committed by the calling thread.
inline void __pipeline_wait_prior(std::size_t groups) { simt::async_wait(groups); }
