// Warp collectives. The mask is a promise that all its lanes come: the last one to arrive computes
// the result of all. Unlike barriers they order no memory, save __syncwarp.
#include <algorithm>

#include "tests/simt/executor.hpp"

namespace simt {
namespace {

/// What a shuffle yields for a lane outside the mask: undefined, so nothing useful.
constexpr std::uint64_t kUndefined = ~std::uint64_t{0};

Thread& lane_of(int warp, int lane) {
  return block.threads[static_cast<std::size_t>(warp * kWarp + lane)];
}

bool has(unsigned mask, int lane) { return (mask >> lane & 1u) != 0; }

std::int32_t as_signed(std::uint64_t value) { return static_cast<std::int32_t>(value); }

/// Votes and reductions: one result for all.
std::uint64_t combine(WarpOp op, int warp, unsigned lanes) {
  std::uint64_t out = 0;
  bool first = true;
  for (int l = 0; l < kWarp; ++l) {
    if (!has(lanes, l)) continue;
    const std::uint64_t value = lane_of(warp, l).value;
    switch (op) {
      case WarpOp::ballot:
        out |= value << l;
        break;
      case WarpOp::any:
        out |= value;
        break;
      case WarpOp::all:
        out = first ? value : out & value;
        break;
      case WarpOp::reduce_add:
        out = static_cast<std::uint32_t>(out + value);
        break;
      case WarpOp::reduce_min:
        out = first ? value : std::min(out, value);
        break;
      case WarpOp::reduce_max:
        out = std::max(out, value);
        break;
      case WarpOp::reduce_signed_min:
        out = first ? value : as_signed(value) < as_signed(out) ? value : out;
        break;
      case WarpOp::reduce_signed_max:
        out = first ? value : as_signed(value) > as_signed(out) ? value : out;
        break;
      case WarpOp::reduce_and:
        out = first ? value : out & value;
        break;
      case WarpOp::reduce_or:
        out |= value;
        break;
      case WarpOp::reduce_xor:
        out ^= value;
        break;
      default:
        break;
    }
    first = false;
  }
  return out;
}

/// The lane that a shuffle reads: within its segment of `width` lanes, else its own.
int source_lane(const Thread& thread) {
  const int segment = thread.lane & ~(thread.width - 1);
  const int limit = segment + thread.width;
  int source = thread.lane;
  switch (thread.op) {
    case WarpOp::shuffle:
      return segment + (thread.argument & (thread.width - 1));
    case WarpOp::shuffle_up:
      source -= thread.argument;
      return source < segment ? thread.lane : source;
    case WarpOp::shuffle_down:
      source += thread.argument;
      break;
    case WarpOp::shuffle_xor:
      source ^= thread.argument;
      break;
    default:
      break;
  }
  return source >= limit ? thread.lane : source;
}

void shuffle(int warp, unsigned lanes) {
  for (int l = 0; l < kWarp; ++l) {
    if (!has(lanes, l)) continue;
    Thread& thread = lane_of(warp, l);
    const int source = source_lane(thread);
    if (has(lanes, source)) {
      thread.result = lane_of(warp, source).value;
      continue;
    }
    report(Fault::warp, static_cast<std::uintptr_t>(thread.line),
           "shuffle at line %d: lane %d reads lane %d, which does not take part (mask %08x)",
           thread.line, l, source, lanes);
    thread.result = kUndefined;
  }
}

/// Each lane's result: the lanes that hold its value.
void match(int warp, unsigned lanes) {
  for (int l = 0; l < kWarp; ++l) {
    if (!has(lanes, l)) continue;
    unsigned same = 0;
    for (int k = 0; k < kWarp; ++k)
      if (has(lanes, k) && lane_of(warp, k).value == lane_of(warp, l).value) same |= 1u << k;
    lane_of(warp, l).result = same;
  }
}

}  // namespace

bool complete_warp_op(int warp, unsigned mask) {
  const int size = std::min(kWarp, block.size - warp * kWarp);
  unsigned lanes = 0;  // that take part: lanes that have exited are excused
  const Thread* first = nullptr;
  for (int l = 0; l < size; ++l) {
    if (!has(mask, l)) continue;
    const Thread& thread = lane_of(warp, l);
    if (thread.state == State::done) continue;
    if (thread.state != State::at_warp_op || thread.mask != mask) return false;
    if (first == nullptr) first = &thread;
    lanes |= 1u << l;
  }
  if (first == nullptr) return false;
  for (int l = 0; l < size; ++l) {
    const Thread& thread = lane_of(warp, l);
    if (has(lanes, l) && (thread.op != first->op || thread.line != first->line))
      report(Fault::warp, static_cast<std::uintptr_t>(first->line),
             "lanes of one warp meet at different operations: line %d and line %d", first->line,
             thread.line);
  }
  switch (first->op) {
    case WarpOp::sync:
      check_syncwarp(warp, lanes);
      break;
    case WarpOp::shuffle:
    case WarpOp::shuffle_up:
    case WarpOp::shuffle_down:
    case WarpOp::shuffle_xor:
      shuffle(warp, lanes);
      break;
    case WarpOp::match:
      match(warp, lanes);
      break;
    case WarpOp::converge:
      break;
    case WarpOp::matrix:
      multiply_fragments(warp, lanes);
      break;
    default: {
      const std::uint64_t result = combine(first->op, warp, lanes);
      for (int l = 0; l < size; ++l)
        if (has(lanes, l)) lane_of(warp, l).result = result;
    }
  }
  for (int l = 0; l < size; ++l)
    if (has(lanes, l)) lane_of(warp, l).state = State::ready;
  return true;
}

bool arrive_at_warp_op(WarpOp op, unsigned mask, std::uint64_t value, int argument, int width,
                       int line) {
  Thread& thread = *current();
  if (!has(mask, thread.lane)) {
    report(Fault::warp, static_cast<std::uintptr_t>(line),
           "warp operation at line %d: lane %d is not in its own mask %08x", line, thread.lane,
           mask);
    thread.result = kUndefined;
    return false;
  }
  thread.op = op;
  thread.mask = mask;
  thread.value = value;
  thread.argument = argument;
  thread.width = width;
  thread.line = line;
  thread.state = State::at_warp_op;
  complete_warp_op(thread.warp, mask);
  return true;
}

std::uint64_t warp_op(WarpOp op, unsigned mask, std::uint64_t value, int argument, int width,
                      int line) {
  const InExecutor scope;
  if (arrive_at_warp_op(op, mask, value, argument, width, line)) wait();
  return current()->result;
}

}  // namespace simt
