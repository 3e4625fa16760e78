// What the compiler calls. Kernels of the checked build are compiled with -fsanitize=thread, which
// plants a call before every load and store, and with some checks of -fsanitize=undefined; the
// sanitizers' own run-time libraries are not linked: the callees are here.
#include <cstdint>
#include <cstring>

#include "tests/simt/executor.hpp"

namespace simt {
extern bool instrumented;

/// As the compiler lays out a place in the source.
struct SourcePlace {
  const char* file;
  std::uint32_t line, column;
};

namespace {

void undefined(Fault fault, const SourcePlace& place, const char* what, const void* pc) {
  if (current() == nullptr) return;
  const char* slash = std::strrchr(place.file, '/');
  report(fault, reinterpret_cast<std::uintptr_t>(pc), "%s:%u: %s",
         slash == nullptr ? place.file : slash + 1, place.line, what);
}

}  // namespace
}  // namespace simt

#define SIMT_READ(name, bytes)                                           \
  void __tsan_##name(void* address) {                                    \
    simt::on_access(address, bytes, false, __builtin_return_address(0)); \
  }
#define SIMT_WRITE(name, bytes)                                         \
  void __tsan_##name(void* address) {                                   \
    simt::on_access(address, bytes, true, __builtin_return_address(0)); \
  }
#define SIMT_ACCESSES(bytes)                \
  SIMT_READ(read##bytes, bytes)             \
  SIMT_READ(unaligned_read##bytes, bytes)   \
  SIMT_READ(volatile_read##bytes, bytes)    \
  SIMT_WRITE(write##bytes, bytes)           \
  SIMT_WRITE(unaligned_write##bytes, bytes) \
  SIMT_WRITE(volatile_write##bytes, bytes)
// Launchers in the same files use atomic counters of the standard library.
#define SIMT_ATOMIC(bits, type)                                                   \
  type __tsan_atomic##bits##_load(const volatile type* address, int) {            \
    return __atomic_load_n(address, __ATOMIC_SEQ_CST);                            \
  }                                                                               \
  type __tsan_atomic##bits##_fetch_add(volatile type* address, type value, int) { \
    return __atomic_fetch_add(address, value, __ATOMIC_SEQ_CST);                  \
  }
#define SIMT_UNDEFINED(name, fault, what)                                           \
  void __ubsan_handle_##name(simt::SourcePlace* place) {                            \
    simt::undefined(simt::Fault::fault, *place, what, __builtin_return_address(0)); \
  }

extern "C" {
void __tsan_init() { simt::instrumented = true; }
void __tsan_func_entry(void*) {}
void __tsan_func_exit() {}
void __tsan_vptr_read(void**) {}
void __tsan_vptr_update(void**, void*) {}
SIMT_ACCESSES(1)
SIMT_ACCESSES(2)
SIMT_ACCESSES(4)
SIMT_ACCESSES(8)
SIMT_ACCESSES(16)
void __tsan_read_range(void* address, std::size_t bytes) {
  simt::on_access(address, bytes, false, __builtin_return_address(0));
}
void __tsan_write_range(void* address, std::size_t bytes) {
  simt::on_access(address, bytes, true, __builtin_return_address(0));
}
SIMT_ATOMIC(8, std::uint8_t)
SIMT_ATOMIC(32, std::uint32_t)
SIMT_ATOMIC(64, std::uint64_t)
SIMT_UNDEFINED(out_of_bounds, out_of_bounds, "index outside the array's declared bounds")
SIMT_UNDEFINED(type_mismatch_v1, misaligned, "address not aligned for its type, or null")
SIMT_UNDEFINED(add_overflow, arithmetic, "signed addition overflows")
SIMT_UNDEFINED(sub_overflow, arithmetic, "signed subtraction overflows")
SIMT_UNDEFINED(mul_overflow, arithmetic, "signed multiplication overflows")
SIMT_UNDEFINED(negate_overflow, arithmetic, "signed negation overflows")
SIMT_UNDEFINED(divrem_overflow, arithmetic, "division by zero or overflow")
SIMT_UNDEFINED(shift_out_of_bounds, arithmetic, "shift out of range")
}
