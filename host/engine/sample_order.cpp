#include "host/engine/sample_order.hpp"

#include <algorithm>
#include <vector>

#include "host/fit/encoder_batch.hpp"
#include "host/fit/likelihood.hpp"

namespace polaris {
namespace {

using Eigen::Index;

/// Inputs over length-scales of all samples, a sample a column.
Eigen::Map<const Matrix<double>> samples_of(const PosteriorTensors<double>& model) {
  return {model.train.data(), kKernelInputs, model.samples};
}

/// Samples in their new order.
std::vector<Index> order_of(const PosteriorTensors<double>& model, Index chosen, int threads) {
  const Index n = model.samples;
  const double noise = model.unit_variance - 1.0;
  const Matrix<double> all = samples_of(model);
  std::vector<Index> order;
  std::vector<bool> taken(static_cast<std::size_t>(n), false);
  Eigen::VectorXd left = Eigen::VectorXd::Constant(n, model.unit_variance);
  Matrix<double> factor(n, std::min(chosen, n));
  for (Index j = 0; j < factor.cols(); ++j) {
    Index pivot = -1;
    for (Index i = 0; i < n; ++i)
      if (!taken[static_cast<std::size_t>(i)] && (pivot < 0 || left[i] > left[pivot])) pivot = i;
    taken[static_cast<std::size_t>(pivot)] = true;
    order.push_back(pivot);
    Eigen::VectorXd column = cross_correlation(all, all.col(pivot), threads);
    column[pivot] += noise;
    column.noalias() -= factor.leftCols(j) * factor.row(pivot).head(j).transpose();
    factor.col(j) = column / std::sqrt(column[pivot]);
    left -= factor.col(j).cwiseAbs2();
  }
  for (Index i = 0; i < n; ++i)
    if (!taken[static_cast<std::size_t>(i)]) order.push_back(i);
  return order;
}

}  // namespace

PosteriorTensors<double> order_samples(const PosteriorTensors<double>& model, int chosen,
                                       int threads) {
  const std::vector<Index> order = order_of(model, chosen, threads);
  const auto n = static_cast<Index>(order.size());
  Matrix<double> scaled(kKernelInputs, n);
  PosteriorTensors<double> out = model;
  for (Index i = 0; i < n; ++i) {
    const Index from = order[static_cast<std::size_t>(i)];
    scaled.col(i) = samples_of(model).col(from);
    out.train_norm[static_cast<std::size_t>(i)] = model.train_norm[static_cast<std::size_t>(from)];
    for (Index o = 0; o < model.outputs; ++o)
      out.alpha[static_cast<std::size_t>(o * n + i)] =
          model.alpha[static_cast<std::size_t>(o * n + from)];
  }
  std::copy_n(scaled.data(), scaled.size(), out.train.begin());
  const CovarianceFactor factor = factorise_covariance(scaled, model.unit_variance - 1.0, threads);
  // The diagonal has the jitter that made the factorisation succeed in the old order.
  if (factor.jitter > 0.0) return model;
  Eigen::Map<RowMajor<double>>(out.inverse_factor.data(), n, n) =
      invert_lower(factor.lower, threads);
  return out;
}

}  // namespace polaris
