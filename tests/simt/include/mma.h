// Stand-in for the toolkit's header of this name: nvcuda::wmma, m16n16k8 of tf32 and m16n16k16 of
// bfloat16. CUDA leaves open which lane holds which element of a fragment; here the seed decides,
// so code that assumes a layout fails.
#pragma once

#include <cuda_bf16.h>

#include <cstdint>
#include <cstring>
#include <type_traits>

#include "simt/device.hpp"
#include "simt/matrix.hpp"

namespace nvcuda::wmma {

struct matrix_a;
struct matrix_b;
struct accumulator;
struct row_major;
struct col_major;
namespace precision {
struct tf32;
}
enum layout_t { mem_row_major, mem_col_major };

template <class Use, int M, int N, int K, class T, class Layout = void>
struct fragment;

template <simt::MatrixShape kShape, simt::Operand kOperand, class Element, int kElements>
struct simt_fragment {
  using element_type = Element;
  static constexpr simt::MatrixShape shape = kShape;
  static constexpr simt::Operand operand = kOperand;
  static constexpr int num_elements = kElements;
  Element x[kElements];
};

#define SIMT_FRAGMENT(use, k, type, shape, element, elements)                            \
  template <class Layout>                                                                \
  struct fragment<matrix_##use, 16, 16, k, type, Layout>                                 \
      : simt_fragment<simt::MatrixShape::shape, simt::Operand::use, element, elements> { \
    static constexpr bool by_rows = std::is_same_v<Layout, row_major>;                   \
  };
SIMT_FRAGMENT(a, 8, precision::tf32, wmma_m16n16k8_tf32, float, 4)
SIMT_FRAGMENT(b, 8, precision::tf32, wmma_m16n16k8_tf32, float, 4)
SIMT_FRAGMENT(a, 16, __nv_bfloat16, wmma_m16n16k16_bf16, __nv_bfloat16, 8)
SIMT_FRAGMENT(b, 16, __nv_bfloat16, wmma_m16n16k16_bf16, __nv_bfloat16, 8)
#undef SIMT_FRAGMENT
template <>
struct fragment<accumulator, 16, 16, 8, float>
    : simt_fragment<simt::MatrixShape::wmma_m16n16k8_tf32, simt::Operand::accumulator, float, 8> {};
template <>
struct fragment<accumulator, 16, 16, 16, float>
    : simt_fragment<simt::MatrixShape::wmma_m16n16k16_bf16, simt::Operand::accumulator, float, 8> {
};

inline float __float_to_tf32(float value) { return __uint_as_float(simt::round_to_tf32(value)); }

template <class Fragment, class T>
void fill_fragment(Fragment& target, T value) {
  for (auto& element : target.x) element = value;
}

/// Where in memory element i of the calling lane lies.
template <class Fragment>
std::size_t simt_offset(int i, unsigned stride, bool by_rows) {
  const simt::Position at =
      simt::fragment_position(Fragment::shape, Fragment::operand, simt::lane_id(), i);
  const auto row = static_cast<std::size_t>(at.row), column = static_cast<std::size_t>(at.column);
  return by_rows ? row * stride + column : column * stride + row;
}

template <class Fragment, class T>
void load_matrix_sync(Fragment& target, const T* source, unsigned stride,
                      int line = __builtin_LINE()) {
  simt::warp_op(simt::WarpOp::converge, ~0u, 0, 0, warpSize, line);
  for (int i = 0; i < Fragment::num_elements; ++i)
    target.x[i] = source[simt_offset<Fragment>(i, stride, Fragment::by_rows)];
}
template <class Fragment>
void load_matrix_sync(Fragment& target, const float* source, unsigned stride, layout_t layout,
                      int line = __builtin_LINE()) {
  simt::warp_op(simt::WarpOp::converge, ~0u, 0, 0, warpSize, line);
  for (int i = 0; i < Fragment::num_elements; ++i)
    target.x[i] = source[simt_offset<Fragment>(i, stride, layout == mem_row_major)];
}
template <class Fragment>
void store_matrix_sync(float* target, const Fragment& source, unsigned stride, layout_t layout,
                       int line = __builtin_LINE()) {
  simt::warp_op(simt::WarpOp::converge, ~0u, 0, 0, warpSize, line);
  for (int i = 0; i < Fragment::num_elements; ++i)
    target[simt_offset<Fragment>(i, stride, layout == mem_row_major)] = source.x[i];
}

template <class D, class A, class B>
void mma_sync(D& d, const A& a, const B& b, const D& c, int line = __builtin_LINE()) {
  std::uint32_t a_words[sizeof a.x / 4], b_words[sizeof b.x / 4];
  std::memcpy(a_words, a.x, sizeof a.x);
  std::memcpy(b_words, b.x, sizeof b.x);
  simt::multiply(A::shape, a_words, b_words, c.x, d.x, line);
}

}  // namespace nvcuda::wmma
