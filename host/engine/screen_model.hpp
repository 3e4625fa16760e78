// A fitted model as the float32 stages want it: matrices packed in panels, and for one layer all
// that its candidates have in common folded into biases and norms.
//
// In the space of one layer many features have one value: the layer's sizes, what belongs to loops
// of bound 1, hardware knobs without a choice (default space, ResNet-50: 15 of 77 features for 3x3
// convolutions, 21 for 1x1). Their part of every squared distance, of the encoder's first sums and
// of the linear means is computed here in float64, once, so that products need not go through them.
// The other features and the latent are measured from their means over the samples: that changes no
// distance, but keeps norms small, and with them the rounding of their differences.
#pragma once

#include <array>
#include <cstddef>
#include <vector>

#include "host/engine/packed.hpp"
#include "host/engine/simd/stages.hpp"
#include "host/fit/model.hpp"
#include "models/space/layer_space.hpp"

namespace polaris {

/// Whether a feature may differ between two points of a space.
using VaryingFeatures = std::array<bool, kFeatures>;
VaryingFeatures varying_features(const LayerSpaceView& space);
VaryingFeatures all_features();

/// Everything but L^-1. Not to be copied or moved: the stages point into it.
class ScreenModel {
 public:
  /// `point`: any of those to be scored; gives the features that do not vary their values.
  ScreenModel(const PosteriorTensors<double>& model, const simd::Stages& stages,
              const VaryingFeatures& varying, const LayerPoint& point);
  ScreenModel(const ScreenModel&) = delete;
  ScreenModel& operator=(const ScreenModel&) = delete;

  /// Features that vary: those that all loop orders of an OrderClass share, then a candidate's own.
  const simd::FeatureScaling& shared_features() const { return shared_; }
  const simd::FeatureScaling& own_features() const { return own_features_; }
  const simd::EncoderStages& encoder() const { return encoder_; }
  const simd::KernelStages& kernel() const { return kernel_; }
  /// The same for the first sketch_panels() panels of samples only, their coefficients those of the
  /// posterior without the other samples.
  const simd::KernelStages& sketch() const { return sketch_; }
  int sketch_panels() const { return sketch_.samples / panel_rows_; }
  /// What the samples that the sketch leaves out may add to a mean (sketch.hpp).
  const simd::Remainder& remainder() const { return remainder_; }
  /// For anchors (anchors.hpp): lengths of the means, and the own inputs of all samples.
  const simd::PosteriorNorm& posterior_norm() const { return posterior_norm_; }
  const simd::PackedMatrix& own_samples() const { return own_samples_; }
  const simd::FinishScaling& finish() const { return finish_; }
  /// Kernel inputs that differ from candidate to candidate: these features, then the latent.
  int features() const { return shared_.count + own_features_.count; }
  int inputs() const { return features() + kLatent; }

 private:
  void fill_sketch(const PosteriorTensors<double>& model);
  void fill_anchors(const simd::Stages& stages);

  int panel_rows_;
  std::vector<int> source_;
  AlignedFloats slope_, shift_, low_, high_;
  PackedPanels first_, second_, third_, train_, own_train_;
  AlignedFloats own_, alpha_[2], sketch_alpha_[2], mean_weight_[2];
  simd::FeatureScaling shared_{}, own_features_{};
  simd::EncoderStages encoder_{};
  simd::KernelStages kernel_{}, sketch_{};
  simd::Remainder remainder_{};
  simd::PosteriorNorm posterior_norm_{};
  simd::PackedMatrix own_samples_{};
  simd::FinishScaling finish_{};
};

}  // namespace polaris
