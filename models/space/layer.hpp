// One layer of a network as the seven loop bounds of a convolution (GEMM = 1x1 convolution).
// Source of the notation: Timeloop's cnn-layer shape (Parashar et al., ISPASS 2019).
#pragma once

#include <cstdint>

#include "models/space/macros.hpp"

namespace polaris {

/// Loop dimensions. R, S filter; P, Q output; C input channels; K output channels; N batch.
/// P pairs with R and the `w` stride and dilation, Q pairs with S and the `h` ones.
enum class Dim : std::uint8_t { R, S, P, Q, C, K, N };

inline constexpr int kDims = 7;
inline constexpr char kDimLetters[kDims + 1] = "RSPQCKN";

POLARIS_HD constexpr int index_of(Dim dim) { return static_cast<int>(dim); }

struct Layer {
  std::int32_t size[kDims] = {1, 1, 1, 1, 1, 1, 1};  ///< loop bounds, indexed by Dim, each >= 1
  std::int32_t stride_w = 1;                         ///< input step along P
  std::int32_t stride_h = 1;                         ///< input step along Q
  std::int32_t dilation_w = 1;                       ///< input step along R
  std::int32_t dilation_h = 1;                       ///< input step along S

  POLARIS_HD constexpr std::int64_t operator[](Dim dim) const { return size[index_of(dim)]; }

  /// Multiply-accumulate operations of one execution of the layer.
  POLARIS_HD constexpr std::int64_t macs() const {
    std::int64_t product = 1;
    for (int d = 0; d < kDims; ++d) product *= size[d];
    return product;
  }

  POLARIS_HD constexpr std::int64_t weight_words() const {
    return (*this)[Dim::R] * (*this)[Dim::S] * (*this)[Dim::C] * (*this)[Dim::K];
  }
  POLARIS_HD constexpr std::int64_t output_words() const {
    return (*this)[Dim::P] * (*this)[Dim::Q] * (*this)[Dim::K] * (*this)[Dim::N];
  }
  /// Input rows (along P and R) and columns (along Q and S), padding included: the input tensor is
  /// stored already padded, so every output reads existing words.
  POLARIS_HD constexpr std::int64_t input_width() const {
    return ((*this)[Dim::P] - 1) * stride_w + ((*this)[Dim::R] - 1) * dilation_w + 1;
  }
  POLARIS_HD constexpr std::int64_t input_height() const {
    return ((*this)[Dim::Q] - 1) * stride_h + ((*this)[Dim::S] - 1) * dilation_h + 1;
  }
  POLARIS_HD constexpr std::int64_t input_words() const {
    return (*this)[Dim::N] * (*this)[Dim::C] * input_width() * input_height();
  }
};

POLARIS_HD constexpr bool operator==(const Layer& a, const Layer& b) {
  for (int d = 0; d < kDims; ++d)
    if (a.size[d] != b.size[d]) return false;
  return a.stride_w == b.stride_w && a.stride_h == b.stride_h && a.dilation_w == b.dilation_w &&
         a.dilation_h == b.dilation_h;
}

/// A matrix product written as a 1x1 convolution over one column.
POLARIS_HD constexpr bool is_matmul(const Layer& layer) {
  return layer[Dim::R] == 1 && layer[Dim::S] == 1 && layer[Dim::Q] == 1;
}

/// W: {R,S,C,K}, O: {P,Q,K,N}: the loops that step a tensor to other words.
POLARIS_HD constexpr bool weight_relevant(Dim dim) {
  return dim == Dim::R || dim == Dim::S || dim == Dim::C || dim == Dim::K;
}
POLARIS_HD constexpr bool output_relevant(Dim dim) {
  return dim == Dim::P || dim == Dim::Q || dim == Dim::K || dim == Dim::N;
}
/// The loops over which partial sums accumulate.
POLARIS_HD constexpr bool is_reduction(Dim dim) {
  return dim == Dim::R || dim == Dim::S || dim == Dim::C;
}

}  // namespace polaris
