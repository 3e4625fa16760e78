#include "host/bench/machine.hpp"

#include <Eigen/Core>
#include <algorithm>
#include <chrono>
#include <cstring>
#include <fstream>
#include <memory>
#include <mutex>
#include <vector>

#include "host/core/error.hpp"
#include "host/core/interrupt.hpp"
#include "host/core/parallel.hpp"
#include "host/engine/simd/stages.hpp"

namespace polaris {
namespace {

constexpr int kGemmSize = 512;
constexpr std::size_t kCopyBytes = std::size_t{64} << 20;  // beyond the caches

std::string cpu_model() {
  std::ifstream in("/proc/cpuinfo");
  for (std::string line; std::getline(in, line);)
    if (line.rfind("model name", 0) == 0 && line.find(": ") != std::string::npos)
      return line.substr(line.find(": ") + 2);
  return "unknown";
}

/// The best of several: a core that was busy with something else is no peak.
double best_rate(int threads, double seconds,
                 const std::function<std::function<double()>()>& make) {
  constexpr int kRepeats = 3;
  double best = 0.0;
  for (int i = 0; i < kRepeats; ++i)
    best = std::max(best, parallel_rate(threads, seconds / kRepeats, make));
  return best;
}

}  // namespace

double parallel_rate(int threads, double seconds,
                     const std::function<std::function<double()>()>& make) {
  using Clock = std::chrono::steady_clock;
  std::mutex mutex;
  double rate = 0.0;
  parallel_for(threads, 1, threads, [&](std::int64_t, std::int64_t) {
    const std::function<double()> work = make();
    work();
    double items = 0.0;
    const auto start = Clock::now();
    std::chrono::duration<double> elapsed{0.0};
    do {
      items += work();
      elapsed = Clock::now() - start;
    } while (elapsed.count() < seconds && !interrupted());
    const std::lock_guard lock(mutex);
    rate += items / elapsed.count();
  });
  if (interrupted()) throw Failure("measuring interrupted");
  return rate;
}

MachinePeaks measure_machine(int threads, double seconds) {
  const simd::Stages& stages = simd::best_stages();
  MachinePeaks out{cpu_model(), stages.name, threads, 0.0, 0.0, 0.0};
  out.multiply_add_flops = best_rate(threads, seconds, [&stages] {
    return [&stages] {
      constexpr long kRounds = 1 << 16;
      return stages.multiply_adds(kRounds);
    };
  });
  out.gemm_flops = best_rate(threads, seconds, [] {
    struct Product {
      Eigen::MatrixXf a = Eigen::MatrixXf::Constant(kGemmSize, kGemmSize, 0.5f), b = a, c = a;
    };
    return [product = std::make_shared<Product>()] {
      product->c.noalias() = product->a * product->b;
      return 2.0 * kGemmSize * kGemmSize * kGemmSize;
    };
  });
  out.copy_bytes = best_rate(threads, seconds, [] {
    struct Memory {
      std::vector<char> from = std::vector<char>(kCopyBytes, 1), to = std::vector<char>(kCopyBytes);
    };
    return [memory = std::make_shared<Memory>()] {
      std::memcpy(memory->to.data(), memory->from.data(), kCopyBytes);
      ++memory->from[static_cast<std::size_t>(memory->to[0])];
      return 2.0 * static_cast<double>(kCopyBytes);
    };
  });
  return out;
}

}  // namespace polaris
