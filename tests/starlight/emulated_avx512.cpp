// Float16 of vector.hpp and the stages for it, with SIMDe's functions under the names of the
// intrinsics. It is not the type that the engine has under this name, so it gets another.
#define SIMDE_ENABLE_NATIVE_ALIASES
#include "tests/starlight/emulated_avx512.hpp"

#include <simde/x86/avx512.h>

namespace {

// What SIMDe 0.7.4, Debian 12's, lacks.
__m512i shift_right(__m512i a, int count) {
  simde__m512i_private halves = simde__m512i_to_private(a);
  for (__m256i& half : halves.m256i) half = _mm256_srai_epi32(half, count);
  return simde__m512i_from_private(halves);
}
__m512 to_float(__m512i a) {
  const simde__m512i_private from = simde__m512i_to_private(a);
  simde__m512_private to;
  for (int half = 0; half < 2; ++half) to.m256[half] = _mm256_cvtepi32_ps(from.m256i[half]);
  return simde__m512_from_private(to);
}

}  // namespace

#define _mm512_srai_epi32 ::shift_right
#define _mm512_cvtepi32_ps ::to_float
#define __AVX512F__ 1
#define __AVX512DQ__ 1
#define Float16 EmulatedFloat16
#include "host/engine/simd/stages_impl.hpp"

namespace polaris::simd {

const Stages& emulated_avx512_stages() {
  return StagesOf<EmulatedFloat16>::functions("emulated AVX-512");
}

}  // namespace polaris::simd
