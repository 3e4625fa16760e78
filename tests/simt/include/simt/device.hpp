// What threads do together: barriers, fences, warp collectives, atomics. Names and meanings are
// those of the CUDA C++ Programming Guide.
#pragma once

#include <cstdint>
#include <cstring>
#include <type_traits>

#include "simt/math.hpp"
#include "simt/types.hpp"

namespace simt {

enum class WarpOp : std::uint8_t {
  shuffle,
  shuffle_up,
  shuffle_down,
  shuffle_xor,
  ballot,
  any,
  all,
  match,
  reduce_add,
  reduce_min,
  reduce_max,
  reduce_signed_min,
  reduce_signed_max,
  reduce_and,
  reduce_or,
  reduce_xor,
  sync,
  converge,  ///< all lanes have to be there; orders nothing
  matrix     ///< warp matrix product (matrix.hpp)
};
enum class FenceScope : std::uint8_t { block, device };

/// __syncthreads; returns the number of the block's threads with `predicate`.
int barrier(int line, bool predicate);
/// Waits for the lanes of `mask`; the last to arrive computes the result of all of them.
std::uint64_t warp_op(WarpOp op, unsigned mask, std::uint64_t value, int argument, int width,
                      int line);
/// Orders the running thread's writes before its later atomics, as seen by whoever reads those.
void fence(FenceScope scope);
/// Ends the launch with a report.
[[noreturn]] void trap(int line);
/// Dynamic shared memory of the running block.
void* dynamic_shared();
/// Tells the checker of an atomic access by the running thread.
void note_atomic(const void* address, std::size_t bytes, const void* pc);

template <class T>
std::uint64_t to_bits(T value) {
  static_assert(sizeof(T) <= sizeof(std::uint64_t) && std::is_trivially_copyable_v<T>);
  std::uint64_t bits = 0;
  std::memcpy(&bits, &value, sizeof(T));
  return bits;
}
template <class T>
T from_bits(std::uint64_t bits) {
  T value;
  std::memcpy(&value, &bits, sizeof(T));
  return value;
}

template <class T>
T warp_value(WarpOp op, unsigned mask, T value, int argument, int width, int line) {
  return from_bits<T>(warp_op(op, mask, to_bits(value), argument, width, line));
}

/// Read-modify-write in one piece: threads are switched only at barriers and warp operations.
/// Not instrumented, because the checker hears of the access as an atomic one.
template <class T, class Update>
__attribute__((no_sanitize("thread"), noinline)) T atomic_update(T* address, Update update) {
  note_atomic(address, sizeof(T), __builtin_return_address(0));
  const T old = *address;
  *address = update(old);
  return old;
}

}  // namespace simt

// Where a barrier or collective stands: threads that meet must stand on one line.
#define SIMT_LINE int line = __builtin_LINE()

inline void __syncthreads(SIMT_LINE) { simt::barrier(line, false); }
inline int __syncthreads_count(int predicate, SIMT_LINE) {
  return simt::barrier(line, predicate != 0);
}
inline int __syncthreads_or(int predicate, SIMT_LINE) {
  return simt::barrier(line, predicate != 0) > 0;
}
inline int __syncthreads_and(int predicate, SIMT_LINE) {
  return simt::barrier(line, predicate == 0) == 0;
}
inline void __threadfence() { simt::fence(simt::FenceScope::device); }
inline void __threadfence_block() { simt::fence(simt::FenceScope::block); }
[[noreturn]] inline void __trap(SIMT_LINE) { simt::trap(line); }
inline void __syncwarp(unsigned mask = ~0u, SIMT_LINE) {
  simt::warp_op(simt::WarpOp::sync, mask, 0, 0, warpSize, line);
}

template <class T>
T __shfl_sync(unsigned mask, T value, int source, int width = warpSize, SIMT_LINE) {
  return simt::warp_value(simt::WarpOp::shuffle, mask, value, source, width, line);
}
template <class T>
T __shfl_up_sync(unsigned mask, T value, unsigned delta, int width = warpSize, SIMT_LINE) {
  return simt::warp_value(simt::WarpOp::shuffle_up, mask, value, static_cast<int>(delta), width,
                          line);
}
template <class T>
T __shfl_down_sync(unsigned mask, T value, unsigned delta, int width = warpSize, SIMT_LINE) {
  return simt::warp_value(simt::WarpOp::shuffle_down, mask, value, static_cast<int>(delta), width,
                          line);
}
template <class T>
T __shfl_xor_sync(unsigned mask, T value, int lanes, int width = warpSize, SIMT_LINE) {
  return simt::warp_value(simt::WarpOp::shuffle_xor, mask, value, lanes, width, line);
}
inline unsigned __ballot_sync(unsigned mask, int predicate, SIMT_LINE) {
  return simt::warp_value(simt::WarpOp::ballot, mask, unsigned{predicate != 0}, 0, warpSize, line);
}
inline int __any_sync(unsigned mask, int predicate, SIMT_LINE) {
  return simt::warp_value(simt::WarpOp::any, mask, int{predicate != 0}, 0, warpSize, line);
}
inline int __all_sync(unsigned mask, int predicate, SIMT_LINE) {
  return simt::warp_value(simt::WarpOp::all, mask, int{predicate != 0}, 0, warpSize, line);
}
template <class T>
unsigned __match_any_sync(unsigned mask, T value, SIMT_LINE) {
  return static_cast<unsigned>(
      simt::warp_op(simt::WarpOp::match, mask, simt::to_bits(value), 0, warpSize, line));
}
#define SIMT_REDUCE(name, type, op)                                                     \
  inline type __reduce_##name##_sync(unsigned mask, type value, SIMT_LINE) {            \
    return simt::warp_value(simt::WarpOp::reduce_##op, mask, value, 0, warpSize, line); \
  }
SIMT_REDUCE(add, unsigned, add)
SIMT_REDUCE(min, unsigned, min)
SIMT_REDUCE(max, unsigned, max)
SIMT_REDUCE(add, int, add)
SIMT_REDUCE(min, int, signed_min)
SIMT_REDUCE(max, int, signed_max)
SIMT_REDUCE(and, unsigned, and)
SIMT_REDUCE(or, unsigned, or)
SIMT_REDUCE(xor, unsigned, xor)
#undef SIMT_REDUCE

// Hints to the caches.
template <class T>
T __ldg(const T* address) {
  return *address;
}
template <class T>
T __ldcs(const T* address) {
  return *address;
}
template <class T>
T __ldcg(const T* address) {
  return *address;
}
template <class T>
void __stcs(T* address, T value) {
  *address = value;
}

#define SIMT_ATOMIC(name, expression)                                              \
  template <class T>                                                               \
  T atomic##name(T* address, std::type_identity_t<T> value) {                      \
    return simt::atomic_update(address, [=](T old) -> T { return (expression); }); \
  }
SIMT_ATOMIC(Add, static_cast<T>(old + value))
SIMT_ATOMIC(Sub, static_cast<T>(old - value))
SIMT_ATOMIC(Min, value < old ? value : old)
SIMT_ATOMIC(Max, old < value ? value : old)
SIMT_ATOMIC(Exch, (static_cast<void>(old), value))
SIMT_ATOMIC(And, old& value)
SIMT_ATOMIC(Or, old | value)
SIMT_ATOMIC(Xor, old ^ value)
SIMT_ATOMIC(Inc, old >= value ? 0 : old + 1)
SIMT_ATOMIC(Dec, old == 0 || old > value ? value : old - 1)
#undef SIMT_ATOMIC
template <class T>
T atomicCAS(T* address, std::type_identity_t<T> expected, std::type_identity_t<T> value) {
  return simt::atomic_update(address, [=](T old) -> T { return old == expected ? value : old; });
}

#undef SIMT_LINE
