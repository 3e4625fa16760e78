// Candidates per second, end to end and, on a GPU, kernel by kernel against the device's own copy
// bandwidth and matrix product. One line of JSON per figure.
#include "bench/throughput.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <exception>

#include "bench/starlight_models.hpp"
#include "host/engine/cuda_engine.hpp"
#include "kernels/starlight_sketch.hpp"

namespace polaris {
namespace {

constexpr int kSamples[] = {256, 611, 1567};
constexpr int kBest = 1000;
constexpr double kLeastSeconds = 1.0;

/// Doubles the range until the search for the k best takes long enough to be timed.
void measure_top_k(Engine& engine, const StarlightModel& model) {
  const Acquisition acquisition{AcquisitionKind::lower_confidence_bound, 0.0, 2.0};
  // From the first feasible point on: some ranges hold nothing but infeasible ones.
  const std::uint64_t begin = feasible(1, 4)[0];
  for (std::uint64_t count = 1 << 14;; count *= 2) {
    const std::uint64_t end = std::min(space().size, begin + count);
    const auto start = std::chrono::steady_clock::now();
    engine.top_k(model, {space(), {}, begin, end}, acquisition, kBest);
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    if (seconds.count() < kLeastSeconds && end < space().size) continue;
    const int samples = model.tensors_f32().samples;
    print_rate(engine.name() == "cuda" ? "top_k, CUDA engine" : "top_k, CPU engine", samples,
               static_cast<double>(end - begin) / seconds.count(),
               candidate_flop(samples, std::min(samples, kPrefixRows)));
    return;
  }
}

}  // namespace

void print_rate(const char* what, int samples, double items_per_second, double flop_per_item) {
  fmt::print(
      "{{\"what\": \"{}\", \"samples\": {}, \"per_second\": {:.6g}, \"flop_per_item\": {:.6g}}}\n",
      what, samples, items_per_second, flop_per_item);
  std::fflush(stdout);
}

double candidate_flop(int samples, int rows) {
  constexpr double kEncoder = 2.0 * (EncoderLayout::size - kHidden1 - kHidden2 - kLatent),
                   kMatern = 25.0;
  return kEncoder + samples * (2.0 * kKernelInputs + kMatern + 2.0 * kMaxOutputs) +
         rows * (rows + 1.0);
}

double fit_step_flop(int samples) {
  constexpr double kEncoder = 3.0 * 2.0 * (EncoderLayout::size - kHidden1 - kHidden2 - kLatent),
                   kPair = 2.0 * kKernelInputs + 45.0, kRows = kKernelInputs + 1.0;
  const double n = samples;
  return n * kEncoder + 0.5 * n * (n + 1.0) * kPair + n * n * n + 2.0 * kRows * n * n;
}

}  // namespace polaris

int main() {
  using namespace polaris;
  try {
    const std::optional<std::string> missing = cuda_missing();
    if (missing) fmt::print(stderr, "no GPU ({}): measuring the CPU engine\n", *missing);
    const auto engine = make_engine(missing ? "cpu" : "cuda");
    for (const int samples : kSamples) {
      const StarlightModel model = quick_model(samples);
      measure_top_k(*engine, model);
      if (!missing) measure_kernels(model);
    }
  } catch (const std::exception& error) {
    fmt::print(stderr, "bench_throughput: {}\n", error.what());
    return 1;
  }
}
