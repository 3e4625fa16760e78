// The host's BLAS and LAPACK (netlib's Fortran interface), overloaded by element type, and how a
// matrix lies in memory.
#pragma once

#include <cublas_v2.h>

#include <cstddef>

extern "C" {
#define SIMT_FORTRAN(p, T)                                                                         \
  void p##gemm_(const char*, const char*, const int*, const int*, const int*, const T*, const T*,  \
                const int*, const T*, const int*, const T*, T*, const int*);                       \
  void p##gemv_(const char*, const int*, const int*, const T*, const T*, const int*, const T*,     \
                const int*, const T*, T*, const int*);                                             \
  void p##trsm_(const char*, const char*, const char*, const char*, const int*, const int*,        \
                const T*, const T*, const int*, T*, const int*);                                   \
  void p##syrk_(const char*, const char*, const int*, const int*, const T*, const T*, const int*,  \
                const T*, T*, const int*);                                                         \
  void p##potrf_(const char*, const int*, T*, const int*, int*);                                   \
  void p##potrs_(const char*, const int*, const int*, const T*, const int*, T*, const int*, int*); \
  void p##potri_(const char*, const int*, T*, const int*, int*);
SIMT_FORTRAN(s, float)
SIMT_FORTRAN(d, double)
#undef SIMT_FORTRAN
}

namespace simt {

inline char letter(cublasOperation_t value) { return value == CUBLAS_OP_N ? 'N' : 'T'; }
inline char letter(cublasFillMode_t value) { return value == CUBLAS_FILL_MODE_LOWER ? 'L' : 'U'; }
inline char letter(cublasSideMode_t value) { return value == CUBLAS_SIDE_LEFT ? 'L' : 'R'; }
inline char letter(cublasDiagType_t value) { return value == CUBLAS_DIAG_UNIT ? 'U' : 'N'; }

/// Bytes from the first to the last element of a column-major matrix.
inline std::size_t matrix_bytes(int rows, int columns, int stride, std::size_t element) {
  if (rows <= 0 || columns <= 0) return 0;
  return (static_cast<std::size_t>(columns - 1) * static_cast<std::size_t>(stride) +
          static_cast<std::size_t>(rows)) *
         element;
}

}  // namespace simt
