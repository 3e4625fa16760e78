#include "host/engine/simd/stages_impl.hpp"

namespace polaris::simd {

const Stages& avx2_stages() {
  static constexpr const char* kName = "AVX2";
  return StagesOf<Float8>::functions(kName);
}

const Stages& best_stages() {
  const Stages* wide = avx512_stages();
  return wide != nullptr ? *wide : avx2_stages();
}

}  // namespace polaris::simd
