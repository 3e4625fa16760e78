// cuBLAS, cuSOLVER and Thrust as the engine calls them: a Gaussian process by Cholesky, products in
// reduced precision, a sort. Plain CUDA calls: the same source compiles against NVIDIA's headers.
#include <cublas_v2.h>
#include <cuda_bf16.h>
#include <cusolverDn.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "models/space/philox.hpp"
#include "tests/simt/control.hpp"
#include "tests/simt/device_copy.hpp"
#include "tests/simt/thrust_kernels.cuh"
#include "tests/simt/vocabulary_kernels.cuh"

namespace {

std::vector<float> random_floats(std::size_t count, std::uint64_t first) {
  std::vector<float> out(count);
  for (std::size_t i = 0; i < count; ++i)
    out[i] = static_cast<float>(polaris::uniform_below(2001, 3, 0, first + i)) / 1000.0f - 1.0f;
  return out;
}

class Libraries : public testing::Test {
 protected:
  void SetUp() override {
    POLARIS_CUDA(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking));
    ASSERT_EQ(cublasCreate(&blas_), CUBLAS_STATUS_SUCCESS);
    ASSERT_EQ(cusolverDnCreate(&solver_), CUSOLVER_STATUS_SUCCESS);
    ASSERT_EQ(cublasSetStream(blas_, stream_), CUBLAS_STATUS_SUCCESS);
    ASSERT_EQ(cusolverDnSetStream(solver_, stream_), CUSOLVER_STATUS_SUCCESS);
  }
  void TearDown() override {
    EXPECT_EQ(cublasDestroy(blas_), CUBLAS_STATUS_SUCCESS);
    EXPECT_EQ(cusolverDnDestroy(solver_), CUSOLVER_STATUS_SUCCESS);
    POLARIS_CUDA(cudaStreamDestroy(stream_));
  }

  cudaStream_t stream_ = nullptr;
  cublasHandle_t blas_ = nullptr;
  cusolverDnHandle_t solver_ = nullptr;
};

TEST_F(Libraries, PosteriorMeanOfAGaussianProcess) {
  constexpr int n = 24, queries = 9;
  const auto kernel = [](double a, double b) { return std::exp(-20 * (a - b) * (a - b)); };
  std::vector<double> k(n * n), kq(n * queries), y(n);
  for (int i = 0; i < n; ++i) {
    const auto at = static_cast<std::size_t>(i);
    y[at] = std::sin(6.0 * i / n);
    for (int j = 0; j < n; ++j)
      k[static_cast<std::size_t>(j * n + i)] =
          kernel(double(i) / n, double(j) / n) + (i == j ? 1e-4 : 0);
    for (int j = 0; j < queries; ++j)
      kq[static_cast<std::size_t>(j * n + i)] = kernel(double(i) / n, (j + 0.5) / queries);
  }
  double *factor = device_copy(k), *cross = device_copy(kq), *alpha = device_copy(y);
  double* const mean = device_copy(std::vector<double>(queries));
  int* const info = device_copy(std::vector<int>{-1});
  int elements = 0;
  ASSERT_EQ(cusolverDnDpotrf_bufferSize(solver_, CUBLAS_FILL_MODE_LOWER, n, factor, n, &elements),
            CUSOLVER_STATUS_SUCCESS);
  double* const work = device_copy(std::vector<double>(static_cast<std::size_t>(elements)));
  EXPECT_EQ(cusolverDnDpotrf(solver_, CUBLAS_FILL_MODE_LOWER, n, factor, n, work, elements, info),
            CUSOLVER_STATUS_SUCCESS);
  EXPECT_EQ(cusolverDnDpotrs(solver_, CUBLAS_FILL_MODE_LOWER, n, 1, factor, n, alpha, n, info),
            CUSOLVER_STATUS_SUCCESS);
  const double one = 1, zero = 0;
  EXPECT_EQ(cublasDgemv(blas_, CUBLAS_OP_T, n, queries, &one, cross, n, alpha, 1, &zero, mean, 1),
            CUBLAS_STATUS_SUCCESS);
  // Variance: 1 - |v|^2 with L v = kq.
  EXPECT_EQ(cublasDtrsm(blas_, CUBLAS_SIDE_LEFT, CUBLAS_FILL_MODE_LOWER, CUBLAS_OP_N,
                        CUBLAS_DIAG_NON_UNIT, n, queries, &one, factor, n, cross, n),
            CUBLAS_STATUS_SUCCESS);
  POLARIS_CUDA(cudaStreamSynchronize(stream_));
  EXPECT_EQ(host_copy(info, 1)[0], 0);
  const std::vector<double> got = host_copy(mean, queries), v = host_copy(cross, n * queries);
  for (std::size_t j = 0; j < queries; ++j) {
    EXPECT_NEAR(got[j], std::sin(6 * (static_cast<double>(j) + 0.5) / queries), 2e-2);
    double variance = 1;
    for (std::size_t i = 0; i < n; ++i) variance -= v[j * n + i] * v[j * n + i];
    EXPECT_GT(variance, 0);
    EXPECT_LT(variance, 0.05);
  }
  // potri: the inverse times the matrix is the identity.
  EXPECT_EQ(cusolverDnDpotri(solver_, CUBLAS_FILL_MODE_LOWER, n, factor, n, work, elements, info),
            CUSOLVER_STATUS_SUCCESS);
  POLARIS_CUDA(cudaStreamSynchronize(stream_));
  const std::vector<double> inverse = host_copy(factor, n * n);
  for (std::size_t i = 0; i < n; ++i) {
    double diagonal = 0;
    for (std::size_t l = 0; l < n; ++l)
      diagonal += inverse[l < i ? l * n + i : i * n + l] * k[i * n + l];
    EXPECT_NEAR(diagonal, 1, 1e-6);
  }
  EXPECT_NE(host_copy(work, 1)[0], host_copy(work, 1)[0]) << "the work area holds poison";
}

TEST_F(Libraries, ProductsInEveryPrecision) {
  constexpr std::size_t m = 7, n = 5, k = 33;
  const std::vector<float> a = random_floats(m * k, 0), b = random_floats(k * n, 500);
  std::vector<__nv_bfloat16> a16, b16;
  for (const float v : a) a16.push_back(__float2bfloat16_rn(v));
  for (const float v : b) b16.push_back(__float2bfloat16_rn(v));
  const float *da = device_copy(a), *db = device_copy(b);
  const __nv_bfloat16 *da16 = device_copy(a16), *db16 = device_copy(b16);
  struct Case {
    cublasComputeType_t compute;
    cudaDataType type;
    double bound;  ///< of the rounding of the inputs, times k
  };
  const float one = 1, zero = 0;
  for (const Case& c : {Case{CUBLAS_COMPUTE_32F, CUDA_R_32F, 1e-6},
                        Case{CUBLAS_COMPUTE_32F_FAST_TF32, CUDA_R_32F, 0x1p-11},
                        Case{CUBLAS_COMPUTE_32F_FAST_16BF, CUDA_R_32F, 0x1p-8},
                        Case{CUBLAS_COMPUTE_32F, CUDA_R_16BF, 0x1p-8}}) {
    float* const dc = device_copy(std::vector<float>(m * n));
    const bool narrow = c.type == CUDA_R_16BF;
    ASSERT_EQ(cublasGemmEx(blas_, CUBLAS_OP_N, CUBLAS_OP_T, m, n, k, &one,
                           narrow ? static_cast<const void*>(da16) : da, c.type, m,
                           narrow ? static_cast<const void*>(db16) : db, c.type, n, &zero, dc,
                           CUDA_R_32F, m, c.compute, CUBLAS_GEMM_DEFAULT),
              CUBLAS_STATUS_SUCCESS);
    POLARIS_CUDA(cudaStreamSynchronize(stream_));
    const std::vector<float> got = host_copy(dc, m * n);
    double largest = 0;
    for (std::size_t i = 0; i < m; ++i)
      for (std::size_t j = 0; j < n; ++j) {
        double exact = 0;
        for (std::size_t l = 0; l < k; ++l) exact += double{a[l * m + i]} * b[l * n + j];
        largest = std::max(largest, std::abs(got[j * m + i] - exact));
      }
    EXPECT_LE(largest, 2 * c.bound * k);
    EXPECT_GE(largest, c.bound / 100) << "more exact than the precision asked for";
  }
}

TEST_F(Libraries, WorkWaitsForItsStreamAndRangesAreChecked) {
  float* const a = device_copy(random_floats(12, 0));
  float* const c = device_copy(std::vector<float>(9));
  const float one = 1, zero = 0;
  EXPECT_EQ(cublasSsyrk(blas_, CUBLAS_FILL_MODE_LOWER, CUBLAS_OP_N, 3, 4, &one, a, 3, &zero, c, 3),
            CUBLAS_STATUS_SUCCESS);
  EXPECT_EQ(cudaStreamQuery(stream_), cudaErrorNotReady);
  POLARIS_CUDA(cudaStreamSynchronize(stream_));
  EXPECT_GT(host_copy(c, 9)[0], 0.0f);
  // One column too many.
  EXPECT_EQ(cublasSgemv(blas_, CUBLAS_OP_N, 3, 5, &one, a, 3, c, 1, &zero, c, 1),
            CUBLAS_STATUS_SUCCESS);
  EXPECT_EQ(cudaStreamSynchronize(stream_), cudaErrorInvalidValue);
  ASSERT_EQ(simt::reports().size(), 1u);
  EXPECT_EQ(simt::reports()[0].fault, simt::Fault::api);
  simt::clear_reports();
  EXPECT_EQ(cublasSgemv(blas_, CUBLAS_OP_N, 3, 4, &one, a, 2, c, 1, &zero, c, 1),
            CUBLAS_STATUS_INVALID_VALUE);
}

TEST_F(Libraries, ThrustSortsInStreamOrder) {
  const std::vector<float> keys = random_floats(64, 700);
  std::vector<int> values(keys.size());
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<int>(i);
  float* const device_keys = device_copy(keys);
  int* const device_values = device_copy(values);
  // A kernel before it and one behind: order shows in the result.
  queue_scale(device_keys, -1.0f, 0, stream_);
  sort_pairs(device_keys, device_values, static_cast<int>(keys.size()), stream_);
  queue_scale(device_keys, -2.0f, 0, stream_);
  POLARIS_CUDA(cudaStreamSynchronize(stream_));
  const std::vector<float> sorted = host_copy(device_keys, keys.size());
  const std::vector<int> order = host_copy(device_values, keys.size());
  EXPECT_TRUE(std::is_sorted(sorted.rbegin(), sorted.rend()));
  for (std::size_t i = 0; i < keys.size(); ++i)
    EXPECT_EQ(sorted[i], 2 * keys[static_cast<std::size_t>(order[i])]);
}

}  // namespace
