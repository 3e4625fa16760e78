// Warp matrix products. The kernels reach them through mma.h (nvcuda::wmma) and kernels/port.cuh
// (mma.sync).
#pragma once

#include <bit>
#include <cstdint>

namespace simt {

/// A product d = a * b + c of one warp, a M x K, b K x N. Operands lie in 32-bit registers,
/// elements of 16 bits in pairs, the first one low; d and c are float. Inputs of tf32 lose the bits
/// that tf32 does not have, as in hardware.
enum class MatrixShape : std::uint8_t {
  mma_m16n8k8_tf32,     ///< layouts of the PTX ISA, "Matrix Fragments for mma.m16n8k8"
  mma_m16n8k16_bf16,    ///< "Matrix Fragments for mma.m16n8k16"
  wmma_m16n16k8_tf32,   ///< layouts unspecified in CUDA: drawn from the seed
  wmma_m16n16k16_bf16,  ///< likewise
};
enum class Operand : std::uint8_t { a, b, accumulator };

constexpr bool is_bf16(MatrixShape shape) {
  return shape == MatrixShape::mma_m16n8k16_bf16 || shape == MatrixShape::wmma_m16n16k16_bf16;
}

struct Position {
  int row, column;
};
/// Where in its matrix element `element` of `lane` lies.
Position fragment_position(MatrixShape shape, Operand operand, int lane, int element);
/// Elements of an operand that one lane holds.
int fragment_elements(MatrixShape shape, Operand operand);

/// What one lane brings to a product, and where it wants the result.
struct WarpProduct {
  MatrixShape shape;
  const std::uint32_t *a, *b;
  const float* c;
  float* d;
};
/// All 32 lanes together, at one line.
void multiply(MatrixShape shape, const std::uint32_t* a, const std::uint32_t* b, const float* c,
              float* d, int line);
/// The running thread's lane.
int lane_id();

/// Rounds to tf32: 10 bits behind the point, nearest, ties away from zero.
inline std::uint32_t round_to_tf32(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  constexpr std::uint32_t kExponent = 0x7F800000u, kHalf = 0x1000u, kKept = 0xFFFFE000u;
  return (bits & kExponent) == kExponent ? bits : (bits + kHalf) & kKept;
}

}  // namespace simt
