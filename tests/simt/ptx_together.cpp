// What threads do together: barriers, fences, warp operations, atomics, matrix products; and where
// control goes.
#include <algorithm>
#include <cstring>
#include <type_traits>

#include "simt/matrix.hpp"
#include "tests/simt/ptx.hpp"

namespace simt::ptx {
namespace {

/// What reports call the line: of the source where it is known.
int line_of(const Instruction& in) { return in.source.file.empty() ? in.line : in.source.line; }

bool waits(Machine& m, const Instruction& in) {
  m.context.pending = &in;
  return m.thread.state == State::ready;
}

bool branch(Machine& m, const Instruction& in) {
  m.context.pc = static_cast<std::size_t>(in.target);
  return true;
}
bool end_thread(Machine&, const Instruction&) {
  thread_ends();
  return false;
}
bool trap_here(Machine&, const Instruction& in) { trap(line_of(in)); }

bool block_barrier(Machine& m, const Instruction& in) {
  arrive_at_barrier(line_of(in), false);
  return waits(m, in);
}
/// bar.red: variant 0 counts the true predicates, 1 is their "or", 2 their "and".
enum Reduction : std::uint8_t { kCount, kAny, kAll };
bool block_reduction(Machine& m, const Instruction& in) {
  const bool predicate = (m.raw(in, 2) & 1) != 0;
  arrive_at_barrier(line_of(in), in.variant == kAll ? !predicate : predicate);
  return waits(m, in);
}
void finish_block_reduction(Machine& m, const Instruction& in) {
  const auto count = static_cast<std::uint32_t>(m.thread.count);
  m.set(in, 0, in.variant == kCount ? count : std::uint32_t{(count > 0) == (in.variant == kAny)});
}
bool warp_barrier(Machine& m, const Instruction& in) {
  arrive_at_warp_op(WarpOp::sync, m.get<std::uint32_t>(in, 0), 0, 0, kWarp, line_of(in));
  return waits(m, in);
}
template <FenceScope kScope>
bool fence_here(Machine& m, const Instruction&) {
  check_fence(m.thread, kScope);
  return true;
}

/// variant: the WarpOp.
bool warp_operation(Machine& m, const Instruction& in, std::uint64_t value, std::uint32_t mask,
                    int argument, int width) {
  arrive_at_warp_op(static_cast<WarpOp>(in.variant), mask, value, argument, width, line_of(in));
  return waits(m, in);
}
template <class T>
void finish_with(Machine& m, const Instruction& in) {
  m.set(in, 0, static_cast<T>(m.thread.result));
}
/// shfl d{|p}, a, b, c, mask: c holds the segments' mask (bits 8 to 12) and the clamp (0 to 4).
bool shuffle(Machine& m, const Instruction& in) {
  const std::size_t first = in.count;
  const auto control = m.get<std::uint32_t>(in, first + 2);
  const int width = kWarp - static_cast<int>(control >> 8 & 31u);
  return warp_operation(m, in, m.get<std::uint32_t>(in, first), m.get<std::uint32_t>(in, first + 3),
                        m.get<std::int32_t>(in, first + 1), width);
}
void finish_shuffle(Machine& m, const Instruction& in) {
  finish_with<std::uint32_t>(m, in);
  if (in.count == 1) return;
  // The second result: whether the source lane lies in the segment.
  const Thread& t = m.thread;
  const int segment = t.lane & ~(t.width - 1);
  const int source = t.op == WarpOp::shuffle_up     ? t.lane - t.argument
                     : t.op == WarpOp::shuffle_down ? t.lane + t.argument
                     : t.op == WarpOp::shuffle_xor  ? t.lane ^ t.argument
                                                    : segment + (t.argument & (t.width - 1));
  m.set(in, 1, std::uint64_t{source >= segment && source < segment + t.width});
}
bool vote(Machine& m, const Instruction& in) {
  return warp_operation(m, in, m.raw(in, 1) & 1, m.get<std::uint32_t>(in, 2), 0, kWarp);
}
bool reduce(Machine& m, const Instruction& in) {
  return warp_operation(m, in, m.get<std::uint32_t>(in, 1), m.get<std::uint32_t>(in, 2), 0, kWarp);
}
bool match(Machine& m, const Instruction& in) {
  const std::uint64_t value = in.bytes == 8 ? m.raw(in, 1) : m.get<std::uint32_t>(in, 1);
  return warp_operation(m, in, value, m.get<std::uint32_t>(in, 2), 0, kWarp);
}

/// d, a, b, c of mma.sync and wmma.mma, flattened; variant: the MatrixShape.
bool matrix_product(Machine& m, const Instruction& in) {
  const auto shape = static_cast<MatrixShape>(in.variant);
  const bool halves =
      shape == MatrixShape::mma_m16n8k16_bf16 || shape == MatrixShape::wmma_m16n16k16_bf16;
  const auto words = [&](Operand operand) {
    return static_cast<std::size_t>(fragment_elements(shape, operand) / (halves ? 2 : 1));
  };
  const auto results = static_cast<std::size_t>(fragment_elements(shape, Operand::accumulator));
  std::size_t at = results;
  for (std::size_t i = 0; i < words(Operand::a); ++i)
    m.context.a[i] = m.get<std::uint32_t>(in, at++);
  for (std::size_t i = 0; i < words(Operand::b); ++i)
    m.context.b[i] = m.get<std::uint32_t>(in, at++);
  for (std::size_t i = 0; i < results; ++i) m.context.d[i] = m.get<float>(in, at++);
  m.context.product = {shape, m.context.a, m.context.b, m.context.d, m.context.d};
  arrive_at_warp_op(WarpOp::matrix, ~0u, to_bits(&m.context.product), 0, kWarp, line_of(in));
  return waits(m, in);
}
void finish_matrix_product(Machine& m, const Instruction& in) {
  const auto shape = static_cast<MatrixShape>(in.variant);
  const auto results = static_cast<std::size_t>(fragment_elements(shape, Operand::accumulator));
  for (std::size_t i = 0; i < results; ++i) m.set(in, i, m.context.d[i]);
}

/// wmma.load and wmma.store. count: registers; bytes: of an element in memory; variant: shape,
/// operand, order and space, packed by pack_fragment().
struct FragmentAccess {
  MatrixShape shape;
  Operand operand;
  bool by_rows;
  Space space;
};
constexpr std::uint8_t pack_fragment(const FragmentAccess& f) {
  return static_cast<std::uint8_t>(
      static_cast<unsigned>(f.shape) | static_cast<unsigned>(f.operand) << 2 |
      static_cast<unsigned>(f.by_rows) << 4 | static_cast<unsigned>(f.space) << 5);
}
constexpr FragmentAccess unpack_fragment(std::uint8_t bits) {
  return {static_cast<MatrixShape>(bits & 3u), static_cast<Operand>(bits >> 2 & 3u),
          (bits >> 4 & 1u) != 0, static_cast<Space>(bits >> 5 & 7u)};
}
std::uint64_t element_address(const Machine& m, const Instruction& in, const FragmentAccess& f,
                              std::uint64_t base, std::uint64_t stride, int element) {
  const Position at = fragment_position(f.shape, f.operand, m.thread.lane, element);
  const auto row = static_cast<std::uint64_t>(at.row),
             column = static_cast<std::uint64_t>(at.column);
  return base + (f.by_rows ? row * stride + column : column * stride + row) * in.bytes;
}
bool load_fragment(Machine& m, const Instruction& in) {
  const FragmentAccess f = unpack_fragment(in.variant);
  const std::uint64_t base = m.raw(in, in.count) + static_cast<std::uint64_t>(in.offset);
  const std::uint64_t stride = m.get<std::uint32_t>(in, in.count + 1u);
  const int per_register = 4 / in.bytes;
  for (int r = 0; r < in.count; ++r) {
    std::uint32_t word = 0;
    for (int e = 0; e < per_register; ++e) {
      const std::uint64_t address = element_address(m, in, f, base, stride, r * per_register + e);
      const unsigned char* from = access(m, in, address, f.space, in.bytes, false, false);
      std::memcpy(reinterpret_cast<unsigned char*>(&word) + e * in.bytes, from, in.bytes);
    }
    m.set(in, static_cast<std::size_t>(r), word);
  }
  return true;
}
bool store_fragment(Machine& m, const Instruction& in) {
  const FragmentAccess f = unpack_fragment(in.variant);
  const std::uint64_t base = m.raw(in, 0) + static_cast<std::uint64_t>(in.offset);
  const std::uint64_t stride = m.get<std::uint32_t>(in, in.count + 1u);
  for (int e = 0; e < in.count; ++e) {
    const std::uint64_t address = element_address(m, in, f, base, stride, e);
    unsigned char* to = access(m, in, address, f.space, in.bytes, true, false);
    const auto word = m.get<std::uint32_t>(in, 1 + static_cast<std::size_t>(e));
    std::memcpy(to, &word, in.bytes);
  }
  return true;
}

void decode_barrier(Mnemonic& mnemonic, Instruction& in) {
  in.work = Work::barrier;
  if (mnemonic.take("warp")) {
    mnemonic.take("sync");
    in.run = warp_barrier;
    return;
  }
  mnemonic.take("cta");
  mnemonic.take("aligned");
  if (mnemonic.take("sync") && in.operands.size() == 1) in.run = block_barrier;
  if (mnemonic.take("red")) {
    in.variant = mnemonic.take("popc") ? kCount : mnemonic.take("or") ? kAny : kAll;
    mnemonic.take("and");
    mnemonic.take_type();
    if (in.operands.size() == 3) in.run = block_reduction;
    in.finish = finish_block_reduction;
  }
}

void decode_warp(Mnemonic& mnemonic, Instruction& in) {
  const std::string& base = mnemonic.base();
  const auto use = [&in](Handler run, WarpOp op) {
    in.run = run;
    in.variant = static_cast<std::uint8_t>(op);
    in.finish = finish_with<std::uint32_t>;
  };
  mnemonic.take("sync");
  if (base == "shfl") {
    in.count = in.operands.size() == 6 ? 2 : 1;
    if (mnemonic.take("idx")) use(shuffle, WarpOp::shuffle);
    if (mnemonic.take("up")) use(shuffle, WarpOp::shuffle_up);
    if (mnemonic.take("down")) use(shuffle, WarpOp::shuffle_down);
    if (mnemonic.take("bfly")) use(shuffle, WarpOp::shuffle_xor);
    in.finish = finish_shuffle;
  } else if (base == "vote") {
    if (mnemonic.take("ballot")) use(vote, WarpOp::ballot);
    if (mnemonic.take("any")) use(vote, WarpOp::any);
    if (mnemonic.take("all")) use(vote, WarpOp::all);
  } else if (base == "match") {
    if (mnemonic.take("any")) use(match, WarpOp::match);
  }
  const std::string type = mnemonic.take_type();
  in.bytes = static_cast<std::uint8_t>(bytes_of_type(type));
  if (base == "redux") {
    const bool is_signed = is_signed_type(type);
    if (mnemonic.take("add")) use(reduce, WarpOp::reduce_add);
    if (mnemonic.take("min"))
      use(reduce, is_signed ? WarpOp::reduce_signed_min : WarpOp::reduce_min);
    if (mnemonic.take("max"))
      use(reduce, is_signed ? WarpOp::reduce_signed_max : WarpOp::reduce_max);
    if (mnemonic.take("and")) use(reduce, WarpOp::reduce_and);
    if (mnemonic.take("or")) use(reduce, WarpOp::reduce_or);
    if (mnemonic.take("xor")) use(reduce, WarpOp::reduce_xor);
  }
}

constexpr std::uint16_t flops_per_thread(int m, int n, int k) {
  return static_cast<std::uint16_t>(2 * m * n * k / kWarp);
}

void decode_mma(Mnemonic& mnemonic, Instruction& in) {
  for (const char* fixed : {"sync", "aligned", "row", "col"}) mnemonic.take(fixed);
  if (mnemonic.take("m16n8k8") && mnemonic.take("tf32") && mnemonic.take("tf32")) {
    in.variant = static_cast<std::uint8_t>(MatrixShape::mma_m16n8k8_tf32);
    in.flops = flops_per_thread(16, 8, 8);
  } else if (mnemonic.take("m16n8k16") && mnemonic.take("bf16") && mnemonic.take("bf16")) {
    in.variant = static_cast<std::uint8_t>(MatrixShape::mma_m16n8k16_bf16);
    in.flops = flops_per_thread(16, 8, 16);
  } else {
    return;
  }
  mnemonic.take("f32");
  mnemonic.take("f32");
  in.work = Work::tensor;
  in.run = matrix_product;
  in.finish = finish_matrix_product;
}

void decode_wmma(Mnemonic& mnemonic, Instruction& in) {
  mnemonic.take("sync");
  mnemonic.take("aligned");
  const bool tf32 = mnemonic.take("m16n16k8");
  if (!tf32 && !mnemonic.take("m16n16k16")) return;
  const MatrixShape shape =
      tf32 ? MatrixShape::wmma_m16n16k8_tf32 : MatrixShape::wmma_m16n16k16_bf16;
  const char* const narrow = tf32 ? "tf32" : "bf16";
  if (mnemonic.take("mma")) {
    for (const char* order : {"row", "col", "row", "col"}) mnemonic.take(order);
    if (!mnemonic.take(narrow) || !mnemonic.take(narrow)) return;
    mnemonic.take("f32");
    mnemonic.take("f32");
    in.variant = static_cast<std::uint8_t>(shape);
    in.flops = flops_per_thread(16, 16, tf32 ? 8 : 16);
    in.work = Work::tensor;
    in.run = matrix_product;
    in.finish = finish_matrix_product;
    return;
  }
  const bool stores = mnemonic.take("store");
  if (!stores && !mnemonic.take("load")) return;
  const Operand operand = mnemonic.take("a")   ? Operand::a
                          : mnemonic.take("b") ? Operand::b
                                               : Operand::accumulator;
  mnemonic.take("c");
  mnemonic.take("d");
  const bool by_rows = mnemonic.take("row");
  mnemonic.take("col");
  const Space space = mnemonic.take("global")   ? Space::global
                      : mnemonic.take("shared") ? Space::shared
                                                : Space::generic;
  const std::string type = mnemonic.take_type();
  in.bytes = static_cast<std::uint8_t>(bytes_of_type(type));
  // The stride is always given in nvcc's code.
  in.count = static_cast<std::uint8_t>(in.operands.size() - 2);
  in.variant = pack_fragment({shape, operand, by_rows, space});
  in.work = Work::memory;
  in.run = stores ? store_fragment : load_fragment;
}

}  // namespace

void decode_together(Mnemonic& mnemonic, Instruction& in) {
  const std::string& base = mnemonic.base();
  if (base == "bra") {
    mnemonic.take("uni");
    in.work = Work::branch;
    if (in.target >= 0) in.run = branch;
  } else if (base == "ret" || base == "exit") {
    in.run = end_thread;
  } else if (base == "trap") {
    in.run = trap_here;
  } else if (base == "bar" || base == "barrier") {
    decode_barrier(mnemonic, in);
  } else if (base == "membar" || base == "fence") {
    mnemonic.take("acq_rel");
    mnemonic.take("sc");
    const bool device = mnemonic.take("gl") || mnemonic.take("gpu") || mnemonic.take("sys");
    if (!device && !mnemonic.take("cta")) return;
    in.run = device ? fence_here<FenceScope::device> : fence_here<FenceScope::block>;
  } else if (base == "shfl" || base == "vote" || base == "redux" || base == "match") {
    decode_warp(mnemonic, in);
  } else if (base == "mma") {
    decode_mma(mnemonic, in);
  } else if (base == "wmma") {
    decode_wmma(mnemonic, in);
  }
}

}  // namespace simt::ptx
