// The encoder z = W x + mlp(x): a linear skip beside two hidden layers (spec: starlight, "The
// recommended configuration"). One flat parameter array; every matrix is row-major [out][in].
#pragma once

#include <cstdint>

#include "models/space/macros.hpp"
#include "models/starlight/features.hpp"
#include "models/starlight/math.hpp"

namespace polaris {

inline constexpr int kHidden1 = 64;
inline constexpr int kHidden2 = 32;
inline constexpr int kLatent = 16;

/// What the kernel measures distances in: the latent, then the standardised features themselves.
/// The raw features keep what 16 latents trained on the analytical model lose about the RTL.
inline constexpr int kKernelInputs = kLatent + kFeatures;

/// Offsets into the flat parameter array of the encoder.
struct EncoderLayout {
  static constexpr int skip = 0;                              ///< W  [kLatent][kFeatures]
  static constexpr int weight1 = skip + kLatent * kFeatures;  ///< [kHidden1][kFeatures]
  static constexpr int bias1 = weight1 + kHidden1 * kFeatures;
  static constexpr int weight2 = bias1 + kHidden1;  ///< [kHidden2][kHidden1]
  static constexpr int bias2 = weight2 + kHidden2 * kHidden1;
  static constexpr int weight3 = bias2 + kHidden2;  ///< [kLatent][kHidden2]
  static constexpr int bias3 = weight3 + kLatent * kHidden2;
  static constexpr int size = bias3 + kLatent;
};

/// GELU in its sigmoid-tanh form (Hendrycks & Gimpel, arXiv 1606.08415, section 2):
/// x sigmoid(2 sqrt(2/pi) (x + 0.044715 x^3)).
template <typename T>
POLARIS_HD inline T gelu(T x) {
  constexpr T kScale = T(1.59576912160573071176);
  return times_sigmoid(x, kScale * (x + T(0.044715) * x * x * x));
}

/// d gelu / dx
template <typename T>
POLARIS_HD inline T gelu_slope(T x) {
  constexpr T kScale = T(1.59576912160573071176);
  const T s = times_sigmoid(T(1), kScale * (x + T(0.044715) * x * x * x));
  return s + x * s * (T(1) - s) * kScale * (T(1) + T(3.0 * 0.044715) * x * x);
}

/// out[r] = bias[r] + sum_c weight[r][c] in[c]
template <typename T>
POLARIS_HD inline void affine(const T* weight, const T* bias, const T* in, int rows, int columns,
                              T* out) {
  for (int r = 0; r < rows; ++r) {
    T sum = bias[r];
    for (int c = 0; c < columns; ++c) sum += weight[r * columns + c] * in[c];
    out[r] = sum;
  }
}

/// Latent z [kLatent] of one candidate's standardised features x [kFeatures].
template <typename T>
POLARIS_HD inline void encode(const T* parameters, const T* x, T* z) {
  T hidden1[kHidden1], hidden2[kHidden2], linear[kLatent];
  affine(parameters + EncoderLayout::weight1, parameters + EncoderLayout::bias1, x, kHidden1,
         kFeatures, hidden1);
  for (int i = 0; i < kHidden1; ++i) hidden1[i] = gelu(hidden1[i]);
  affine(parameters + EncoderLayout::weight2, parameters + EncoderLayout::bias2, hidden1, kHidden2,
         kHidden1, hidden2);
  for (int i = 0; i < kHidden2; ++i) hidden2[i] = gelu(hidden2[i]);
  affine(parameters + EncoderLayout::weight3, parameters + EncoderLayout::bias3, hidden2, kLatent,
         kHidden2, linear);
  affine(parameters + EncoderLayout::skip, linear, x, kLatent, kFeatures, z);
}

}  // namespace polaris
