// Kernels one by one, timed by CUDA events after a warm-up; the best of several runs.
#include <cublas_v2.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <limits>
#include <numeric>
#include <stdexcept>

#include "bench/any_fit.hpp"
#include "bench/starlight_models.hpp"
#include "bench/throughput.hpp"
#include "host/engine/posterior_view.hpp"
#include "kernels/device/device_space.hpp"
#include "kernels/device/score_lane.hpp"
#include "kernels/feasible_candidates.cuh"
#include "kernels/select_top_k.cuh"

namespace polaris {
namespace {

constexpr std::uint32_t kTile = 1 << 18;
constexpr int kRuns = 5;

/// Seconds of the fastest run of what `queue` queues.
double best_time(const DeviceStream& stream, const std::function<void()>& queue) {
  cudaEvent_t begin = nullptr, end = nullptr;
  POLARIS_CUDA(cudaEventCreate(&begin));
  POLARIS_CUDA(cudaEventCreate(&end));
  double best = std::numeric_limits<double>::infinity();
  for (int run = 0; run <= kRuns; ++run) {
    POLARIS_CUDA(cudaEventRecord(begin, stream.get()));
    queue();
    POLARIS_CUDA(cudaEventRecord(end, stream.get()));
    POLARIS_CUDA(cudaEventSynchronize(end));
    float milliseconds = 0.0f;
    POLARIS_CUDA(cudaEventElapsedTime(&milliseconds, begin, end));
    if (run > 0) best = std::min(best, 1e-3 * static_cast<double>(milliseconds));
  }
  cudaEventDestroy(begin);
  cudaEventDestroy(end);
  return best;
}

void measure_copy(const DeviceStream& stream) {
  constexpr std::size_t kBytes = std::size_t{1} << 30;
  DeviceBuffer<std::byte> from(kBytes, "bench"), to(kBytes, "bench");
  const double seconds = best_time(stream, [&] {
    POLARIS_CUDA(
        cudaMemcpyAsync(to.data(), from.data(), kBytes, cudaMemcpyDeviceToDevice, stream.get()));
  });
  print_rate("copy, bytes read and written", 0, 2.0 * kBytes / seconds, 0.0);
}

void measure_gemm(const DeviceStream& stream) {
  constexpr int kSize = 8192;
  const auto check = [](cublasStatus_t status) {
    if (status != CUBLAS_STATUS_SUCCESS) throw std::runtime_error(cublasGetStatusString(status));
  };
  DeviceBuffer<float> a(kSize * kSize, "bench"), b(kSize * kSize, "bench"),
      c(kSize * kSize, "bench");
  a.upload(std::vector<float>(kSize * kSize, 1.0f), stream);
  b.upload(std::vector<float>(kSize * kSize, 1.0f), stream);
  cublasHandle_t handle = nullptr;
  check(cublasCreate(&handle));
  check(cublasSetStream(handle, stream.get()));
  const float one = 1.0f, zero = 0.0f;
  const double seconds = best_time(stream, [&] {
    check(cublasSgemm(handle, CUBLAS_OP_N, CUBLAS_OP_N, kSize, kSize, kSize, &one, a.data(), kSize,
                      b.data(), kSize, &zero, c.data(), kSize));
  });
  cublasDestroy(handle);
  print_rate("float32 GEMM, flop", 0, 2.0 * kSize * kSize * kSize / seconds, 1.0);
}

template <typename T>
void measure_score(ScoreLane& lane, const CandidateSource& source, const CandidateTile* tile,
                   BasicPrediction<T>* out, int samples, ScreenPrecision precision,
                   ScoreDepth depth, const char* what) {
  auto params = lane.workbench<T>().params(source, tile, depth);
  params.precision = precision;
  const int first = std::min(samples, kPrefixRows);
  const int seen = depth == ScoreDepth::sketch ? first : samples;
  const int rows = depth == ScoreDepth::whole ? samples : first;
  params.output = ScoreOutput::predictions;
  params.predictions = out;
  const double seconds = best_time(lane.stream(), [&] { starlight_score(params, lane.stream()); });
  print_rate(what, samples, kTile / seconds, candidate_flop(seen, rows));
}

/// Steps of a fit, as the host sees them: parameters up, value and gradient down.
void measure_fit(int samples) {
  constexpr int kSteps = 20;
  const AnyFit fit(samples);
  std::vector<double> gradient(fit.parameters.size());
  StarlightFitter fitter(fit.data());
  double best = std::numeric_limits<double>::infinity();
  for (int step = 0; step < kSteps; ++step) {
    const auto start = std::chrono::steady_clock::now();
    fitter.evaluate(fit.parameters, step, gradient);
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    if (step > 0) best = std::min(best, seconds.count());
  }
  print_rate("fit step, float64", samples, 1.0 / best, fit_step_flop(samples));
}

}  // namespace

void measure_kernels(const StarlightModel& model) {
  const int samples = model.tensors_f32().samples;
  ScoreLane lane(1 << 20, 0);
  const DeviceStream& stream = lane.stream();
  measure_copy(stream);
  measure_gemm(stream);

  const PosteriorView<double> f64 = posterior_view(model.tensors_f64());
  const StarlightSketch sketch = sketch_of(f64);
  lane.attach(std::make_shared<const DeviceModel<float>>(posterior_view(model.tensors_f32()),
                                                         sketch, stream),
              std::make_shared<const DeviceModel<double>>(f64, sketch, stream));
  const DeviceSpace device_space(space(), stream);
  DeviceBuffer<std::uint64_t> indices(kTile, "bench");
  indices.upload(feasible(kTile, 5), stream);
  DeviceBuffer<CandidateTile> tile(1, "bench");
  tile.upload(std::vector<CandidateTile>{{0, kTile}}, stream);
  const CandidateSource source{device_space.view(), nullptr, indices.data(), 0, 1};

  DeviceBuffer<std::uint32_t> places(kTile, "bench"), size(1, "bench");
  const double decode_seconds = best_time(stream, [&] {
    POLARIS_CUDA(cudaMemsetAsync(size.data(), 0, sizeof(std::uint32_t), stream.get()));
    feasible_candidates({.source = source,
                         .tile = tile.data(),
                         .lists = {{places.data(), size.data()}},
                         .blocks = lane.thread_blocks()},
                        stream);
  });
  print_rate("feasible_candidates", 0, kTile / decode_seconds, 0.0);

  DeviceBuffer<Prediction> single(kTile, "bench");
  DeviceBuffer<ExactPrediction> exact(kTile, "bench");
  const auto screen = [&](ScreenPrecision precision, ScoreDepth depth, const char* what) {
    measure_score(lane, source, tile.data(), single.data(), samples, precision, depth, what);
  };
  screen(ScreenPrecision::fp32, ScoreDepth::sketch, "starlight_score, float32, sketch");
  screen(ScreenPrecision::fp32, ScoreDepth::bound,
         "starlight_score, float32, bound on the variance");
  screen(ScreenPrecision::fp32, ScoreDepth::whole, "starlight_score, float32, whole variance");
  screen(ScreenPrecision::tf32, ScoreDepth::bound,
         "starlight_score, 3xTF32, bound on the variance");
  screen(ScreenPrecision::tf32, ScoreDepth::whole, "starlight_score, 3xTF32, whole variance");
  screen(ScreenPrecision::bf16, ScoreDepth::whole, "starlight_score, 3xBF16, whole variance");
  measure_score(lane, source, tile.data(), exact.data(), samples, ScreenPrecision::fp64,
                ScoreDepth::whole, "starlight_score, float64, whole variance");

  constexpr int kBest = 1000;
  std::vector<ScoredIndex> scored;
  for (std::uint32_t i = 0; i < kTile; ++i) scored.push_back({static_cast<double>(i), i});
  DeviceBuffer<ScoredIndex> candidates(kTile, "bench"), best(kBest, "bench"),
      workspace(select_top_k_workspace(kBest), "bench");
  candidates.upload(scored, stream);
  best.upload(std::vector<ScoredIndex>(kBest, no_candidate()), stream);
  size.upload(std::vector<std::uint32_t>{kTile}, stream);
  const double select_seconds = best_time(stream, [&] {
    select_top_k({.candidates = candidates.data(),
                  .count = size.data(),
                  .k = kBest,
                  .best = best.data(),
                  .workspace = workspace.data()},
                 stream);
  });
  print_rate("select_top_k", 0, kTile / select_seconds, 0.0);
  measure_fit(samples);
}

}  // namespace polaris
