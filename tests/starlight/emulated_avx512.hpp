#pragma once

#include "host/engine/simd/stages.hpp"

namespace polaris::simd {

/// The stages of AVX-512 as any CPU with AVX2 executes them: their source, with intrinsics emulated
/// by SIMDe.
const Stages& emulated_avx512_stages();

}  // namespace polaris::simd
