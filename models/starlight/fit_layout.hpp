// What a fit of Starlight moves, as one flat vector: the encoder, then the hyper-parameters.
#pragma once

#include "models/space/macros.hpp"
#include "models/starlight/network.hpp"

namespace polaris {

/// Offsets into the vector; gradients are laid out alike.
struct FitLayout {
  static constexpr int length = EncoderLayout::size;    ///< ln length-scales [kKernelInputs]
  static constexpr int noise = length + kKernelInputs;  ///< ln of the noise ratio
  static constexpr int outputs = noise + 1;             ///< the outputs, one after the other
  static constexpr int log_sd = 0;                      ///< of an output
  static constexpr int bias = 1;                        ///< of its linear mean
  static constexpr int weight = 2;                      ///< the same, [kKernelInputs]
  static constexpr int output_size = weight + kKernelInputs;

  POLARIS_HD static constexpr int output(int o) { return outputs + o * output_size; }
  POLARIS_HD static constexpr int size(int output_count) { return output(output_count); }
};

}  // namespace polaris
