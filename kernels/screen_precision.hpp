// Precision policies of scoring on a GPU.
#pragma once

#include <cstdint>

namespace polaris {

/// Arithmetic of the screen. Whatever it is, the k best are those of float64.
enum class ScreenPrecision : std::uint8_t {
  fp64,  ///< double
  fp32,  ///< float
  tf32   ///< float, products over the samples in 3xTF32 on tensor cores
};

}  // namespace polaris
