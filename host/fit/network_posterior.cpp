#include "host/fit/network_posterior.hpp"

#include <cmath>
#include <vector>

#include "host/fit/feature_matrix.hpp"
#include "host/fit/likelihood.hpp"
#include "models/analytical/analytical.hpp"
#include "models/starlight/warp.hpp"

namespace polaris {
namespace {

/// Means of an output's logarithms at all points and its share of their joint covariance.
struct Output {
  std::vector<double> log_mean;
  std::vector<double> scale;  ///< deviations of the logarithms where the prior is unit-scale
};

LogNormal sum_of(const Output& output, const Matrix<double>& covariance,
                 std::span<const double> counts) {
  const auto n = static_cast<Eigen::Index>(counts.size());
  const Eigen::Map<const Eigen::VectorXd> scale(output.scale.data(), n);
  const Matrix<double> scaled = scale.asDiagonal() * covariance * scale.asDiagonal();
  return sum_of_log_normals(output.log_mean,
                            {scaled.data(), static_cast<std::size_t>(scaled.size())}, counts);
}

}  // namespace

LogNormal sum_of_log_normals(std::span<const double> log_mean, std::span<const double> covariance,
                             std::span<const double> weight) {
  const std::size_t n = log_mean.size();
  std::vector<double> mean(n);
  double total = 0.0, variance = 0.0;
  for (std::size_t i = 0; i < n; ++i) {
    mean[i] = weight[i] * std::exp(log_mean[i] + 0.5 * covariance[i * n + i]);
    total += mean[i];
  }
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < n; ++j)
      variance += mean[i] * mean[j] * std::expm1(covariance[i * n + j]);
  const double log_variance = std::log1p(variance / (total * total));
  return {std::log(total) - 0.5 * log_variance, std::sqrt(log_variance)};
}

NetworkPosterior network_posterior(const StarlightModel& model, std::span<const LayerPoint> points,
                                   std::span<const double> counts, int threads) {
  const ModelParameters& p = model.parameters();
  const PosteriorTensors<double>& t = model.tensors_f64();
  const Matrix<double> x = standardise(p.scaler, feature_values(points, threads));
  EncoderBatch<double> batch;
  batch.forward(p.encoder.data(), x);
  const Matrix<double> scaled =
      scale_inputs(kernel_inputs(batch.latent, x, p.raw_inputs), p.log_length);
  const Matrix<double> train =
      Eigen::Map<const Matrix<double>>(t.train.data(), kKernelInputs, t.samples);
  const Matrix<double> cross = cross_correlation(train, scaled, threads);
  const Matrix<double> inverse =
      Eigen::Map<const RowMajor<double>>(t.inverse_factor.data(), t.samples, t.samples);
  const Matrix<double> whitened = inverse.triangularView<Eigen::Lower>() * cross;
  Matrix<double> covariance = cross_correlation(scaled, scaled, threads);
  covariance.diagonal().setConstant(t.unit_variance);  // own noise of every measurement
  covariance.noalias() -= whitened.transpose() * whitened;

  const Matrix<double> alpha =
      Eigen::Map<const RowMajor<double>>(t.alpha.data(), t.outputs, t.samples);
  const Matrix<double> weight =
      Eigen::Map<const RowMajor<double>>(t.mean_weight.data(), t.outputs, kKernelInputs);
  const Matrix<double> mean = alpha * cross + weight * scaled;
  Output cycles, energy;
  for (std::size_t i = 0; i < points.size(); ++i) {
    const LayerPoint& point = points[i];
    const auto column = static_cast<Eigen::Index>(i);
    const double g = mean(0, column) + t.mean_bias[0];
    const double sd = t.sd[0], unit = std::sqrt(covariance(column, column));
    const double log_bound = std::log(lower_bound_cycles(point.layer, point.hardware));
    cycles.log_mean.push_back(t.warp ? unwarp_log_cycles(g, log_bound) : g);
    cycles.scale.push_back(t.warp ? unwarp_sd(g, sd * unit) / unit : sd);
    energy.log_mean.push_back(
        std::log(evaluate_analytical(point.layer, point.hardware, point.mapping).energy_pj) +
        (model.has_energy() ? mean(1, column) + t.mean_bias[1] : 0.0));
    energy.scale.push_back(model.has_energy() ? t.sd[1] : 0.0);
  }
  NetworkPosterior out;
  out.cycles = sum_of(cycles, covariance, counts);
  out.energy_pj = sum_of(energy, covariance, counts);
  out.edp = {out.cycles.log_mean + out.energy_pj.log_mean,
             std::hypot(out.cycles.log_sd, out.energy_pj.log_sd)};
  return out;
}

}  // namespace polaris
