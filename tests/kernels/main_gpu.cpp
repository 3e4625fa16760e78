// The main() of the kernels' tests on a real GPU. Without one every test is skipped, with CUDA's
// own reason.
#include <cuda_runtime.h>
#include <gtest/gtest.h>

namespace {

class NeedsGpu : public testing::Environment {
  void SetUp() override {
    int devices = 0;
    const cudaError_t error = cudaGetDeviceCount(&devices);
    if (error != cudaSuccess) GTEST_SKIP() << "no usable GPU: " << cudaGetErrorString(error);
    if (devices == 0) GTEST_SKIP() << "no GPU";
  }
};

}  // namespace

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  testing::AddGlobalTestEnvironment(new NeedsGpu);
  return RUN_ALL_TESTS();
}
