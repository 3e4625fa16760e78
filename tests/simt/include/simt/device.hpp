// The device side of CUDA C++ for a plain C++ compiler: qualifiers, built-in variables, barriers,
// warp collectives, atomics. Names and meanings are those of the CUDA C++ Programming Guide.
#pragma once

#include <cstdint>
#include <cstring>
#include <type_traits>

// A shared variable is one static per kernel: blocks run one after the other. The tag becomes part
// of the symbol's name, so that the executor finds every shared variable, those of templates too,
// in the program's symbol table and can poison it and know its bounds.
#define __shared__ static __attribute__((abi_tag("simt_shared")))
#define __global__
#define __device__
#define __launch_bounds__(...)
#define __grid_constant__

struct uint3 {
  unsigned x, y, z;
};
struct dim3 {
  unsigned x, y, z;
  constexpr dim3(unsigned vx = 1, unsigned vy = 1, unsigned vz = 1) : x(vx), y(vy), z(vz) {}
};
struct alignas(16) float4 {
  float x, y, z, w;
};

extern uint3 threadIdx, blockIdx;
extern dim3 blockDim, gridDim;

namespace simt {

enum class WarpOp : std::uint8_t {
  shuffle,
  shuffle_up,
  shuffle_down,
  shuffle_xor,
  ballot,
  any,
  all,
  reduce_add,
  reduce_min,
  reduce_max,
  sync
};

/// __syncthreads; returns the number of the block's threads with `predicate`.
int barrier(int line, bool predicate);
/// Waits for the lanes of `mask`; the last to arrive computes the result of all of them.
std::uint64_t warp_op(WarpOp op, unsigned mask, std::uint64_t value, int argument, int width,
                      int line);
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

inline constexpr int warpSize = 32;

inline void __syncthreads(SIMT_LINE) { simt::barrier(line, false); }
inline int __syncthreads_count(int predicate, SIMT_LINE) {
  return simt::barrier(line, predicate != 0);
}
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
inline unsigned __reduce_add_sync(unsigned mask, unsigned value, SIMT_LINE) {
  return simt::warp_value(simt::WarpOp::reduce_add, mask, value, 0, warpSize, line);
}
inline unsigned __reduce_min_sync(unsigned mask, unsigned value, SIMT_LINE) {
  return simt::warp_value(simt::WarpOp::reduce_min, mask, value, 0, warpSize, line);
}
inline unsigned __reduce_max_sync(unsigned mask, unsigned value, SIMT_LINE) {
  return simt::warp_value(simt::WarpOp::reduce_max, mask, value, 0, warpSize, line);
}

template <class T>
T atomicAdd(T* address, std::type_identity_t<T> value) {
  return simt::atomic_update(address, [=](T old) { return static_cast<T>(old + value); });
}

#undef SIMT_LINE

inline int __popc(unsigned value) { return __builtin_popcount(value); }
