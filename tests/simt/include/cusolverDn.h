// Stand-in for the toolkit's header of this name: Cholesky factors of cuSOLVER on the host's
// LAPACK, in the order of the stream. Work areas hold poison after every call.
#pragma once

#include "cublas_v2.h"

enum cusolverStatus_t {
  CUSOLVER_STATUS_SUCCESS = 0,
  CUSOLVER_STATUS_NOT_INITIALIZED = 1,
  CUSOLVER_STATUS_INVALID_VALUE = 3,
  CUSOLVER_STATUS_EXECUTION_FAILED = 6
};
using cusolverDnHandle_t = struct cusolverDnContext*;

cusolverStatus_t cusolverDnCreate(cusolverDnHandle_t* handle);
cusolverStatus_t cusolverDnDestroy(cusolverDnHandle_t handle);
cusolverStatus_t cusolverDnSetStream(cusolverDnHandle_t handle, cudaStream_t stream);

#define SIMT_SOLVER(P, T)                                                                         \
  cusolverStatus_t cusolverDn##P##potrf_bufferSize(                                               \
      cusolverDnHandle_t handle, cublasFillMode_t uplo, int n, T* a, int lda, int* elements);     \
  cusolverStatus_t cusolverDn##P##potrf(cusolverDnHandle_t handle, cublasFillMode_t uplo, int n,  \
                                        T* a, int lda, T* work, int elements, int* info);         \
  cusolverStatus_t cusolverDn##P##potrs(cusolverDnHandle_t handle, cublasFillMode_t uplo, int n,  \
                                        int nrhs, const T* a, int lda, T* b, int ldb, int* info); \
  cusolverStatus_t cusolverDn##P##potri_bufferSize(                                               \
      cusolverDnHandle_t handle, cublasFillMode_t uplo, int n, T* a, int lda, int* elements);     \
  cusolverStatus_t cusolverDn##P##potri(cusolverDnHandle_t handle, cublasFillMode_t uplo, int n,  \
                                        T* a, int lda, T* work, int elements, int* info);
SIMT_SOLVER(S, float)
SIMT_SOLVER(D, double)
#undef SIMT_SOLVER
