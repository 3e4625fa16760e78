// A fit on emulated devices that are too small, or not there.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "host/core/error.hpp"
#include "tests/kernels/fit_fixture.hpp"
#include "tests/simt/control.hpp"

namespace polaris {
namespace {

/// Emulated devices as a test leaves them to the next.
class CudaFit : public testing::Test {
 protected:
  void TearDown() override {
    simt::set_device_count(1);
    simt::set_memory_limit(std::size_t{1} << 30);
  }

  static std::string failure(const FitProblem& problem) {
    try {
      make_cuda_likelihood(problem);
    } catch (const Failure& error) {
      return error.what();
    }
    return "none";
  }
};

TEST_F(CudaFit, SaysThatSamplesDoNotFitIntoMemory) {
  simt::set_memory_limit(std::size_t{1} << 20);
  EXPECT_THAT(failure(fit_problem({.samples = 400})),
              testing::AllOf(testing::HasSubstr("CUDA fit of 400 samples: expected room"),
                             testing::HasSubstr("1280000 bytes for the covariance"),
                             testing::HasSubstr("cudaErrorMemoryAllocation")));
}

TEST_F(CudaFit, PassesOnWhatTheDeviceSays) {
  simt::set_device_count(0);
  EXPECT_THAT(failure(fit_problem({.samples = 3})), testing::HasSubstr("cudaErrorInvalidDevice"));
}

}  // namespace
}  // namespace polaris
