// Limits of the devices we report on, and how many blocks of a kernel fit a multiprocessor.
#pragma once

#include <string>

namespace polaris::gpu_report {

/// Figures of a data sheet: dense, with boost clock, a multiply-add counted as two.
struct Device {
  std::string name;
  int arch;
  int multiprocessors;
  int shared_bytes;               ///< of a multiprocessor
  double clock;                   ///< Hz
  double fp32, fp64, tf32, bf16;  ///< flop/s
  double bandwidth;               ///< of DRAM, byte/s
};

/// The device of an architecture: 80 is A100, 90 is H100. Throws std::out_of_range for others.
const Device& device_of(int arch);

/// Special functions per second: 16 lanes in each multiprocessor.
double special_rate(const Device& device);
/// Instructions of warps per second: four schedulers in each multiprocessor.
double issue_rate(const Device& device);
/// Accesses of warps to shared memory per second, free of bank conflicts: one a cycle.
double wavefront_rate(const Device& device);

struct Occupancy {
  int blocks;           ///< on a multiprocessor
  double warps;         ///< share of the 64 that a multiprocessor holds
  const char* limiter;  ///< "registers", "shared memory", "threads" or "blocks"
};
/// For 32-thread warps; shared_bytes: static and dynamic of a block.
Occupancy occupancy(const Device& device, int registers, int shared_bytes, int threads);

}  // namespace polaris::gpu_report
