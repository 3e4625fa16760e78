// Kernels with one planted bug each, and their sound twins: what the executor must and must not
// report.
#pragma once

#include <cuda_runtime.h>

#include <optional>
#include <vector>

#include "tests/simt/control.hpp"

inline constexpr int kPlantThreads = 128;  ///< of the one block, and length of input and output

/// What a way of running a kernel is sure to report; nothing is promised where it is empty.
struct Seen {
  std::optional<simt::Fault> checked;  ///< in the checked build
  std::optional<simt::Fault> ptx;      ///< interpreted, with SIMT_PTX_CHECK=1
  std::optional<simt::Fault> plain;    ///< in the plain build
  bool sound = false;                  ///< no bug: nothing may be reported
};

struct Plant {
  const char* name;
  void (*run)(const float* input, float* output);  ///< queues the kernel on the default stream
  Seen seen;
};

const std::vector<Plant>& plants();

/// Takes for granted that lane l holds elements 8 l to 8 l + 7 of a warp matrix fragment: copies
/// input[0, 256) to output by way of one.
void launch_fragment_copy(const float* input, float* output);
/// The kernels' halves of errors that concern the host.
void launch_copy(const float* input, float* output, cudaStream_t stream, int threads,
                 int shared_bytes);
