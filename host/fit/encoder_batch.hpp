// Forward and backward pass of the encoder over a batch, one candidate a column. Heavy (Eigen):
// include from .cpp files only.
#pragma once

#include <Eigen/Core>

#include "models/starlight/network.hpp"

namespace polaris {

template <typename T>
using Matrix = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic>;
template <typename T>
using RowMajor = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

/// A fully connected layer inside a flat parameter array: weight [out][in], bias [out].
template <typename T>
struct Affine {
  int weight, bias, out, in;  ///< offsets and sizes

  auto matrix(const T* p) const { return Eigen::Map<const RowMajor<T>>(p + weight, out, in); }
  auto matrix(T* p) const { return Eigen::Map<RowMajor<T>>(p + weight, out, in); }

  void forward(const T* p, const Matrix<T>& input, Matrix<T>& output) const {
    output.noalias() = matrix(p) * input;
    output.colwise() += Eigen::Map<const Eigen::Matrix<T, Eigen::Dynamic, 1>>(p + bias, out);
  }
  /// Adds to `gradient`, laid out as the parameters, what a gradient at the output means for them.
  void backward(const Matrix<T>& input, const Matrix<T>& output_gradient, T* gradient) const {
    matrix(gradient).noalias() += output_gradient * input.transpose();
    // Summed into aligned memory first: the order of a sum written straight through a pointer depends
    // on the pointer's alignment, which differs from run to run.
    const Eigen::Matrix<T, Eigen::Dynamic, 1> sum = output_gradient.rowwise().sum();
    Eigen::Map<Eigen::Matrix<T, Eigen::Dynamic, 1>>(gradient + bias, out) += sum;
  }
};

template <typename T>
void apply_gelu(const Matrix<T>& in, Matrix<T>& out) {
  out.resize(in.rows(), in.cols());
  const T* a = in.data();
  T* b = out.data();
  for (Eigen::Index i = 0; i < in.size(); ++i) b[i] = gelu(a[i]);
}

template <typename T>
void multiply_gelu_slope(const Matrix<T>& pre, Matrix<T>& gradient) {
  const T* a = pre.data();
  T* g = gradient.data();
  for (Eigen::Index i = 0; i < pre.size(); ++i) g[i] *= gelu_slope(a[i]);
}

template <typename T>
class EncoderBatch {
 public:
  static constexpr Affine<T> kLayer1{EncoderLayout::weight1, EncoderLayout::bias1, kHidden1,
                                     kFeatures};
  static constexpr Affine<T> kLayer2{EncoderLayout::weight2, EncoderLayout::bias2, kHidden2,
                                     kHidden1};
  static constexpr Affine<T> kLayer3{EncoderLayout::weight3, EncoderLayout::bias3, kLatent,
                                     kHidden2};

  /// Factors on the hidden units (dropout), shaped as them; empty: none.
  Matrix<T> mask1, mask2;
  Matrix<T> hidden2;  ///< [kHidden2][batch]
  Matrix<T> latent;   ///< [kLatent][batch]

  /// x [kFeatures][batch]
  void forward(const T* p, const Matrix<T>& x) {
    kLayer1.forward(p, x, pre1_);
    apply_gelu(pre1_, hidden1_);
    if (mask1.size() > 0) hidden1_.array() *= mask1.array();
    kLayer2.forward(p, hidden1_, pre2_);
    apply_gelu(pre2_, hidden2);
    if (mask2.size() > 0) hidden2.array() *= mask2.array();
    kLayer3.forward(p, hidden2, latent);
    latent.noalias() += skip(p) * x;
  }

  /// Adds the parameters' gradient; `hidden2_gradient` holds what reaches the second hidden layer
  /// by other ways than the latent (shaped as it, overwritten).
  void backward(const T* p, const Matrix<T>& x, const Matrix<T>& latent_gradient,
                Matrix<T>& hidden2_gradient, T* gradient) {
    kLayer3.backward(hidden2, latent_gradient, gradient);
    Eigen::Map<RowMajor<T>>(gradient + EncoderLayout::skip, kLatent, kFeatures).noalias() +=
        latent_gradient * x.transpose();
    hidden2_gradient.noalias() += kLayer3.matrix(p).transpose() * latent_gradient;
    if (mask2.size() > 0) hidden2_gradient.array() *= mask2.array();
    multiply_gelu_slope(pre2_, hidden2_gradient);
    kLayer2.backward(hidden1_, hidden2_gradient, gradient);
    hidden1_gradient_.noalias() = kLayer2.matrix(p).transpose() * hidden2_gradient;
    if (mask1.size() > 0) hidden1_gradient_.array() *= mask1.array();
    multiply_gelu_slope(pre1_, hidden1_gradient_);
    kLayer1.backward(x, hidden1_gradient_, gradient);
  }

 private:
  static auto skip(const T* p) {
    return Eigen::Map<const RowMajor<T>>(p + EncoderLayout::skip, kLatent, kFeatures);
  }
  Matrix<T> pre1_, hidden1_, pre2_, hidden1_gradient_;
};

}  // namespace polaris
