// Asynchronous copies (cp.async): carried out at the wait, not earlier.
#include <algorithm>
#include <cstring>

#include "cuda_pipeline.h"
#include "tests/simt/executor.hpp"

namespace simt {

void async_copy(void* target, const void* source, std::size_t bytes, std::size_t zeros,
                const void* pc) {
  const auto misplaced = [bytes](const void* address) {
    return reinterpret_cast<std::uintptr_t>(address) % bytes != 0;
  };
  if ((bytes != 4 && bytes != 8 && bytes != 16) || zeros > bytes || misplaced(target) ||
      misplaced(source))
    report(Fault::misaligned, reinterpret_cast<std::uintptr_t>(pc),
           "%s: asynchronous copy of %zu bytes from %p to %p",
           place_name(reinterpret_cast<std::uintptr_t>(pc)).c_str(), bytes, source, target);
  if (checking() && bytes > zeros) check_access(source, bytes - zeros, false, false, pc);
  const InExecutor scope;
  current()->uncommitted.push_back({target, source, bytes, zeros, pc});
}

void async_commit() {
  const InExecutor scope;
  Thread& thread = *current();
  thread.committed.push_back(std::move(thread.uncommitted));
  thread.uncommitted.clear();
}

void async_wait(std::size_t groups) {
  Thread& thread = *current();
  while (thread.committed.size() > groups) {
    for (const AsyncCopy& copy : thread.committed.front()) {
      if (checking()) check_access(copy.target, copy.bytes, true, false, copy.pc);
      const InExecutor scope;
      std::memcpy(copy.target, copy.source, copy.bytes - copy.zeros);
      std::memset(static_cast<char*>(copy.target) + copy.bytes - copy.zeros, 0, copy.zeros);
    }
    const InExecutor scope;
    thread.committed.pop_front();
  }
}

void check_async_done(const Thread& thread) {
  if (!thread.uncommitted.empty() || !thread.committed.empty())
    report(Fault::race, 0, "thread ends with asynchronous copies that it never waited for");
}

}  // namespace simt
