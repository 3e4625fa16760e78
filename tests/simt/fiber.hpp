// A call stack of its own for every kernel thread, switched to and from at barriers.
#pragma once

#include <cstddef>
#include <cstdint>

namespace simt {

class Fiber {
 public:
  Fiber() = default;
  ~Fiber();
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;

  /// The next resume() calls `entry` on a fresh stack. `entry` must end in exit().
  void start(void (*entry)());
  /// Scheduler to fiber: returns when the fiber suspends or exits.
  void resume();
  /// Fiber to scheduler: returns at the next resume().
  void suspend();
  /// Fiber to scheduler for good.
  [[noreturn]] void exit();

  bool owns(std::uintptr_t address) const {
    return address - reinterpret_cast<std::uintptr_t>(stack_) < kStackBytes;
  }
  /// `address` lies in the page below the stack: the kernel needs more than the stack holds.
  bool overflowed(std::uintptr_t address) const {
    return reinterpret_cast<std::uintptr_t>(stack_) - 1 - address < kGuardBytes;
  }

 private:
  static constexpr std::size_t kGuardBytes = 4096;
  static constexpr std::size_t kStackBytes = 64 * 1024;

  void* stack_pointer_ = nullptr;
  char* stack_ = nullptr;  ///< above a guard page
  void* sanitizer_stack_ = nullptr;
};

/// To be called first thing on a fresh fiber stack.
void fiber_entered();

}  // namespace simt
