// What the accelerator must compute, written as plainly as possible.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

namespace polaris_rtl {

/// Shape of a convolution; the input is stored already padded.
struct Shape {
  std::int64_t r, s, p, q, c, k, n;
  std::int64_t stride_w, stride_h;      ///< along P and Q
  std::int64_t dilation_w, dilation_h;  ///< along R and S

  std::int64_t input_width() const { return (p - 1) * stride_w + (r - 1) * dilation_w + 1; }
  std::int64_t input_height() const { return (q - 1) * stride_h + (s - 1) * dilation_h + 1; }
  std::int64_t input_words() const { return n * input_width() * input_height() * c; }
  std::int64_t weight_words() const { return r * s * c * k; }
  std::int64_t output_words() const { return n * p * q * k; }
};

/// output[n][p][q][k] = clamp(sum >> shift), sum over r, s, c of
/// input[n][p*stride_w + r*dilation_w][q*stride_h + s*dilation_h][c] * weight[r][s][c][k]
/// in 32-bit arithmetic that wraps, as the accumulator's adders do.
inline std::vector<std::int8_t> convolve(const Shape& shape, const std::int8_t* input,
                                         const std::int8_t* weight, int shift) {
  std::vector<std::int8_t> output;
  output.reserve(static_cast<std::size_t>(shape.output_words()));
  std::vector<std::uint32_t> sum(static_cast<std::size_t>(shape.k));
  for (std::int64_t n = 0; n < shape.n; ++n)
    for (std::int64_t p = 0; p < shape.p; ++p)
      for (std::int64_t q = 0; q < shape.q; ++q) {
        std::fill(sum.begin(), sum.end(), 0u);
        for (std::int64_t r = 0; r < shape.r; ++r)
          for (std::int64_t s = 0; s < shape.s; ++s) {
            const std::int64_t w = p * shape.stride_w + r * shape.dilation_w;
            const std::int64_t h = q * shape.stride_h + s * shape.dilation_h;
            const std::int8_t* pixel =
                input + ((n * shape.input_width() + w) * shape.input_height() + h) * shape.c;
            const std::int8_t* row = weight + (r * shape.s + s) * shape.c * shape.k;
            for (std::int64_t c = 0; c < shape.c; ++c, row += shape.k)
              for (std::int64_t k = 0; k < shape.k; ++k)
                sum[static_cast<std::size_t>(k)] +=
                    static_cast<std::uint32_t>(std::int32_t{pixel[c]} * std::int32_t{row[k]});
          }
        for (const std::uint32_t total : sum)
          output.push_back(static_cast<std::int8_t>(
              std::clamp(static_cast<std::int32_t>(total) >> shift, -128, 127)));
      }
  return output;
}

}  // namespace polaris_rtl
