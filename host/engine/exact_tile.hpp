// The stages of scoring in float64, for finalists and data sets: one tile of candidates, one a
// column. Heavy (Eigen): for .cpp files only. What happens to one candidate is in models/starlight;
// here matrix products are Eigen's and the rest runs in loops that compilers vectorise.
#pragma once

#include <Eigen/Core>
#include <algorithm>
#include <cmath>
#include <span>

#include "host/fit/model.hpp"
#include "host/fit/samples.hpp"
#include "models/starlight/features.hpp"
#include "models/starlight/kernel.hpp"
#include "models/starlight/network.hpp"
#include "models/starlight/prediction.hpp"
#include "models/starlight/warp.hpp"

namespace polaris {

/// Intermediate results of one tile. A candidate's prediction does not depend on the others of its
/// tile, nor on their number: products always see whole groups of columns.
class ExactTile {
 public:
  static constexpr int kSize = 64;

  /// Before the stages: memory for the model, kept where it is that of the last one's size.
  void use(const PosteriorTensors<double>& model) {
    model_ = &model;
    kernel_.resize(model.samples, kSize);
    mean_.resize(model.outputs, kSize);
  }

  /// Standardised features of `points`, 1 to kSize.
  void compute_features(std::span<const LayerPoint> points) {
    const auto size = static_cast<Eigen::Index>(points.size());
    const Eigen::Index group = model_->samples < kFewSamples ? kSize : kGroup;
    count_ = (size + group - 1) / group * group;
    for (Eigen::Index i = 0; i < count_; ++i) {
      const LayerPoint& point = points[static_cast<std::size_t>(std::min(i, size - 1))];
      double* q = features_.col(i).data();
      analytical_[i] = feature_quantities(point.layer, point.hardware, point.mapping, q);
      const double* mean = model_->feature_mean.data();
      const double* inverse_sd = model_->feature_inverse_sd.data();
      for (int f = 0; f < kLogFeatures; ++f)
        q[f] = standardise_feature(true, q[f], mean[f], inverse_sd[f]);
      for (int f = kLogFeatures; f < kFeatures; ++f)
        q[f] = standardise_feature(false, q[f], mean[f], inverse_sd[f]);
    }
  }

  /// Kernel inputs over the length-scales: the latent, then the features.
  void encode_features() {
    const double* p = model_->encoder.data();
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
        column(model_->inverse_length.data(), kKernelInputs).array();
  }

  /// Correlation of every candidate with every training sample.
  void compute_kernel() {
    const auto train = matrix(model_->train.data(), model_->samples, kKernelInputs);
    kernel_.leftCols(count_).noalias() = train * inputs_.leftCols(count_);
    const double* norm = model_->train_norm.data();
    const int samples = model_->samples;
    for (Eigen::Index i = 0; i < count_; ++i) {
      const double own = inputs_.col(i).squaredNorm();
      double* k = kernel_.col(i).data();
      for (int n = 0; n < samples; ++n) k[n] = matern52(norm[n] + own - 2.0 * k[n]);
    }
  }

  /// Mean of every output, and how much of the prior variance the samples explain: |L^-1 k|^2.
  void compute_posterior() {
    const auto alpha = matrix(model_->alpha.data(), model_->outputs, model_->samples);
    const auto weight = matrix(model_->mean_weight.data(), model_->outputs, kKernelInputs);
    auto mean = mean_.leftCols(count_);
    mean.noalias() = alpha * kernel_.leftCols(count_);
    mean.noalias() += weight * inputs_.leftCols(count_);
    mean.colwise() += column(model_->mean_bias.data(), model_->outputs);

    const auto inverse = matrix(model_->inverse_factor.data(), model_->samples, model_->samples);
    explained_.setZero();
    for (int row = 0; row < model_->samples; row += kRowBlock) {
      const int rows = std::min(kRowBlock, model_->samples - row);
      auto whitened = whitened_.topLeftCorner(rows, count_);
      whitened.noalias() =
          inverse.block(row, 0, rows, row + rows) * kernel_.topLeftCorner(row + rows, count_);
      explained_.head(count_) += whitened.colwise().squaredNorm().transpose();
    }
  }

  /// Posterior of `points` (those of compute_features) in ln cycles and ln pJ.
  void to_predictions(std::span<const LayerPoint> points,
                      std::span<ExactPrediction> predictions) const {
    const OutputScale<double> scale = model_->output_scale();
    for (std::size_t i = 0; i < points.size(); ++i) {
      const auto column = static_cast<Eigen::Index>(i);
      const double bound = lower_bound_cycles(points[i].layer, points[i].hardware);
      predictions[i] = to_prediction(scale, mean_.col(column).data(), explained_[column],
                                     std::log(bound), std::log(analytical_[column]));
    }
  }

 private:
  using ColumnMajor = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic>;
  using RowMajorMap =
      Eigen::Map<const Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>>;

  /// Rows of L^-1 per product: its triangle is cut into blocks of this height, so that half of the
  /// work of the full product is saved.
  static constexpr int kRowBlock = 64;

  /// Columns that Eigen's products take together; fewer are summed in another order, and so are
  /// products of matrices whose three sizes add up to less than 20.
  static constexpr Eigen::Index kGroup = 4;
  static constexpr int kFewSamples = 16;

  static RowMajorMap matrix(const double* data, int rows, int columns) {
    return RowMajorMap(data, rows, columns);
  }

  static Eigen::Map<const Eigen::VectorXd> column(const double* data, int rows) {
    return {data, rows};
  }

  void add_bias_and_gelu(const double* bias, int rows, double* hidden) const {
    for (Eigen::Index i = 0; i < count_; ++i)
      for (int r = 0; r < rows; ++r) hidden[i * rows + r] = gelu(hidden[i * rows + r] + bias[r]);
  }

  const PosteriorTensors<double>* model_ = nullptr;
  Eigen::Index count_ = 0;
  ColumnMajor features_ = ColumnMajor(kFeatures, kSize), hidden1_ = ColumnMajor(kHidden1, kSize),
              hidden2_ = ColumnMajor(kHidden2, kSize), inputs_ = ColumnMajor(kKernelInputs, kSize),
              whitened_ = ColumnMajor(kRowBlock, kSize), kernel_, mean_;
  Eigen::VectorXd explained_ = Eigen::VectorXd(kSize), analytical_ = Eigen::VectorXd(kSize);
};

}  // namespace polaris
