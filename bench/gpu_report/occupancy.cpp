#include "bench/gpu_report/occupancy.hpp"

#include <algorithm>
#include <map>

namespace polaris::gpu_report {

const Device& device_of(int arch) {
  // Sources: NVIDIA A100 data sheet (SXM, 80 GB) and "NVIDIA A100 Tensor Core GPU Architecture";
  // "NVIDIA H100 Tensor Core GPU Architecture" (SXM5). Shared memory: CUDA C++ Programming Guide,
  // "Technical Specifications per Compute Capability".
  static const std::map<int, Device> devices = {
      {80, {"A100", 80, 108, 164 * 1024, 1.41e9, 19.5e12, 9.7e12, 156e12, 312e12, 2.039e12}},
      {90, {"H100", 90, 132, 228 * 1024, 1.98e9, 66.9e12, 33.5e12, 494.7e12, 989.4e12, 3.352e12}}};
  return devices.at(arch);
}

double special_rate(const Device& device) { return 16.0 * device.multiprocessors * device.clock; }
double wavefront_rate(const Device& device) { return device.multiprocessors * device.clock; }
double issue_rate(const Device& device) { return 4.0 * device.multiprocessors * device.clock; }

Occupancy occupancy(const Device& device, int registers, int shared_bytes, int threads) {
  // Programming Guide, same table; units of allocation: NVIDIA, cuda_occupancy.h.
  constexpr int kWarpThreads = 32, kWarps = 64, kBlocks = 32;
  constexpr int kPartitions = 4, kRegistersOfPartition = 16384, kRegisterUnit = 256;
  constexpr int kReservedShared = 1024, kSharedUnit = 128;
  const auto rounded_up = [](int value, int unit) { return (value + unit - 1) / unit * unit; };
  const int warps = (threads + kWarpThreads - 1) / kWarpThreads;
  const int per_warp = rounded_up(std::max(registers, 1) * kWarpThreads, kRegisterUnit);
  const int by_registers = kRegistersOfPartition / per_warp * kPartitions / warps;
  const int by_shared =
      device.shared_bytes / rounded_up(shared_bytes + kReservedShared, kSharedUnit);
  const int by_threads = kWarps / warps;
  const int blocks = std::min({by_registers, by_shared, by_threads, kBlocks});
  const char* const limiter = blocks == by_registers ? "registers"
                              : blocks == by_shared  ? "shared memory"
                              : blocks == by_threads ? "threads"
                                                     : "blocks";
  return {blocks, static_cast<double>(blocks * warps) / kWarps, limiter};
}

}  // namespace polaris::gpu_report
