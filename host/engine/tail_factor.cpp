#include "host/engine/tail_factor.hpp"

#include <Eigen/Cholesky>
#include <Eigen/Eigenvalues>
#include <Eigen/QR>
#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "host/fit/encoder_batch.hpp"
#include "host/fit/likelihood.hpp"

namespace polaris {
namespace {

using Eigen::Index;

/// Largest rank; what it costs to find one grows with it.
constexpr Index kMostRank = 192;
/// Vectors beyond it, which make those that are used exact.
constexpr Index kExtra = 32;
/// Share of the triangle's operations up to which this form pays.
constexpr double kWorthwhile = 0.8;
/// delta over the noise.
constexpr double kSmall = 0.3;
/// How far, over the noise, M may map the eigenvectors to others.
constexpr double kExact = 3e-3;

/// Of a symmetric matrix M without negative eigenvalues: vectors V that are nearly its largest
/// eigenvectors (Rayleigh and Ritz), falling.
struct Spectrum {
  Matrix<double> vectors;
  Eigen::VectorXd values;
  Eigen::VectorXd residual;  ///< |M v - value v| of each
  double outside;            ///< at least the norm of M outside the span of all
};

Spectrum largest_eigenvectors(const Matrix<double>& m, Index rank) {
  std::vector<Index> columns(static_cast<std::size_t>(m.cols()));
  std::iota(columns.begin(), columns.end(), Index{0});
  std::stable_sort(columns.begin(), columns.end(),
                   [&m](Index a, Index b) { return m(a, a) > m(b, b); });
  columns.resize(static_cast<std::size_t>(rank));
  Matrix<double> product = m(Eigen::all, columns), basis;
  constexpr int kSteps = 6;  // of subspace iteration
  for (int step = 0; step < kSteps; ++step) {
    basis = Eigen::HouseholderQR<Matrix<double>>(product).householderQ() *
            Matrix<double>::Identity(m.rows(), rank);
    product.noalias() = m * basis;
  }
  const Eigen::SelfAdjointEigenSolver<Matrix<double>> eigen(basis.transpose() * product);
  const Matrix<double> turn = eigen.eigenvectors().rowwise().reverse();
  Spectrum out;
  out.values = eigen.eigenvalues().reverse();
  out.vectors.noalias() = basis * turn;
  const Matrix<double> images = product * turn;  // M V
  const Matrix<double> away = images - out.vectors * out.values.asDiagonal();
  out.residual = away.colwise().norm();
  const Matrix<double> both = away * out.vectors.transpose();
  const Matrix<double> left =
      m - out.vectors * out.values.asDiagonal() * out.vectors.transpose() - both - both.transpose();
  out.outside = std::sqrt((left * left).norm());
  return out;
}

}  // namespace

std::optional<TailFactor> TailFactor::of(const PosteriorTensors<double>& model,
                                         const simd::Stages& stages) {
  const double n = model.samples, r = kBoundRows, rest = n - r;
  if (rest <= r) return std::nullopt;
  const auto most = static_cast<Index>((0.5 * n * n * kWorthwhile - 0.5 * r * r) / rest - r);
  if (most < 1) return std::nullopt;
  TailFactor out(model, stages);
  if (!out.fill(model, std::min(most, kMostRank), stages)) return std::nullopt;
  return out;
}

TailFactor::TailFactor(const PosteriorTensors<double>& model, const simd::Stages& stages)
    : first_(model, kBoundRows, stages) {}

bool TailFactor::fill(const PosteriorTensors<double>& model, int most, const simd::Stages& stages) {
  const Index n = model.samples, rest = n - kBoundRows;
  const double noise = model.unit_variance - 1.0;
  const Eigen::Map<const RowMajor<double>> inverse(model.inverse_factor.data(), n, n);
  const Matrix<double> corner = invert_lower(inverse.bottomRightCorner(rest, rest), 1);  // L22
  Matrix<double> left = corner.triangularView<Eigen::Lower>() * Matrix<double>(corner.transpose());
  left.diagonal().array() -= noise;
  const Spectrum spectrum = largest_eigenvectors(left, std::min<Index>(most + kExtra, rest));
  // Of M in the span of the vectors beyond the first `q` and outside of all.
  const auto delta = [&spectrum](Index q) {
    return spectrum.outside +
           (q < spectrum.values.size() ? std::max(spectrum.values[q], 0.0) : 0.0);
  };
  Index rank = 0;
  while (rank < most && !(delta(rank) <= kSmall * noise)) ++rank;
  // What the vectors are not eigenvectors counts as an error of M.
  const double inexact = spectrum.residual.head(rank).norm() / noise;
  if (!(delta(rank) <= kSmall * noise) || !(inexact < kExact)) return false;

  // The block of L^-1 left of the corner is -L22^-1 L21 L11^-1.
  const Matrix<double> minus_b = corner.triangularView<Eigen::Lower>() *
                                 Matrix<double>(inverse.bottomLeftCorner(rest, kBoundRows));
  const auto none = [](int) { return 0.0; };
  regression_ = regression_panels_.pack(
      stages, static_cast<int>(rest), kBoundRows, [&](int i, int c) { return minus_b(i, c); },
      none);
  projection_ = projection_panels_.pack(
      stages, static_cast<int>(rank), static_cast<int>(rest),
      [&](int j, int c) { return spectrum.vectors(c, j); }, none);
  low_ = AlignedFloats(static_cast<std::size_t>(rank));
  high_ = AlignedFloats(static_cast<std::size_t>(rank));
  for (Index j = 0; j < rank; ++j) {
    const double weight = 1.0 / (spectrum.values[j] + noise);
    low_[static_cast<std::size_t>(j)] = static_cast<float>(weight * (1.0 - inexact));
    high_[static_cast<std::size_t>(j)] = static_cast<float>(weight * (1.0 + inexact));
  }
  weights_ = {low_.data(), high_.data(),
              static_cast<float>((1.0 - inexact) / (noise + delta(rank))),
              static_cast<float>((1.0 + inexact) / noise)};
  return true;
}

}  // namespace polaris
