// Compiled for AVX-512 where the compiler can (CMakeLists.txt); asks the CPU before it is used.
#include "host/engine/simd/stages_impl.hpp"

namespace polaris::simd {

const Stages* avx512_stages() {
#if defined(__AVX512F__) && defined(__AVX512DQ__)
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw"))
    return &StagesOf<Float16>::functions("AVX-512");
#endif
  return nullptr;
}

}  // namespace polaris::simd
