// The k best of a stream of candidates, kept by one thread block.
//
// items[0, capacity)             the best so far in ranking order, no_candidate() behind them
// items[capacity, 2 * capacity)  candidates that beat the k-th best and wait to be merged
//
// A candidate costs one comparison with the k-th best, held in registers; the few that pass are
// appended. When the room might not last for another round, the waiting half is sorted and merged
// (bitonic network; Batcher, AFIPS 1968). The ranking is total, so neither the order of appending
// nor that of merging shows in the result.
#pragma once

#include <cuda_runtime.h>

#include <cstddef>

#include "models/space/scored_index.hpp"

namespace polaris {

inline constexpr int kMaxSharedTopK = 1024;  ///< two lists of it are 32 KiB of shared memory

/// Length of the two lists: a power of two for the network, room for k and for one round of a
/// block. Twice the round at least, so that merging is not due after every round.
POLARIS_HD constexpr int top_k_capacity(int k, unsigned threads) {
  int capacity = 2 * static_cast<int>(threads);
  while (capacity < k) capacity *= 2;
  return capacity;
}

/// Entries of the two lists together.
POLARIS_HD constexpr std::size_t top_k_items(int k, unsigned threads) {
  return 2 * static_cast<std::size_t>(top_k_capacity(k, threads));
}

/// Every member must be called by all kThreads threads of the block together.
template <unsigned kThreads>
class BlockTopK {
 public:
  /// `items`: top_k_items(k) entries of shared memory, or of device memory where that is too small;
  /// `waiting`: a shared counter. Candidates that do not rank before `bound` are dropped. `initial`
  /// (k entries in ranking order) is kept from the start; null: nothing is.
  __device__ BlockTopK(ScoredIndex* items, unsigned* waiting, int k, ScoredIndex bound,
                       const ScoredIndex* initial)
      : items_(items),
        waiting_(waiting),
        k_(k),
        capacity_(static_cast<unsigned>(top_k_capacity(k, kThreads))),
        bound_(bound),
        appended_(0) {
    for (unsigned i = threadIdx.x; i < capacity_; i += kThreads)
      items_[i] = initial != nullptr && i < static_cast<unsigned>(k) ? initial[i] : no_candidate();
    if (threadIdx.x == 0) *waiting_ = 0;
    __syncthreads();
  }

  /// Each thread offers one candidate, no_candidate() if it has none.
  __device__ void offer(const ScoredIndex& candidate) {
    const bool passes = is_candidate(candidate) && ranks_before(candidate, bound_);
    if (passes) items_[capacity_ + atomicAdd(waiting_, 1u)] = candidate;
    // The count comes back from the barrier, not from *waiting_: threads that go on may already be
    // appending for the next round while others have not read it yet.
    appended_ += static_cast<unsigned>(__syncthreads_count(passes));
    if (appended_ + kThreads > capacity_) merge();
  }

  /// Writes the k best to out[0, k).
  __device__ void finish(ScoredIndex* out) {
    if (appended_ > 0) merge();
    for (unsigned i = threadIdx.x; i < static_cast<unsigned>(k_); i += kThreads) out[i] = items_[i];
  }

 private:
  /// Puts items_[low] and items_[high] in ranking order, or in the reverse.
  __device__ void order(unsigned low, unsigned high, bool reverse) {
    const ScoredIndex a = items_[low], b = items_[high];
    if (ranks_before(b, a) != reverse) {
      items_[low] = b;
      items_[high] = a;
    }
  }

  /// One step of the network over the list from `first`: pairs `stride` apart. Of the runs of
  /// `run` elements every second one is ordered in reverse; 0: none is.
  __device__ void step(unsigned first, unsigned stride, unsigned run) {
    for (unsigned i = threadIdx.x; i < capacity_ / 2; i += kThreads) {
      const unsigned low = 2 * i - (i & (stride - 1));
      order(first + low, first + low + stride, (low & run) != 0);
    }
    __syncthreads();
  }

  __device__ void merge() {
    for (unsigned i = appended_ + threadIdx.x; i < capacity_; i += kThreads)
      items_[capacity_ + i] = no_candidate();
    if (threadIdx.x == 0) *waiting_ = 0;
    appended_ = 0;
    __syncthreads();
    for (unsigned run = 2; run <= capacity_; run *= 2)
      for (unsigned stride = run / 2; stride > 0; stride /= 2) step(capacity_, stride, run);
    // Read backwards, the second list makes the two one sequence that rises and then falls. The
    // better ones of its pairs half a length apart are the best of all, again rising and falling.
    for (unsigned i = threadIdx.x; i < capacity_; i += kThreads) {
      const ScoredIndex other = items_[2 * capacity_ - 1 - i];
      if (ranks_before(other, items_[i])) items_[i] = other;
    }
    // No barrier: the first step pairs elements that the same thread has just written.
    for (unsigned stride = capacity_ / 2; stride > 0; stride /= 2) step(0, stride, 0);
    const ScoredIndex last = items_[k_ - 1];
    if (ranks_before(last, bound_)) bound_ = last;
  }

  ScoredIndex* items_;
  unsigned* waiting_;
  int k_;
  unsigned capacity_;
  ScoredIndex bound_;
  unsigned appended_;  ///< the value of *waiting_ between rounds, the same in every thread
};

}  // namespace polaris
