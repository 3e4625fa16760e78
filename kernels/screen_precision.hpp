// Precision policies of scoring on a GPU.
#pragma once

#include <cstdint>

namespace polaris {

/// Arithmetic of the screen. Whatever it is, the k best are those of float64.
enum class ScreenPrecision : std::uint8_t {
  fp64,  ///< double
  fp32,  ///< float
  tf32,  ///< float, products over the samples in 3xTF32 on tensor cores
  bf16   ///< as tf32, the products of the whole variance in 3xBF16
};

/// Bounds on what a screen does to a prediction (tested): |error| of a log mean, and of a standard
/// deviation relative to that far from all samples.
struct ScreenBounds {
  double mean, sd;
};
constexpr ScreenBounds screen_bounds(ScreenPrecision precision) {
  switch (precision) {
    case ScreenPrecision::fp64:
      return {1e-9, 1e-9};
    case ScreenPrecision::tf32:
    case ScreenPrecision::bf16:
      return {1e-3, 4e-3};
    default:
      return {1e-3, 1e-3};
  }
}

}  // namespace polaris
