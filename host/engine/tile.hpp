// The stages of scoring on the CPU, over a tile of candidates in one precision. Heavy (Eigen): for
// .cpp files only. What happens to one candidate is in models/starlight; here it is done for many
// at once, matrix products by Eigen and the rest in loops that compilers vectorise.
#pragma once

#include <Eigen/Core>
#include <cmath>
#include <span>

#include "host/fit/model.hpp"
#include "host/fit/samples.hpp"
#include "models/analytical/analytical.hpp"
#include "models/starlight/features.hpp"
#include "models/starlight/kernel.hpp"
#include "models/starlight/network.hpp"
#include "models/starlight/prediction.hpp"
#include "models/starlight/warp.hpp"

namespace polaris {

/// Candidates of one tile: the kernel rows of N = 611 in float32 (0.3 MB) stay in a 1 MB L2 cache.
inline constexpr int kTileSize = 128;

/// Intermediate results of one tile; one candidate a column. All memory is taken at construction.
template <typename T>
class Tile {
 public:
  explicit Tile(const PosteriorTensors<T>& model)
      : model_(model),
        features_(kFeatures, kTileSize),
        hidden1_(kHidden1, kTileSize),
        hidden2_(kHidden2, kTileSize),
        inputs_(kKernelInputs, kTileSize),
        kernel_(model.samples, kTileSize),
        whitened_(kRowBlock, kTileSize),
        mean_(model.outputs, kTileSize),
        explained_(kTileSize) {}

  /// Standardised features of `points`, at most kTileSize.
  void compute_features(std::span<const LayerPoint> points) {
    count_ = static_cast<Eigen::Index>(points.size());
    for (Eigen::Index i = 0; i < count_; ++i) {
      const LayerPoint& point = points[static_cast<std::size_t>(i)];
      T* q = features_.col(i).data();
      feature_quantities(point.layer, point.hardware, point.mapping, q);
      const T* mean = model_.feature_mean.data();
      const T* inverse_sd = model_.feature_inverse_sd.data();
      for (int f = 0; f < kLogFeatures; ++f)
        q[f] = standardise_feature(true, q[f], mean[f], inverse_sd[f]);
      for (int f = kLogFeatures; f < kFeatures; ++f)
        q[f] = standardise_feature(false, q[f], mean[f], inverse_sd[f]);
    }
  }

  /// Kernel inputs over the length-scales: the latent, then the features.
  void encode_features() {
    const T* p = model_.encoder.data();
    const auto x = features_.leftCols(count_);
    auto hidden1 = hidden1_.leftCols(count_);
    auto hidden2 = hidden2_.leftCols(count_);
    auto latent = inputs_.topLeftCorner(kLatent, count_);
    hidden1.noalias() = matrix(p + EncoderLayout::weight1, kHidden1, kFeatures) * x;
    add_bias_and_gelu(p + EncoderLayout::bias1, kHidden1, hidden1_.data());
    hidden2.noalias() = matrix(p + EncoderLayout::weight2, kHidden2, kHidden1) * hidden1;
    add_bias_and_gelu(p + EncoderLayout::bias2, kHidden2, hidden2_.data());
    latent.noalias() = matrix(p + EncoderLayout::weight3, kLatent, kHidden2) * hidden2;
    latent.noalias() += matrix(p + EncoderLayout::skip, kLatent, kFeatures) * x;
    latent.colwise() += column(p + EncoderLayout::bias3, kLatent);
    inputs_.bottomLeftCorner(kFeatures, count_) = x;
    inputs_.leftCols(count_).array().colwise() *=
        column(model_.inverse_length.data(), kKernelInputs).array();
  }

  /// Correlation of every candidate with every training sample.
  void compute_kernel() {
    const auto train = matrix(model_.train.data(), model_.samples, kKernelInputs);
    kernel_.leftCols(count_).noalias() = train * inputs_.leftCols(count_);
    const T* norm = model_.train_norm.data();
    const int samples = model_.samples;
    for (Eigen::Index i = 0; i < count_; ++i) {
      const T own = inputs_.col(i).squaredNorm();
      T* k = kernel_.col(i).data();
      for (int n = 0; n < samples; ++n) k[n] = matern52(norm[n] + own - T(2) * k[n]);
    }
  }

  /// Mean of every output, and how much of the prior variance the samples explain: |L^-1 k|^2.
  void compute_posterior() {
    const auto alpha = matrix(model_.alpha.data(), model_.outputs, model_.samples);
    const auto weight = matrix(model_.mean_weight.data(), model_.outputs, kKernelInputs);
    auto mean = mean_.leftCols(count_);
    mean.noalias() = alpha * kernel_.leftCols(count_);
    mean.noalias() += weight * inputs_.leftCols(count_);
    mean.colwise() += column(model_.mean_bias.data(), model_.outputs);

    const auto inverse = matrix(model_.inverse_factor.data(), model_.samples, model_.samples);
    explained_.setZero();
    for (int row = 0; row < model_.samples; row += kRowBlock) {
      const int rows = std::min(kRowBlock, model_.samples - row);
      auto whitened = whitened_.topLeftCorner(rows, count_);
      whitened.noalias() =
          inverse.block(row, 0, rows, row + rows) * kernel_.topLeftCorner(row + rows, count_);
      explained_.head(count_) += whitened.colwise().squaredNorm().transpose();
    }
  }

  /// Posterior of `points` (those of compute_features) in ln cycles and ln pJ.
  void to_predictions(std::span<const LayerPoint> points,
                      std::span<BasicPrediction<T>> predictions) const {
    const OutputScale<T> scale = model_.output_scale();
    for (Eigen::Index i = 0; i < count_; ++i) {
      const LayerPoint& point = points[static_cast<std::size_t>(i)];
      const double bound = lower_bound_cycles(point.layer, point.hardware);
      const double analytical =
          evaluate_analytical(point.layer, point.hardware, point.mapping).energy_pj;
      predictions[static_cast<std::size_t>(i)] =
          to_prediction(scale, mean_.col(i).data(), explained_[i], static_cast<T>(std::log(bound)),
                        static_cast<T>(std::log(analytical)));
    }
  }

 private:
  using ColumnMajor = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic>;
  using RowMajorMap =
      Eigen::Map<const Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>>;

  /// Rows of L^-1 per product: its triangle is cut into blocks of this height, so that half of the
  /// work of the full product is saved.
  static constexpr int kRowBlock = 64;

  static RowMajorMap matrix(const T* data, int rows, int columns) {
    return RowMajorMap(data, rows, columns);
  }

  static auto column(const T* data, int rows) {
    return Eigen::Map<const Eigen::Matrix<T, Eigen::Dynamic, 1>>(data, rows);
  }

  void add_bias_and_gelu(const T* bias, int rows, T* hidden) const {
    for (Eigen::Index i = 0; i < count_; ++i)
      for (int r = 0; r < rows; ++r) hidden[i * rows + r] = gelu(hidden[i * rows + r] + bias[r]);
  }

  const PosteriorTensors<T>& model_;
  Eigen::Index count_ = 0;
  ColumnMajor features_, hidden1_, hidden2_, inputs_, kernel_, whitened_, mean_;
  Eigen::Matrix<T, Eigen::Dynamic, 1> explained_;
};

}  // namespace polaris
