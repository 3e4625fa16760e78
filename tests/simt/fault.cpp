// Memory faults: a kernel's becomes a report, the host's ends the program with the reason.
#include <signal.h>
#include <ucontext.h>

#include "tests/simt/executor.hpp"

namespace simt {
namespace {

void handle(int signal_number, siginfo_t* info, void* context) {
  const auto address = reinterpret_cast<std::uintptr_t>(info->si_addr);
  const Thread* thread = current();
  if (thread != nullptr && !thread->fiber.overflowed(address)) {
    auto* registers = static_cast<ucontext_t*>(context)->uc_mcontext.gregs;
    report(Fault::out_of_bounds, static_cast<std::uintptr_t>(registers[REG_RIP]),
           "access to %p, which is %s", info->si_addr,
           in_device_memory(address) ? "device memory that is not allocated" : "not mapped");
    // Go on in abandon() instead of the kernel, below the 128 bytes under the stack pointer that
    // its code may still use, aligned as after a call.
    constexpr greg_t kAlign = 16, kRedZone = 128, kReturnAddress = 8;
    registers[REG_RSP] = registers[REG_RSP] / kAlign * kAlign - kRedZone - kReturnAddress;
    registers[REG_RIP] = reinterpret_cast<greg_t>(&abandon);
    return;
  }
  if (thread != nullptr)
    report(Fault::out_of_bounds, address, "the kernel's stack overflowed");
  else if (in_device_memory(address))
    report(Fault::host_memory, address, "host code touched device memory at %p", info->si_addr);
  signal(signal_number, SIG_DFL);  // returns to the faulting access, which now ends the program
}

}  // namespace

void install_fault_handler() {
  static bool installed = false;
  if (installed) return;
  installed = true;
  static char stack[64 * 1024];
  stack_t alternate{};
  alternate.ss_sp = stack;
  alternate.ss_size = sizeof stack;
  sigaltstack(&alternate, nullptr);
  struct sigaction action {};
  action.sa_sigaction = handle;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
  sigaction(SIGSEGV, &action, nullptr);
  sigaction(SIGBUS, &action, nullptr);
}

}  // namespace simt
