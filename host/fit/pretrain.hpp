// Starlight-Low: a variational auto-encoder with a predictor on its latent, trained on samples of
// the analytical model (spec: starlight, "The paper's two networks"). Its encoder is what is kept.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "host/fit/pretrained.hpp"
#include "host/fit/samples.hpp"

namespace polaris {

struct PretrainOptions {
  std::uint64_t seed = 0;
  int threads = 0;  ///< 0: all cores; the result does not depend on it
  int epochs = 20;
  int batch = 512;
  double learning_rate = 2e-3;  ///< peak of the one-cycle schedule
  double weight_decay = 0.01;   ///< AdamW, decoupled
  double beta = 1e-4;           ///< weight of the Kullback-Leibler term, summed over the latent
  bool paper = false;           ///< the paper's network: no skip path, no physics features
  std::string source;           ///< recorded in the model
};

/// Trains on the analytical cycles and energy of `points`. Duplicates are used as they are.
/// Throws Error where there are fewer than 2 points or a point cannot be evaluated.
Pretrained pretrain(std::span<const LayerPoint> points, const PretrainOptions& options);

/// No transfer: features standardised over `points`, an encoder whose latents are all 0.
Pretrained no_pretraining(std::span<const LayerPoint> points, int threads);

}  // namespace polaris
