// cuSOLVER's Cholesky factors on the host's LAPACK: the arguments mean the same.
#include <cusolverDn.h>

#include <algorithm>
#include <cstring>

#include "simt/library.hpp"
#include "tests/simt/executor.hpp"
#include "tests/simt/fortran.hpp"

struct cusolverDnContext {
  cudaStream_t stream = nullptr;
};

namespace {

using namespace simt;

/// Large enough that a caller who does not ask is noticed.
int work_elements(int n) { return std::max(1, 3 * n); }

bool malformed(int n, int lda) { return n < 0 || lda < std::max(1, n); }

cusolverStatus_t call(cusolverDnHandle_t handle, const char* name, std::vector<Extent> extents,
                      std::function<void()> work) {
  return library_call(handle->stream, name, std::move(extents), std::move(work)) == cudaSuccess
             ? CUSOLVER_STATUS_SUCCESS
             : CUSOLVER_STATUS_EXECUTION_FAILED;
}

/// potrf and potri: in place, with a work area.
template <class T, class Routine>
cusolverStatus_t in_place(cusolverDnHandle_t handle, const char* name, Routine routine,
                          cublasFillMode_t uplo, int n, T* a, int lda, T* work, int elements,
                          int* info) {
  if (malformed(n, lda) || elements < work_elements(n)) return CUSOLVER_STATUS_INVALID_VALUE;
  const std::size_t work_bytes = static_cast<std::size_t>(elements) * sizeof(T);
  return call(handle, name,
              {{a, matrix_bytes(n, n, lda, sizeof(T)), true},
               {work, work_bytes, false},
               {info, sizeof(int), true}},
              [=] {
                const char u = letter(uplo);
                routine(&u, &n, a, &lda, info);
                std::memset(work, kPoison, work_bytes);
              });
}

}  // namespace

cusolverStatus_t cusolverDnCreate(cusolverDnHandle_t* handle) {
  if (device_count() == 0) return CUSOLVER_STATUS_NOT_INITIALIZED;
  *handle = new cusolverDnContext;
  return CUSOLVER_STATUS_SUCCESS;
}

cusolverStatus_t cusolverDnDestroy(cusolverDnHandle_t handle) {
  delete handle;
  return CUSOLVER_STATUS_SUCCESS;
}

cusolverStatus_t cusolverDnSetStream(cusolverDnHandle_t handle, cudaStream_t stream) {
  handle->stream = stream;
  return CUSOLVER_STATUS_SUCCESS;
}

#define SIMT_SOLVER(P, p, T)                                                                       \
  cusolverStatus_t cusolverDn##P##potrf_bufferSize(cusolverDnHandle_t, cublasFillMode_t, int n,    \
                                                   T*, int lda, int* elements) {                   \
    if (malformed(n, lda)) return CUSOLVER_STATUS_INVALID_VALUE;                                   \
    *elements = work_elements(n);                                                                  \
    return CUSOLVER_STATUS_SUCCESS;                                                                \
  }                                                                                                \
  cusolverStatus_t cusolverDn##P##potrf(cusolverDnHandle_t handle, cublasFillMode_t uplo, int n,   \
                                        T* a, int lda, T* work, int elements, int* info) {         \
    return in_place(handle, __func__, p##potrf_, uplo, n, a, lda, work, elements, info);           \
  }                                                                                                \
  cusolverStatus_t cusolverDn##P##potri_bufferSize(cusolverDnHandle_t, cublasFillMode_t, int n,    \
                                                   T*, int lda, int* elements) {                   \
    if (malformed(n, lda)) return CUSOLVER_STATUS_INVALID_VALUE;                                   \
    *elements = work_elements(n);                                                                  \
    return CUSOLVER_STATUS_SUCCESS;                                                                \
  }                                                                                                \
  cusolverStatus_t cusolverDn##P##potri(cusolverDnHandle_t handle, cublasFillMode_t uplo, int n,   \
                                        T* a, int lda, T* work, int elements, int* info) {         \
    return in_place(handle, __func__, p##potri_, uplo, n, a, lda, work, elements, info);           \
  }                                                                                                \
  cusolverStatus_t cusolverDn##P##potrs(cusolverDnHandle_t handle, cublasFillMode_t uplo, int n,   \
                                        int nrhs, const T* a, int lda, T* b, int ldb, int* info) { \
    if (malformed(n, lda) || malformed(n, ldb) || nrhs < 0) return CUSOLVER_STATUS_INVALID_VALUE;  \
    return call(handle, __func__,                                                                  \
                {{a, matrix_bytes(n, n, lda, sizeof(T)), false},                                   \
                 {b, matrix_bytes(n, nrhs, ldb, sizeof(T)), true},                                 \
                 {info, sizeof(int), true}},                                                       \
                [=] {                                                                              \
                  const char u = letter(uplo);                                                     \
                  p##potrs_(&u, &n, &nrhs, a, &lda, b, &ldb, info);                                \
                });                                                                                \
  }
SIMT_SOLVER(S, s, float)
SIMT_SOLVER(D, d, double)
