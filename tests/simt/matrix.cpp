// Warp matrix products, and which lane holds which element.
#include "simt/matrix.hpp"

#include <algorithm>
#include <array>
#include <numeric>

#include "models/space/philox.hpp"
#include "tests/simt/executor.hpp"

namespace simt {
namespace {

struct Shape {
  int m, n, k;
  bool halves;      ///< inputs of 16 bits, two to a register
  bool documented;  ///< layout fixed by the PTX ISA
};

Shape shape_of(MatrixShape shape) {
  switch (shape) {
    case MatrixShape::mma_m16n8k8_tf32:
      return {16, 8, 8, false, true};
    case MatrixShape::mma_m16n8k16_bf16:
      return {16, 8, 16, true, true};
    case MatrixShape::wmma_m16n16k8_tf32:
      return {16, 16, 8, false, false};
    case MatrixShape::wmma_m16n16k16_bf16:
      return {16, 16, 16, true, false};
  }
  return {};
}

int rows(const Shape& s, Operand operand) { return operand == Operand::b ? s.k : s.m; }
int columns(const Shape& s, Operand operand) { return operand == Operand::a ? s.k : s.n; }

/// The fragments of mma.sync. Lanes form 8 groups of 4; a register holds one element of tf32 or two
/// neighbours along k of bfloat16.
Position documented_position(const Shape& s, Operand operand, int lane, int element) {
  const int group = lane / 4, member = lane % 4;
  if (operand == Operand::accumulator) return {group + 8 * (element / 2), 2 * member + element % 2};
  const int packed = s.halves ? 2 : 1;
  const int word = element / packed, along_k = packed * member + element % packed;
  if (operand == Operand::b) return {along_k + 4 * packed * word, group};
  return {group + 8 * (word % 2), along_k + 4 * packed * (word / 2)};
}

/// A permutation of the places of a matrix, drawn from the seed.
int scattered(int place, int places) {
  constexpr int kPlaces = 256;
  static std::array<std::array<int, kPlaces>, 2> drawn;
  static std::uint64_t drawn_for[2] = {~std::uint64_t{0}, ~std::uint64_t{0}};
  const auto which = static_cast<std::size_t>(places == kPlaces);
  std::array<int, kPlaces>& out = drawn[which];
  if (drawn_for[which] != seed()) {
    drawn_for[which] = seed();
    std::iota(out.begin(), out.begin() + places, 0);
    for (int i = places; i > 1; --i)
      std::swap(out[static_cast<std::size_t>(i - 1)],
                out[polaris::uniform_below(static_cast<std::uint64_t>(i), seed(), 1 + which,
                                           static_cast<std::uint64_t>(i))]);
  }
  return out[static_cast<std::size_t>(place)];
}

/// Element of an operand of tf32 or bfloat16.
float input(const Shape& s, const std::uint32_t* words, int element) {
  if (!s.halves) return std::bit_cast<float>(words[element] & 0xFFFFE000u);
  const std::uint32_t word = words[element / 2];
  return std::bit_cast<float>(element % 2 == 0 ? word << 16 : word & 0xFFFF0000u);
}

}  // namespace

int fragment_elements(MatrixShape shape, Operand operand) {
  const Shape s = shape_of(shape);
  return rows(s, operand) * columns(s, operand) / kWarp;
}

Position fragment_position(MatrixShape shape, Operand operand, int lane, int element) {
  const Shape s = shape_of(shape);
  if (s.documented) return documented_position(s, operand, lane, element);
  const int width = columns(s, operand);
  const int place = scattered(element * kWarp + lane, rows(s, operand) * width);
  return {place / width, place % width};
}

void multiply_fragments(int warp, unsigned lanes) {
  constexpr int kSide = 16;
  const auto product = [warp](int lane) -> const WarpProduct& {
    return *reinterpret_cast<const WarpProduct*>(
        block.threads[static_cast<std::size_t>(warp * kWarp + lane)].value);
  };
  if (lanes != ~0u) {
    report(Fault::warp, 0, "warp matrix product without all 32 lanes (mask %08x)", lanes);
    return;
  }
  const MatrixShape shape = product(0).shape;
  const Shape s = shape_of(shape);
  float a[kSide][kSide], b[kSide][kSide], d[kSide][kSide];
  const auto for_each = [&](Operand operand, auto visit) {
    for (int lane = 0; lane < kWarp; ++lane)
      for (int e = 0; e < fragment_elements(shape, operand); ++e) {
        const Position at = fragment_position(shape, operand, lane, e);
        visit(product(lane), e, at.row, at.column);
      }
  };
  for_each(Operand::a, [&](const WarpProduct& p, int e, int row, int column) {
    a[row][column] = input(s, p.a, e);
  });
  for_each(Operand::b, [&](const WarpProduct& p, int e, int row, int column) {
    b[row][column] = input(s, p.b, e);
  });
  for_each(Operand::accumulator,
           [&](const WarpProduct& p, int e, int row, int column) { d[row][column] = p.c[e]; });
  for (int i = 0; i < s.m; ++i)
    for (int k = 0; k < s.k; ++k)
      for (int j = 0; j < s.n; ++j) d[i][j] += a[i][k] * b[k][j];
  for_each(Operand::accumulator,
           [&](const WarpProduct& p, int e, int row, int column) { p.d[e] = d[row][column]; });
}

void multiply(MatrixShape shape, const std::uint32_t* a, const std::uint32_t* b, const float* c,
              float* d, int line) {
  const WarpProduct product{shape, a, b, c, d};
  warp_op(WarpOp::matrix, ~0u, reinterpret_cast<std::uintptr_t>(&product), 0, kWarp, line);
}

int lane_id() { return current()->lane; }

}  // namespace simt
