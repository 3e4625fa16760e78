// The runtime API: what waits for what, limits, several devices. Where a wait is missing the result
// is wrong under some schedule; where it is there, under none.
#include <gtest/gtest.h>

#include <nvtx3/nvtx3.hpp>
#include <vector>

#include "tests/simt/control.hpp"
#include "tests/simt/device_copy.hpp"
#include "tests/simt/vocabulary_kernels.cuh"

namespace {

constexpr std::size_t kCount = 64;
constexpr std::uint64_t kSchedules = 16;

float* ones() { return device_copy(std::vector<float>(kCount, 1.0f)); }

/// A handle that ends with its scope.
template <class Handle, auto kCreate, unsigned kFlags, auto kDestroy>
class Own {
 public:
  Own() { POLARIS_CUDA(kCreate(&handle_, kFlags)); }
  ~Own() { kDestroy(handle_); }
  Own(const Own&) = delete;
  Own& operator=(const Own&) = delete;
  operator Handle() const { return handle_; }

 private:
  Handle handle_ = nullptr;
};
using OwnStream =
    Own<cudaStream_t, cudaStreamCreateWithFlags, cudaStreamNonBlocking, cudaStreamDestroy>;
using OwnEvent =
    Own<cudaEvent_t, cudaEventCreateWithFlags, cudaEventDisableTiming, cudaEventDestroy>;

/// The number of schedules under which `run` does not return `expected`.
template <class Run>
int wrong_results(float expected, Run run) {
  int wrong = 0;
  for (std::uint64_t seed = 0; seed < kSchedules; ++seed) {
    simt::set_seed(seed);
    wrong += run() != expected;
  }
  return wrong;
}

class SomeSchedule : public testing::Test {
 protected:
  void TearDown() override { simt::set_seed(0); }
};

float scale_on_one_copy_on_other(bool wait) {
  const OwnStream first, second;
  float *from = ones(), *to = ones();
  queue_scale(from, 2.0f, 0, first);
  if (wait) {
    const OwnEvent scaled;
    POLARIS_CUDA(cudaEventRecord(scaled, first));
    POLARIS_CUDA(cudaStreamWaitEvent(second, scaled, 0));
  }
  POLARIS_CUDA(cudaMemcpyAsync(to, from, kCount * 4, cudaMemcpyDeviceToDevice, second));
  POLARIS_CUDA(cudaStreamSynchronize(second));
  POLARIS_CUDA(cudaStreamSynchronize(first));
  return host_copy(to, kCount)[3];
}

TEST_F(SomeSchedule, EventsOrderStreams) {
  EXPECT_EQ(wrong_results(2.0f, [] { return scale_on_one_copy_on_other(true); }), 0);
  EXPECT_GT(wrong_results(2.0f, [] { return scale_on_one_copy_on_other(false); }), 0);
}

TEST(Runtime, EventQueryAndSynchronize) {
  const OwnStream stream;
  const OwnEvent event;
  float* const value = ones();
  queue_scale(value, 3.0f, 0, stream);
  POLARIS_CUDA(cudaEventRecord(event, stream));
  EXPECT_EQ(cudaEventQuery(event), cudaErrorNotReady);
  EXPECT_EQ(cudaStreamQuery(stream), cudaErrorNotReady);
  POLARIS_CUDA(cudaEventSynchronize(event));
  EXPECT_EQ(cudaEventQuery(event), cudaSuccess);
  float milliseconds = 0;
  EXPECT_EQ(cudaEventElapsedTime(&milliseconds, event, event), cudaErrorNotSupported);
  EXPECT_EQ(host_copy(value, 1)[0], 3.0f);
}

TEST(Runtime, PinnedMemoryIsCopiedLate) {
  const OwnStream stream;
  void* memory = nullptr;
  POLARIS_CUDA(cudaMallocHost(&memory, 2 * kCount * sizeof(float)));
  auto* const in = static_cast<float*>(memory);
  float* const out = in + kCount;
  for (std::size_t i = 0; i < kCount; ++i) in[i] = out[i] = 1.0f;
  float* const device = ones();
  POLARIS_CUDA(cudaMemcpyAsync(device, in, kCount * 4, cudaMemcpyHostToDevice, stream));
  in[5] = 7.0f;  // too early: the copy has not run
  POLARIS_CUDA(cudaMemcpyAsync(out, device, kCount * 4, cudaMemcpyDeviceToHost, stream));
  EXPECT_EQ(out[5], 1.0f);
  POLARIS_CUDA(cudaStreamSynchronize(stream));
  EXPECT_EQ(out[5], 7.0f);
  POLARIS_CUDA(cudaFreeHost(memory));
}

TEST(Runtime, CopyKindMustFit) {
  float* const device = ones();
  float host = 0;
  EXPECT_EQ(cudaMemcpy(device, &host, 4, cudaMemcpyDeviceToHost), cudaErrorInvalidValue);
  ASSERT_EQ(simt::reports().size(), 1u);
  simt::clear_reports();
}

/// Scales by 2 on `main`, and beside it another array by 3 on `side`; joined unless told not to.
cudaError_t capture(float* first, float* second, float factor, bool join, cudaGraph_t* graph) {
  const OwnStream main, side;
  const OwnEvent forked, joined;
  POLARIS_CUDA(cudaStreamBeginCapture(main, cudaStreamCaptureModeThreadLocal));
  queue_scale(first, factor, 0, main);
  POLARIS_CUDA(cudaEventRecord(forked, main));
  POLARIS_CUDA(cudaStreamWaitEvent(side, forked, 0));
  queue_scale(second, 3.0f, 0, side);
  POLARIS_CUDA(cudaEventRecord(joined, side));
  if (join) POLARIS_CUDA(cudaStreamWaitEvent(main, joined, 0));
  if (join) POLARIS_CUDA(cudaMemcpyAsync(first, second, 4, cudaMemcpyDeviceToDevice, main));
  return cudaStreamEndCapture(main, graph);
}

TEST_F(SomeSchedule, GraphsForkJoinAndUpdate) {
  for (std::uint64_t seed = 0; seed < kSchedules; ++seed) {
    simt::set_seed(seed);
    float *first = ones(), *second = ones();
    cudaGraph_t graph = nullptr;
    POLARIS_CUDA(capture(first, second, 2.0f, true, &graph));
    EXPECT_EQ(host_copy(first, 1)[0], 1.0f) << "a capture runs nothing";
    cudaGraphExec_t executable = nullptr;
    POLARIS_CUDA(cudaGraphInstantiate(&executable, graph, 0));
    POLARIS_CUDA(cudaGraphDestroy(graph));
    const OwnStream stream;
    POLARIS_CUDA(cudaGraphLaunch(executable, stream));
    POLARIS_CUDA(cudaGraphLaunch(executable, stream));
    POLARIS_CUDA(cudaStreamSynchronize(stream));
    EXPECT_EQ(host_copy(first, 2), (std::vector<float>{9.0f, 4.0f}));

    POLARIS_CUDA(capture(first, second, 0.5f, true, &graph));
    cudaGraphExecUpdateResultInfo result{};
    POLARIS_CUDA(cudaGraphExecUpdate(executable, graph, &result));
    EXPECT_EQ(result.result, cudaGraphExecUpdateSuccess);
    POLARIS_CUDA(cudaGraphDestroy(graph));
    POLARIS_CUDA(cudaGraphLaunch(executable, stream));
    POLARIS_CUDA(cudaStreamSynchronize(stream));
    EXPECT_EQ(host_copy(first, 2), (std::vector<float>{27.0f, 2.0f}));
    POLARIS_CUDA(cudaGraphExecDestroy(executable));
  }
}

TEST(Runtime, CaptureErrors) {
  float *first = ones(), *second = ones();
  cudaGraph_t graph = nullptr;
  EXPECT_EQ(capture(first, second, 2.0f, false, &graph), cudaErrorStreamCaptureUnjoined);
  const OwnStream stream;
  POLARIS_CUDA(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal));
  EXPECT_EQ(cudaStreamSynchronize(stream), cudaErrorStreamCaptureUnsupported);
  EXPECT_EQ(cudaStreamEndCapture(stream, &graph), cudaErrorStreamCaptureInvalidated);
  EXPECT_EQ(cudaStreamBeginCapture(nullptr, cudaStreamCaptureModeGlobal),
            cudaErrorStreamCaptureUnsupported);
}

TEST(Runtime, MemoryLimit) {
  std::size_t free = 0, total = 0;
  POLARIS_CUDA(cudaMemGetInfo(&free, &total));
  const std::size_t used = total - free;
  simt::set_memory_limit(used + 4096);
  void *first = nullptr, *second = nullptr;
  EXPECT_EQ(cudaMalloc(&first, 4096), cudaSuccess);
  EXPECT_EQ(cudaMalloc(&second, 1), cudaErrorMemoryAllocation);
  EXPECT_EQ(cudaGetLastError(), cudaErrorMemoryAllocation);
  EXPECT_STREQ(cudaGetErrorString(cudaErrorMemoryAllocation), "out of memory");
  POLARIS_CUDA(cudaMemGetInfo(&free, &total));
  EXPECT_EQ(free, 0u);
  POLARIS_CUDA(cudaFree(first));
  EXPECT_EQ(cudaMalloc(&second, 1), cudaSuccess);
  POLARIS_CUDA(cudaFree(second));
  simt::set_memory_limit(std::size_t{1} << 30);
}

TEST(Runtime, SharedMemoryBeyond48KiBNeedsAnOptIn) {
  float* const value = ones();
  constexpr std::size_t kMuch = 100 * 1024;
  EXPECT_EQ(launch_scale_raw(value, kMuch), cudaErrorInvalidValue);
  queue_scale(value, 2.0f, kMuch, nullptr);
  EXPECT_EQ(host_copy(value, 1)[0], 2.0f);
}

class TwoDevices : public testing::Test {
 protected:
  void SetUp() override { simt::set_device_count(2); }
  void TearDown() override {
    POLARIS_CUDA(cudaSetDevice(0));
    simt::set_device_count(1);
  }
};

TEST_F(TwoDevices, EachHasItsMemoryAndStreams) {
  int count = 0;
  POLARIS_CUDA(cudaGetDeviceCount(&count));
  ASSERT_EQ(count, 2);
  float* const first = ones();
  const OwnStream stream_of_first;
  POLARIS_CUDA(cudaSetDevice(1));
  float* const second = ones();
  queue_scale(second, 2.0f, 0, nullptr);
  EXPECT_EQ(host_copy(second, 1)[0], 2.0f);
  EXPECT_THROW(queue_scale(second, 2.0f, 0, stream_of_first), polaris::DeviceError);
  queue_scale(first, 2.0f, 0, nullptr);  // another device's memory
  EXPECT_EQ(cudaDeviceSynchronize(), cudaErrorLaunchFailure);
  ASSERT_GE(simt::reports().size(), 1u);
  EXPECT_EQ(simt::reports()[0].fault, simt::Fault::out_of_bounds);
  simt::clear_reports();
  // Copies know both.
  POLARIS_CUDA(cudaMemcpy(first, second, 4, cudaMemcpyDefault));
  EXPECT_EQ(host_copy(first, 1)[0], 2.0f);
}

TEST_F(TwoDevices, Properties) {
  cudaDeviceProp properties;
  POLARIS_CUDA(cudaGetDeviceProperties(&properties, 1));
  EXPECT_NE(std::string(properties.name).find("emulated"), std::string::npos);
  EXPECT_EQ(properties.warpSize, 32);
  EXPECT_EQ(cudaSetDevice(2), cudaErrorInvalidDevice);
  EXPECT_STREQ(cudaGetErrorName(cudaErrorInvalidDevice), "cudaErrorInvalidDevice");
  simt::set_device_count(0);
  int count = 0;
  EXPECT_EQ(cudaGetDeviceCount(&count), cudaErrorNoDevice);
  simt::set_device_count(2);
}

struct Domain {
  static constexpr const char* name = "test";
};

TEST(Nvtx, RangesNest) {
  simt::clear_ranges();
  {
    const nvtx3::scoped_range_in<Domain> outer("outer");
    const nvtx3::scoped_range_in<Domain> inner("inner");
  }
  { const nvtx3::scoped_range after("after"); }
  ASSERT_EQ(simt::ranges().size(), 3u);
  EXPECT_EQ(simt::ranges()[1].name, "inner");
  EXPECT_EQ(simt::ranges()[1].depth, 1);
  EXPECT_EQ(simt::ranges()[2].depth, 0);
}

}  // namespace
