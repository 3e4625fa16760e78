// One kernel for each warp collective, all of one shape, so that one test compares them all.
#pragma once

#include <cuda_runtime.h>

/// What one lane of the only warp sees. Lanes outside `mask` do not take part.
struct WarpResults {
  unsigned shuffle, up, down, exchange;  ///< of value, by `argument` within `width` lanes
  unsigned ballot, sum, least, greatest;
  int any, all;
};

/// result[lane] for value[lane]; one warp.
void run_warp_operations(unsigned mask, int argument, int width, const unsigned* value,
                         WarpResults* result);
/// result[i] = threads of block i that hold a value below 100, by __syncthreads_count;
/// total: their sum over all blocks, by atomics.
void run_block_count(int blocks, int threads, const unsigned* value, unsigned* result,
                     unsigned* total);
