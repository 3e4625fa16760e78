// Loss and gradient of the pre-training network: encoder with a variance head, decoder, predictor
// (Kingma & Welling, "Auto-Encoding Variational Bayes", 2014). Heavy: include from .cpp files only.
#pragma once

#include <cmath>

#include "host/fit/encoder_batch.hpp"

namespace polaris {

inline constexpr int kPredictorHidden = 64;
inline constexpr int kPretrainTargets = 2;  ///< warped cycles, ln energy per MAC

/// Offsets into the flat parameters; the encoder comes first.
struct VaeLayout {
  static constexpr int variance_weight = EncoderLayout::size;  ///< [kLatent][kHidden2]
  static constexpr int variance_bias = variance_weight + kLatent * kHidden2;
  static constexpr int decoder1_weight = variance_bias + kLatent;  ///< [kHidden2][kLatent]
  static constexpr int decoder1_bias = decoder1_weight + kHidden2 * kLatent;
  static constexpr int decoder2_weight = decoder1_bias + kHidden2;  ///< [kHidden1][kHidden2]
  static constexpr int decoder2_bias = decoder2_weight + kHidden1 * kHidden2;
  static constexpr int decoder3_weight = decoder2_bias + kHidden1;  ///< [kFeatures][kHidden1]
  static constexpr int decoder3_bias = decoder3_weight + kFeatures * kHidden1;
  static constexpr int predictor1_weight = decoder3_bias + kFeatures;  ///< [hidden][kLatent]
  static constexpr int predictor1_bias = predictor1_weight + kPredictorHidden * kLatent;
  static constexpr int predictor2_weight = predictor1_bias + kPredictorHidden;  ///< [2][hidden]
  static constexpr int predictor2_bias = predictor2_weight + kPretrainTargets * kPredictorHidden;
  static constexpr int size = predictor2_bias + kPretrainTargets;
};

struct VaeLoss {
  double prediction = 0.0;      ///< squared error, mean over targets
  double reconstruction = 0.0;  ///< squared error, mean over features
  double divergence = 0.0;      ///< Kullback-Leibler, summed over the latent

  double total(double beta) const { return prediction + reconstruction + beta * divergence; }
};

/// Activations of one chunk of a batch; keeps its memory between calls.
template <typename T>
class VaeBatch {
 public:
  static constexpr Affine<T> kVariance{VaeLayout::variance_weight, VaeLayout::variance_bias,
                                       kLatent, kHidden2};
  static constexpr Affine<T> kDecoder1{VaeLayout::decoder1_weight, VaeLayout::decoder1_bias,
                                       kHidden2, kLatent};
  static constexpr Affine<T> kDecoder2{VaeLayout::decoder2_weight, VaeLayout::decoder2_bias,
                                       kHidden1, kHidden2};
  static constexpr Affine<T> kDecoder3{VaeLayout::decoder3_weight, VaeLayout::decoder3_bias,
                                       kFeatures, kHidden1};
  static constexpr Affine<T> kPredictor1{VaeLayout::predictor1_weight, VaeLayout::predictor1_bias,
                                         kPredictorHidden, kLatent};
  static constexpr Affine<T> kPredictor2{VaeLayout::predictor2_weight, VaeLayout::predictor2_bias,
                                         kPretrainTargets, kPredictorHidden};

  /// Loss summed over the chunk's columns times `weight`; `gradient` [VaeLayout::size] is set to
  /// its gradient. x [kFeatures][n], y [kPretrainTargets][n], noise [kLatent][n] standard normal.
  VaeLoss evaluate(const T* p, const Matrix<T>& x, const Matrix<T>& y, const Matrix<T>& noise,
                   T beta, T weight, T* gradient) {
    std::fill(gradient, gradient + VaeLayout::size, T(0));
    encoder_.forward(p, x);
    const Matrix<T>& mu = encoder_.latent;
    kVariance.forward(p, encoder_.hidden2, log_variance_);
    // The clamp keeps e^v finite while training is young; its gradient is cut with it.
    const auto inside = (log_variance_.array().abs() < T(kLogVarianceLimit));
    log_variance_ =
        inside.select(log_variance_.array(), log_variance_.array().sign() * T(kLogVarianceLimit));
    spread_ = (log_variance_.array() * T(0.5)).exp();
    z_ = mu + spread_.cwiseProduct(noise);

    kDecoder1.forward(p, z_, decoder_pre1_);
    apply_gelu(decoder_pre1_, decoder1_);
    kDecoder2.forward(p, decoder1_, decoder_pre2_);
    apply_gelu(decoder_pre2_, decoder2_);
    kDecoder3.forward(p, decoder2_, feature_error_);
    feature_error_ -= x;
    kPredictor1.forward(p, z_, predictor_pre_);
    apply_gelu(predictor_pre_, predictor_);
    kPredictor2.forward(p, predictor_, target_error_);
    target_error_ -= y;

    VaeLoss loss;
    loss.prediction = weight * target_error_.squaredNorm() / kPretrainTargets;
    loss.reconstruction = weight * feature_error_.squaredNorm() / kFeatures;
    loss.divergence =
        weight * T(0.5) *
        (mu.array().square() + spread_.array().square() - T(1) - log_variance_.array()).sum();

    target_error_ *= T(2) * weight / T(kPretrainTargets);
    kPredictor2.backward(predictor_, target_error_, gradient);
    work_.noalias() = kPredictor2.matrix(p).transpose() * target_error_;
    multiply_gelu_slope(predictor_pre_, work_);
    kPredictor1.backward(z_, work_, gradient);
    z_gradient_.noalias() = kPredictor1.matrix(p).transpose() * work_;

    feature_error_ *= T(2) * weight / T(kFeatures);
    kDecoder3.backward(decoder2_, feature_error_, gradient);
    work_.noalias() = kDecoder3.matrix(p).transpose() * feature_error_;
    multiply_gelu_slope(decoder_pre2_, work_);
    kDecoder2.backward(decoder1_, work_, gradient);
    decoder1_gradient_.noalias() = kDecoder2.matrix(p).transpose() * work_;
    multiply_gelu_slope(decoder_pre1_, decoder1_gradient_);
    kDecoder1.backward(z_, decoder1_gradient_, gradient);
    z_gradient_.noalias() += kDecoder1.matrix(p).transpose() * decoder1_gradient_;

    const T kl = beta * weight;
    variance_gradient_ = z_gradient_.array() * noise.array() * spread_.array() * T(0.5) +
                         kl * T(0.5) * (spread_.array().square() - T(1));
    variance_gradient_ = (log_variance_.array().abs() < T(kLogVarianceLimit))
                             .select(variance_gradient_.array(), T(0));
    kVariance.backward(encoder_.hidden2, variance_gradient_, gradient);
    hidden2_gradient_.noalias() = kVariance.matrix(p).transpose() * variance_gradient_;
    z_gradient_ += kl * mu;
    encoder_.backward(p, x, z_gradient_, hidden2_gradient_, gradient);
    return loss;
  }

 private:
  static constexpr double kLogVarianceLimit = 12.0;

  EncoderBatch<T> encoder_;
  Matrix<T> log_variance_, spread_, z_;
  Matrix<T> decoder_pre1_, decoder1_, decoder_pre2_, decoder2_, feature_error_;
  Matrix<T> predictor_pre_, predictor_, target_error_;
  Matrix<T> work_, z_gradient_, decoder1_gradient_, hidden2_gradient_, variance_gradient_;
};

}  // namespace polaris
