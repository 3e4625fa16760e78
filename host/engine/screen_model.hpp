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

#include <algorithm>
#include <array>
#include <cstddef>
#include <memory>
#include <new>
#include <vector>

#include "host/engine/simd/stages.hpp"
#include "host/fit/model.hpp"
#include "models/space/layer_space.hpp"

namespace polaris {

/// Floats on cache lines of their own.
class AlignedFloats {
 public:
  AlignedFloats() = default;
  explicit AlignedFloats(std::size_t size)
      : data_(static_cast<float*>(::operator new(size * sizeof(float), kAlignment))), size_(size) {
    std::fill(data_.get(), data_.get() + size, 0.0f);
  }
  float* data() { return data_.get(); }
  const float* data() const { return data_.get(); }
  std::size_t size() const { return size_; }
  float& operator[](std::size_t i) { return data_.get()[i]; }

 private:
  static constexpr std::align_val_t kAlignment{64};
  struct Free {
    void operator()(float* data) const { ::operator delete(data, kAlignment); }
  };
  std::unique_ptr<float, Free> data_;
  std::size_t size_ = 0;
};

/// Whether a feature may differ between two points of a space.
using VaryingFeatures = std::array<bool, kFeatures>;
VaryingFeatures varying_features(const LayerSpaceView& space);
VaryingFeatures all_features();

/// Rows of L^-1 that bound a deviation where the whole variance is not asked for (yet).
inline constexpr int kBoundRows = 64;

constexpr int whole_panels(int rows, int panel_rows) {
  return (rows + panel_rows - 1) / panel_rows;
}

/// L^-1 in panels of stages.rows rows; what every layer's screen shares.
class PackedFactor {
 public:
  PackedFactor(const PosteriorTensors<double>& model, const simd::Stages& stages);
  const float* data() const { return data_.data(); }
  int panels() const { return panels_; }
  int samples() const { return samples_; }  ///< padded to whole panels
  int panel_rows() const { return samples_ / panels_; }

 private:
  int panels_, samples_;
  AlignedFloats data_;
};

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
  struct Panels {
    AlignedFloats data, bias;
  };
  /// Packs rows whose elements are row(r, c) and whose biases are bias(r).
  template <typename Row, typename Bias>
  simd::PackedMatrix pack(Panels& panels, int rows, int depth, const Row& row, const Bias& bias);

  void fill_sketch(const PosteriorTensors<double>& model);
  void fill_anchors();

  int panel_rows_;
  std::vector<int> source_;
  AlignedFloats slope_, shift_, low_, high_;
  Panels first_, second_, third_, train_, own_train_;
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
