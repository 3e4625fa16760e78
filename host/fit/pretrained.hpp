// The encoder as pre-training on the analytical model leaves it: what transfers to the Gaussian
// process. A folder with model.safetensors (arrays) and model.json (everything else).
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "models/starlight/features.hpp"
#include "models/starlight/network.hpp"

namespace polaris {

/// Mean and 1/sd of every feature over the pre-training set; 1/sd is 0 for a feature that does not
/// vary or is not used, which fixes its standardised value at 0.
struct FeatureScaler {
  std::array<double, kFeatures> mean{};
  std::array<double, kFeatures> inverse_sd{};
};

struct Pretrained {
  FeatureScaler scaler;
  std::vector<double> encoder;  ///< [EncoderLayout::size]
  bool skip = true;             ///< false: no linear path (the paper's network), W stays 0

  // Provenance.
  std::uint64_t seed = 0;
  std::int64_t samples = 0;  ///< distinct points trained on
  std::int64_t epochs = 0;
  double prediction_loss = 0.0;      ///< mean squared error of the standardised targets, last epoch
  double reconstruction_loss = 0.0;  ///< mean squared error of the standardised features
  std::string source;                ///< what it was trained on, in words

  /// Identity of scaler and encoder.
  std::string hash() const;

  /// Writes the folder `directory` (made if absent) as a whole or not at all.
  void save(const std::filesystem::path& directory) const;
  /// Throws Error where a file is missing, damaged, or of another version or feature list.
  static Pretrained load(const std::filesystem::path& directory);
};

}  // namespace polaris
