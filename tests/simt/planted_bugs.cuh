// Kernels with one planted bug each, and their sound twins: what the executor must and must not
// report.
#pragma once

#include <cuda_runtime.h>

#include <optional>
#include <vector>

#include "tests/simt/control.hpp"

inline constexpr int kPlantThreads = 128;  ///< of the one block, and length of input and output

struct Plant {
  const char* name;
  void (*run)(const float* input, float* output);   ///< queues the kernel on the default stream
  std::optional<simt::Fault> checked;               ///< what the checked build reports; none: sound
  std::optional<simt::Fault> plain = std::nullopt;  ///< what the plain build is sure to report
};

const std::vector<Plant>& plants();

/// The two halves of errors that concern the host.
void launch_copy(const float* input, float* output, cudaStream_t stream, int threads,
                 int shared_bytes);
