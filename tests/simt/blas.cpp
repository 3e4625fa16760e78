// cuBLAS on the host's BLAS: the arguments mean the same.
#include <cublas_v2.h>
#include <cuda_bf16.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "simt/library.hpp"
#include "simt/matrix.hpp"
#include "tests/simt/executor.hpp"
#include "tests/simt/fortran.hpp"

struct cublasContext {
  cudaStream_t stream = nullptr;
  cublasPointerMode_t pointers = CUBLAS_POINTER_MODE_HOST;
  cublasMath_t math = CUBLAS_DEFAULT_MATH;
  void* workspace = nullptr;
  std::size_t workspace_bytes = 0;
};

namespace simt {
namespace {

/// alpha or beta: read when called where it lies on the host, when run where on the device.
template <class T>
class Scalar {
 public:
  Scalar(const cublasContext& context, const void* value)
      : device_(context.pointers == CUBLAS_POINTER_MODE_DEVICE ? static_cast<const T*>(value)
                                                               : nullptr),
        host_(device_ == nullptr ? *static_cast<const T*>(value) : T{}) {}
  T operator()() const { return device_ == nullptr ? host_ : *device_; }
  Extent extent() const { return {device_, device_ == nullptr ? 0 : sizeof(T), false}; }

 private:
  const T* device_;
  T host_;
};

cublasStatus_t call(const cublasContext& context, const char* name, std::vector<Extent> extents,
                    std::function<void()> work) {
  extents.push_back({context.workspace, context.workspace_bytes, false});
  const cudaError_t error =
      library_call(context.stream, name, std::move(extents), [work = std::move(work), context] {
        if (context.workspace_bytes > 0)
          std::memset(context.workspace, kPoison, context.workspace_bytes);
        work();
      });
  return error == cudaSuccess ? CUBLAS_STATUS_SUCCESS : CUBLAS_STATUS_EXECUTION_FAILED;
}

bool too_small(int stride, int rows) { return stride < std::max(1, rows); }

/// What a product makes of its inputs' elements.
enum class Rounding { none, tf32, bfloat16 };

float rounded(float value, Rounding rounding) {
  switch (rounding) {
    case Rounding::none:
      return value;
    case Rounding::tf32:
      return __uint_as_float(round_to_tf32(value));
    case Rounding::bfloat16:
      return __bfloat162float(__float2bfloat16_rn(value));
  }
  return value;
}

/// The matrix, without gaps between its columns, as a product reads it.
std::vector<float> as_read(const void* data, cudaDataType type, int rows, int columns, int stride,
                           Rounding rounding) {
  std::vector<float> out;
  out.reserve(static_cast<std::size_t>(rows) * static_cast<std::size_t>(columns));
  for (int j = 0; j < columns; ++j)
    for (int i = 0; i < rows; ++i) {
      const std::ptrdiff_t at = std::ptrdiff_t{j} * stride + i;
      out.push_back(type == CUDA_R_16BF
                        ? __bfloat162float(static_cast<const __nv_bfloat16*>(data)[at])
                        : rounded(static_cast<const float*>(data)[at], rounding));
    }
  return out;
}

void gemm(char transa, char transb, int m, int n, int k, float alpha, const float* a, int lda,
          const float* b, int ldb, float beta, float* c, int ldc) {
  sgemm_(&transa, &transb, &m, &n, &k, &alpha, a, &lda, b, &ldb, &beta, c, &ldc);
}
void gemm(char transa, char transb, int m, int n, int k, double alpha, const double* a, int lda,
          const double* b, int ldb, double beta, double* c, int ldc) {
  dgemm_(&transa, &transb, &m, &n, &k, &alpha, a, &lda, b, &ldb, &beta, c, &ldc);
}

template <class T>
cublasStatus_t batched(cublasHandle_t handle, const char* name, cublasOperation_t transa,
                       cublasOperation_t transb, int m, int n, int k, const T* alpha, const T* a,
                       int lda, long long stride_a, const T* b, int ldb, long long stride_b,
                       const T* beta, T* c, int ldc, long long stride_c, int count) {
  const int a_rows = transa == CUBLAS_OP_N ? m : k, a_columns = transa == CUBLAS_OP_N ? k : m;
  const int b_rows = transb == CUBLAS_OP_N ? k : n, b_columns = transb == CUBLAS_OP_N ? n : k;
  if (m < 0 || n < 0 || k < 0 || count < 0 || too_small(lda, a_rows) || too_small(ldb, b_rows) ||
      too_small(ldc, m))
    return CUBLAS_STATUS_INVALID_VALUE;
  if (count == 0) return CUBLAS_STATUS_SUCCESS;
  const auto bytes = [count](int rows, int columns, int stride, long long step) {
    return matrix_bytes(rows, columns, stride, sizeof(T)) +
           static_cast<std::size_t>(step * (count - 1)) * sizeof(T);
  };
  const Scalar<T> factor(*handle, alpha), keep(*handle, beta);
  const bool tf32 = sizeof(T) == 4 && handle->math == CUBLAS_TF32_TENSOR_OP_MATH;
  return call(*handle, name,
              {{a, bytes(a_rows, a_columns, lda, stride_a), false},
               {b, bytes(b_rows, b_columns, ldb, stride_b), false},
               {c, bytes(m, n, ldc, stride_c), true},
               factor.extent(),
               keep.extent()},
              [=] {
                for (int i = 0; i < count; ++i) {
                  const T *ai = a + i * stride_a, *bi = b + i * stride_b;
                  T* ci = c + i * stride_c;
                  if constexpr (sizeof(T) == 4) {
                    if (tf32) {
                      const std::vector<float> ra =
                          as_read(ai, CUDA_R_32F, a_rows, a_columns, lda, Rounding::tf32);
                      const std::vector<float> rb =
                          as_read(bi, CUDA_R_32F, b_rows, b_columns, ldb, Rounding::tf32);
                      gemm(letter(transa), letter(transb), m, n, k, factor(), ra.data(),
                           std::max(1, a_rows), rb.data(), std::max(1, b_rows), keep(), ci, ldc);
                      continue;
                    }
                  }
                  gemm(letter(transa), letter(transb), m, n, k, factor(), ai, lda, bi, ldb, keep(),
                       ci, ldc);
                }
              });
}

}  // namespace
}  // namespace simt

using namespace simt;

const char* cublasGetStatusName(cublasStatus_t status) {
  switch (status) {
    case CUBLAS_STATUS_SUCCESS:
      return "CUBLAS_STATUS_SUCCESS";
    case CUBLAS_STATUS_NOT_INITIALIZED:
      return "CUBLAS_STATUS_NOT_INITIALIZED";
    case CUBLAS_STATUS_INVALID_VALUE:
      return "CUBLAS_STATUS_INVALID_VALUE";
    case CUBLAS_STATUS_EXECUTION_FAILED:
      return "CUBLAS_STATUS_EXECUTION_FAILED";
    case CUBLAS_STATUS_NOT_SUPPORTED:
      return "CUBLAS_STATUS_NOT_SUPPORTED";
  }
  return "unknown cuBLAS status";
}

const char* cublasGetStatusString(cublasStatus_t status) { return cublasGetStatusName(status); }

cublasStatus_t cublasCreate(cublasHandle_t* handle) {
  if (device_count() == 0) return CUBLAS_STATUS_NOT_INITIALIZED;
  *handle = new cublasContext;
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasDestroy(cublasHandle_t handle) {
  delete handle;
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasSetStream(cublasHandle_t handle, cudaStream_t stream) {
  handle->stream = stream;
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasSetPointerMode(cublasHandle_t handle, cublasPointerMode_t mode) {
  handle->pointers = mode;
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasSetMathMode(cublasHandle_t handle, cublasMath_t mode) {
  handle->math = mode;
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasSetWorkspace(cublasHandle_t handle, void* workspace, std::size_t bytes) {
  handle->workspace = workspace;
  handle->workspace_bytes = bytes;
  return CUBLAS_STATUS_SUCCESS;
}

#define SIMT_BLAS(P, p, T)                                                                        \
  cublasStatus_t cublas##P##gemmStridedBatched(                                                   \
      cublasHandle_t handle, cublasOperation_t transa, cublasOperation_t transb, int m, int n,    \
      int k, const T* alpha, const T* a, int lda, long long stride_a, const T* b, int ldb,        \
      long long stride_b, const T* beta, T* c, int ldc, long long stride_c, int count) {          \
    return batched(handle, __func__, transa, transb, m, n, k, alpha, a, lda, stride_a, b, ldb,    \
                   stride_b, beta, c, ldc, stride_c, count);                                      \
  }                                                                                               \
  cublasStatus_t cublas##P##gemm(cublasHandle_t handle, cublasOperation_t transa,                 \
                                 cublasOperation_t transb, int m, int n, int k, const T* alpha,   \
                                 const T* a, int lda, const T* b, int ldb, const T* beta, T* c,   \
                                 int ldc) {                                                       \
    return batched(handle, __func__, transa, transb, m, n, k, alpha, a, lda, 0, b, ldb, 0, beta,  \
                   c, ldc, 0, 1);                                                                 \
  }                                                                                               \
  cublasStatus_t cublas##P##gemv(cublasHandle_t handle, cublasOperation_t trans, int m, int n,    \
                                 const T* alpha, const T* a, int lda, const T* x, int incx,       \
                                 const T* beta, T* y, int incy) {                                 \
    if (m < 0 || n < 0 || too_small(lda, m) || incx <= 0 || incy <= 0)                            \
      return CUBLAS_STATUS_INVALID_VALUE;                                                         \
    const Scalar<T> factor(*handle, alpha), keep(*handle, beta);                                  \
    const int x_size = trans == CUBLAS_OP_N ? n : m, y_size = trans == CUBLAS_OP_N ? m : n;       \
    return call(*handle, __func__,                                                                \
                {{a, matrix_bytes(m, n, lda, sizeof(T)), false},                                  \
                 {x, matrix_bytes(1, x_size, incx, sizeof(T)), false},                            \
                 {y, matrix_bytes(1, y_size, incy, sizeof(T)), true},                             \
                 factor.extent(),                                                                 \
                 keep.extent()},                                                                  \
                [=] {                                                                             \
                  const char t = letter(trans);                                                   \
                  const T one = factor(), zero = keep();                                          \
                  p##gemv_(&t, &m, &n, &one, a, &lda, x, &incx, &zero, y, &incy);                 \
                });                                                                               \
  }                                                                                               \
  cublasStatus_t cublas##P##trsm(cublasHandle_t handle, cublasSideMode_t side,                    \
                                 cublasFillMode_t uplo, cublasOperation_t trans,                  \
                                 cublasDiagType_t diag, int m, int n, const T* alpha, const T* a, \
                                 int lda, T* b, int ldb) {                                        \
    const int order = side == CUBLAS_SIDE_LEFT ? m : n;                                           \
    if (m < 0 || n < 0 || too_small(lda, order) || too_small(ldb, m))                             \
      return CUBLAS_STATUS_INVALID_VALUE;                                                         \
    const Scalar<T> factor(*handle, alpha);                                                       \
    return call(*handle, __func__,                                                                \
                {{a, matrix_bytes(order, order, lda, sizeof(T)), false},                          \
                 {b, matrix_bytes(m, n, ldb, sizeof(T)), true},                                   \
                 factor.extent()},                                                                \
                [=] {                                                                             \
                  const char s = letter(side), u = letter(uplo), t = letter(trans),               \
                             d = letter(diag);                                                    \
                  const T value = factor();                                                       \
                  p##trsm_(&s, &u, &t, &d, &m, &n, &value, a, &lda, b, &ldb);                     \
                });                                                                               \
  }                                                                                               \
  cublasStatus_t cublas##P##syrk(cublasHandle_t handle, cublasFillMode_t uplo,                    \
                                 cublasOperation_t trans, int n, int k, const T* alpha,           \
                                 const T* a, int lda, const T* beta, T* c, int ldc) {             \
    const int rows = trans == CUBLAS_OP_N ? n : k, columns = trans == CUBLAS_OP_N ? k : n;        \
    if (n < 0 || k < 0 || too_small(lda, rows) || too_small(ldc, n))                              \
      return CUBLAS_STATUS_INVALID_VALUE;                                                         \
    const Scalar<T> factor(*handle, alpha), keep(*handle, beta);                                  \
    return call(*handle, __func__,                                                                \
                {{a, matrix_bytes(rows, columns, lda, sizeof(T)), false},                         \
                 {c, matrix_bytes(n, n, ldc, sizeof(T)), true},                                   \
                 factor.extent(),                                                                 \
                 keep.extent()},                                                                  \
                [=] {                                                                             \
                  const char u = letter(uplo), t = letter(trans);                                 \
                  const T one = factor(), zero = keep();                                          \
                  p##syrk_(&u, &t, &n, &k, &one, a, &lda, &zero, c, &ldc);                        \
                });                                                                               \
  }
SIMT_BLAS(S, s, float)
SIMT_BLAS(D, d, double)

cublasStatus_t cublasGemmEx(cublasHandle_t handle, cublasOperation_t transa,
                            cublasOperation_t transb, int m, int n, int k, const void* alpha,
                            const void* a, cudaDataType a_type, int lda, const void* b,
                            cudaDataType b_type, int ldb, const void* beta, void* c,
                            cudaDataType c_type, int ldc, cublasComputeType_t compute,
                            cublasGemmAlgo_t) {
  if (c_type != CUDA_R_32F || a_type != b_type || a_type == CUDA_R_64F ||
      compute == CUBLAS_COMPUTE_64F)
    return CUBLAS_STATUS_NOT_SUPPORTED;
  const int a_rows = transa == CUBLAS_OP_N ? m : k, a_columns = transa == CUBLAS_OP_N ? k : m;
  const int b_rows = transb == CUBLAS_OP_N ? k : n, b_columns = transb == CUBLAS_OP_N ? n : k;
  if (m < 0 || n < 0 || k < 0 || too_small(lda, a_rows) || too_small(ldb, b_rows) ||
      too_small(ldc, m))
    return CUBLAS_STATUS_INVALID_VALUE;
  const Rounding rounding = compute == CUBLAS_COMPUTE_32F_FAST_TF32   ? Rounding::tf32
                            : compute == CUBLAS_COMPUTE_32F_FAST_16BF ? Rounding::bfloat16
                                                                      : Rounding::none;
  const std::size_t element = a_type == CUDA_R_16BF ? 2 : 4;
  const Scalar<float> factor(*handle, alpha), keep(*handle, beta);
  return call(*handle, __func__,
              {{a, matrix_bytes(a_rows, a_columns, lda, element), false},
               {b, matrix_bytes(b_rows, b_columns, ldb, element), false},
               {c, matrix_bytes(m, n, ldc, sizeof(float)), true},
               factor.extent(),
               keep.extent()},
              [=] {
                const std::vector<float> ra = as_read(a, a_type, a_rows, a_columns, lda, rounding);
                const std::vector<float> rb = as_read(b, b_type, b_rows, b_columns, ldb, rounding);
                gemm(letter(transa), letter(transb), m, n, k, factor(), ra.data(),
                     std::max(1, a_rows), rb.data(), std::max(1, b_rows), keep(),
                     static_cast<float*>(c), ldc);
              });
}
