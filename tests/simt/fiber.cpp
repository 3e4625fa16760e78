#include "tests/simt/fiber.hpp"

#include <sys/mman.h>

#include <cstdlib>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

#if !defined(__x86_64__)
#error "the stack switch below is written for x86-64"
#endif

// simt_switch(void** save, void* load): stores the callee-saved registers on this stack and its
// pointer in *save, then continues where the stack `load` was left. Our own because ucontext makes
// two system calls a switch (180 ns against 9 ns), and a block of 256 threads switches 256 times a
// barrier. Pop and jump, not ret: a return to an address that no call has pushed is mispredicted.
asm(R"(
.text
.globl simt_switch
.type simt_switch,@function
simt_switch:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp,(%rdi)
  movq %rsi,%rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  popq %rdx
  jmp *%rdx
.size simt_switch,.-simt_switch
)");
extern "C" void simt_switch(void** save, void* load);

namespace simt {
namespace {

constexpr int kSavedRegisters = 6;

void* scheduler_stack_pointer = nullptr;

// AddressSanitizer has to be told of every change of stack.
#if defined(__SANITIZE_ADDRESS__)
const void* scheduler_stack = nullptr;
std::size_t scheduler_stack_bytes = 0;
void start_switch(void** save, const void* stack, std::size_t bytes) {
  __sanitizer_start_switch_fiber(save, stack, bytes);
}
void finish_switch(void* saved, bool on_fiber) {
  if (on_fiber)
    __sanitizer_finish_switch_fiber(saved, &scheduler_stack, &scheduler_stack_bytes);
  else
    __sanitizer_finish_switch_fiber(saved, nullptr, nullptr);
}
void forget_frames(void* stack, std::size_t bytes) { __asan_unpoison_memory_region(stack, bytes); }
#else
const void* const scheduler_stack = nullptr;
constexpr std::size_t scheduler_stack_bytes = 0;
void start_switch(void**, const void*, std::size_t) {}
void finish_switch(void*, bool) {}
void forget_frames(void*, std::size_t) {}
#endif

}  // namespace

Fiber::~Fiber() {
  if (stack_ != nullptr) munmap(stack_ - kGuardBytes, kStackBytes + kGuardBytes);
}

void Fiber::start(void (*entry)()) {
  if (stack_ == nullptr) {
    void* const map = mmap(nullptr, kStackBytes + kGuardBytes, PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (map == MAP_FAILED || mprotect(map, kGuardBytes, PROT_NONE) != 0) std::abort();
    stack_ = static_cast<char*>(map) + kGuardBytes;
  }
  forget_frames(stack_, kStackBytes);
  // As simt_switch leaves a stack: registers below the address to continue at. The null above it
  // stands for entry's return address and keeps the stack aligned as after a call.
  void** top = reinterpret_cast<void**>(stack_ + kStackBytes);
  *--top = nullptr;
  *--top = reinterpret_cast<void*>(entry);
  for (int i = 0; i < kSavedRegisters; ++i) *--top = nullptr;
  stack_pointer_ = top;
}

void Fiber::resume() {
  void* saved = nullptr;
  start_switch(&saved, stack_, kStackBytes);
  simt_switch(&scheduler_stack_pointer, stack_pointer_);
  finish_switch(saved, false);
}

void Fiber::suspend() {
  start_switch(&sanitizer_stack_, scheduler_stack, scheduler_stack_bytes);
  simt_switch(&stack_pointer_, scheduler_stack_pointer);
  finish_switch(sanitizer_stack_, true);
}

void Fiber::exit() {
  start_switch(nullptr, scheduler_stack, scheduler_stack_bytes);
  simt_switch(&stack_pointer_, scheduler_stack_pointer);
  std::abort();
}

void fiber_entered() { finish_switch(nullptr, true); }

}  // namespace simt
