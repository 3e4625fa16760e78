#include "host/fit/likelihood.hpp"

#include <Eigen/Cholesky>
#include <algorithm>
#include <cmath>
#include <string>

#include "host/core/error.hpp"
#include "host/core/parallel.hpp"
#include "models/starlight/jitter.hpp"
#include "models/starlight/kernel.hpp"

namespace polaris {
namespace {

using Eigen::Index;

/// Columns of one work item: a few items per core at N = 256, GEMMs of a useful size.
constexpr Index kBlock = 64;

/// R, and if `slope` is given dR/dd2 too.
void correlation(const Matrix<double>& scaled, int threads, Matrix<double>& r,
                 Matrix<double>* slope) {
  const Index n = scaled.cols();
  const Eigen::VectorXd norm = scaled.colwise().squaredNorm();
  r.resize(n, n);
  if (slope != nullptr) slope->resize(n, n);
  parallel_for(n, kBlock, threads, [&](Index begin, Index end) {
    r.middleCols(begin, end - begin).noalias() =
        -2.0 * (scaled.transpose() * scaled.middleCols(begin, end - begin));
    for (Index j = begin; j < end; ++j) {
      for (Index i = 0; i < n; ++i) {
        const double d2 = i == j ? 0.0 : r(i, j) + norm[i] + norm[j];
        r(i, j) = matern52(d2);
        if (slope != nullptr) (*slope)(i, j) = matern52_slope(d2);
      }
    }
  });
}

CovarianceFactor factorise(const Matrix<double>& r, double noise) {
  CovarianceFactor out;
  for (;;) {
    out.lower = r;
    out.lower.diagonal().array() += noise + out.jitter;
    const Eigen::LLT<Eigen::Ref<Matrix<double>>> llt(out.lower);
    if (llt.info() == Eigen::Success) break;
    if (out.jitter >= kLargestJitter)
      throw Failure("covariance of " + std::to_string(r.rows()) +
                    " samples: expected a positive definite matrix, got none even with jitter " +
                    std::to_string(out.jitter));
    out.jitter = next_jitter(out.jitter);
  }
  out.lower.triangularView<Eigen::StrictlyUpper>().setZero();
  return out;
}

/// C^-1 from L^-1; both triangles.
Matrix<double> invert_from_factor(const Matrix<double>& inverse, int threads) {
  const Index n = inverse.rows();
  Matrix<double> out(n, n);
  parallel_for(n, kBlock, threads, [&](Index begin, Index end) {
    for (Index row = begin; row < n; row += kBlock) {
      const Index rows = std::min(kBlock, n - row);
      out.block(row, begin, rows, end - begin).noalias() =
          inverse.block(row, row, n - row, rows).transpose() *
          inverse.block(row, begin, n - row, end - begin);
    }
  });
  out.triangularView<Eigen::StrictlyUpper>() = out.transpose();
  return out;
}

}  // namespace

Matrix<double> cross_correlation(const Matrix<double>& a, const Matrix<double>& b, int threads) {
  const Eigen::VectorXd norm = a.colwise().squaredNorm();
  Matrix<double> r(a.cols(), b.cols());
  parallel_for(b.cols(), kBlock, threads, [&](Index begin, Index end) {
    r.middleCols(begin, end - begin).noalias() =
        -2.0 * (a.transpose() * b.middleCols(begin, end - begin));
    for (Index j = begin; j < end; ++j) {
      const double own = b.col(j).squaredNorm();
      for (Index i = 0; i < a.cols(); ++i) r(i, j) = matern52(r(i, j) + norm[i] + own);
    }
  });
  return r;
}

std::optional<Matrix<double>> extend_inverse(const Matrix<double>& inverse,
                                             const Matrix<double>& known,
                                             const Matrix<double>& added, double diagonal,
                                             int threads) {
  const Index n = known.cols(), m = added.cols();
  // Without a column Eigen's triangular product refers to the first one all the same.
  if (m == 0) return inverse;
  const Matrix<double> cross =  // L21^T
      inverse.triangularView<Eigen::Lower>() * cross_correlation(known, added, threads);
  Matrix<double> rest;
  correlation(added, threads, rest, nullptr);
  rest.diagonal().array() += diagonal;
  rest.noalias() -= cross.transpose() * cross;
  const Eigen::LLT<Matrix<double>> llt(rest);
  if (llt.info() != Eigen::Success) return std::nullopt;
  const Matrix<double> corner = invert_lower(llt.matrixL(), threads);
  Matrix<double> out = Matrix<double>::Zero(n + m, n + m);
  out.topLeftCorner(n, n) = inverse;
  out.bottomLeftCorner(m, n) =
      -(corner * cross.transpose()) * inverse.triangularView<Eigen::Lower>();
  out.bottomRightCorner(m, m) = corner;
  return out;
}

CovarianceFactor factorise_covariance(const Matrix<double>& scaled, double noise, int threads) {
  Matrix<double> r;
  correlation(scaled, threads, r, nullptr);
  return factorise(r, noise);
}

Matrix<double> invert_lower(const Matrix<double>& lower, int threads) {
  const Index n = lower.rows();
  Matrix<double> inverse = Matrix<double>::Zero(n, n);
  parallel_for(n, kBlock, threads, [&](Index begin, Index end) {
    auto block = inverse.block(begin, begin, n - begin, end - begin);
    block.diagonal().setOnes();
    lower.bottomRightCorner(n - begin, n - begin)
        .triangularView<Eigen::Lower>()
        .solveInPlace(block);
  });
  return inverse;
}

Matrix<double> scale_inputs(const Matrix<double>& inputs,
                            const std::array<double, kKernelInputs>& log_length) {
  const Eigen::Map<const Eigen::VectorXd> lengths(log_length.data(), kKernelInputs);
  return (-lengths).array().exp().matrix().asDiagonal() * inputs;
}

Eigen::VectorXd residual(const OutputParameters& output, const Matrix<double>& inputs,
                         const Eigen::Ref<const Eigen::VectorXd>& target) {
  const Eigen::Map<const Eigen::VectorXd> weight(output.weight.data(), kKernelInputs);
  return (target - inputs.transpose() * weight).array() - output.bias;
}

double negative_log_likelihood(const Matrix<double>& inputs, const Matrix<double>& targets,
                               const std::array<double, kKernelInputs>& log_length,
                               double log_noise, const std::vector<OutputParameters>& outputs,
                               int threads, LikelihoodGradient& gradient) {
  constexpr double kHalfLogTwoPi = 0.91893853320467274178;
  const Index n = inputs.cols();
  const auto output_count = static_cast<Index>(outputs.size());
  const double noise = std::exp(log_noise);
  const Matrix<double> scaled = scale_inputs(inputs, log_length);

  Matrix<double> r, slope;
  correlation(scaled, threads, r, &slope);
  const CovarianceFactor factor = factorise(r, noise);
  const Matrix<double> inverse =
      invert_from_factor(invert_lower(factor.lower, threads), threads);  // C^-1

  double value = static_cast<double>(output_count) * factor.lower.diagonal().array().log().sum();
  gradient.inputs.setZero(kKernelInputs, n);
  gradient.outputs.assign(outputs.size(), {});
  Matrix<double> weighted_alpha(n, output_count);  // C^-1 residual / sd
  for (Index o = 0; o < output_count; ++o) {
    const OutputParameters& output = outputs[static_cast<std::size_t>(o)];
    OutputGradient& out = gradient.outputs[static_cast<std::size_t>(o)];
    const Eigen::VectorXd error = residual(output, inputs, targets.col(o));
    const Eigen::VectorXd alpha = inverse * error;
    const double precision = std::exp(-2.0 * output.log_sd);
    const double fit = error.dot(alpha) * precision;
    value += 0.5 * fit + static_cast<double>(n) * (output.log_sd + kHalfLogTwoPi);
    out.log_sd = static_cast<double>(n) - fit;
    out.bias = -precision * alpha.sum();
    const Eigen::Map<const Eigen::VectorXd> weight(output.weight.data(), kKernelInputs);
    Eigen::Map<Eigen::VectorXd>(out.weight.data(), kKernelInputs) = -precision * (inputs * alpha);
    gradient.inputs.noalias() -= precision * weight * alpha.transpose();
    weighted_alpha.col(o) = alpha * std::exp(-output.log_sd);
  }

  // dNLL/dC = 1/2 (outputs C^-1 - sum_o alpha_o alpha_o^T / sd_o^2); through R only the part
  // weighted by dR/dd2 matters, and d2_ij = |u_i - u_j|^2 gives each column of u
  // 4 sum_j G_ij (u_i - u_j).
  gradient.log_noise =
      0.5 * noise *
      (static_cast<double>(output_count) * inverse.trace() - weighted_alpha.squaredNorm());
  Matrix<double> scaled_gradient(kKernelInputs, n);
  parallel_for(n, kBlock, threads, [&](Index begin, Index end) {
    const Index columns = end - begin;
    Matrix<double> g = static_cast<double>(output_count) * inverse.middleCols(begin, columns);
    g.noalias() -= weighted_alpha * weighted_alpha.middleRows(begin, columns).transpose();
    g.array() *= 0.5 * slope.middleCols(begin, columns).array();
    scaled_gradient.middleCols(begin, columns).noalias() = -4.0 * (scaled * g);
    scaled_gradient.middleCols(begin, columns) +=
        4.0 * scaled.middleCols(begin, columns) * g.colwise().sum().asDiagonal();
  });
  for (Index k = 0; k < kKernelInputs; ++k) {
    const auto i = static_cast<std::size_t>(k);
    gradient.log_length[i] = -scaled_gradient.row(k).dot(scaled.row(k));
    gradient.inputs.row(k) += scaled_gradient.row(k) * std::exp(-log_length[i]);
  }
  return value;
}

}  // namespace polaris
