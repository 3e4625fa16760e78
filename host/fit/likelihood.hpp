// Marginal likelihood of the Gaussian process and its gradients, in float64. Heavy (Eigen): for
// .cpp files only. Formulas: Rasmussen & Williams 2006, sections 2.2 and 5.4.1.
#pragma once

#include <array>
#include <optional>
#include <vector>

#include "host/fit/encoder_batch.hpp"
#include "host/fit/model.hpp"

namespace polaris {

/// R [A][B], the correlations of the columns of `a` and `b` [kKernelInputs][A or B], both over the
/// length-scales.
Matrix<double> cross_correlation(const Matrix<double>& a, const Matrix<double>& b, int threads);

/// Cholesky factor of C = R + (noise + jitter) I, R the Matern-5/2 correlation.
struct CovarianceFactor {
  Matrix<double> lower;  ///< [N][N], zeros above the diagonal
  double jitter = 0.0;   ///< 0, or the first of 1e-10, 1e-9 .. 1e-2 that made C factorisable
};

/// `scaled` [kKernelInputs][N]: kernel inputs over length-scales, finite. Throws Failure where even
/// the largest jitter does not help.
CovarianceFactor factorise_covariance(const Matrix<double>& scaled, double noise, int threads);

/// L^-1 of a lower factor.
Matrix<double> invert_lower(const Matrix<double>& lower, int threads);

/// L^-1 of `known` columns and `added` columns from that of the known ones alone, O(N^2) per column
/// added: with C21 = R(added, known), L21 = C21 L11^-T and L22 L22^T = C22 - L21 L21^T.
/// `diagonal`: noise and jitter. Nothing where C22 - L21 L21^T is not positive definite.
std::optional<Matrix<double>> extend_inverse(const Matrix<double>& inverse,
                                             const Matrix<double>& known,
                                             const Matrix<double>& added, double diagonal,
                                             int threads);

/// inputs [kKernelInputs][N] over the length-scales.
Matrix<double> scale_inputs(const Matrix<double>& inputs,
                            const std::array<double, kKernelInputs>& log_length);

/// Standardised targets minus the linear mean of an output, [N].
Eigen::VectorXd residual(const OutputParameters& output, const Matrix<double>& inputs,
                         const Eigen::Ref<const Eigen::VectorXd>& target);

struct OutputGradient {
  double log_sd = 0.0;
  double bias = 0.0;
  std::array<double, kKernelInputs> weight{};
};

struct LikelihoodGradient {
  Matrix<double> inputs;  ///< [kKernelInputs][N]
  std::array<double, kKernelInputs> log_length{};
  double log_noise = 0.0;
  std::vector<OutputGradient> outputs;
};

/// -ln p(targets | inputs) over all outputs; targets [N][outputs] standardised. Fills `gradient`.
double negative_log_likelihood(const Matrix<double>& inputs, const Matrix<double>& targets,
                               const std::array<double, kKernelInputs>& log_length,
                               double log_noise, const std::vector<OutputParameters>& outputs,
                               int threads, LikelihoodGradient& gradient);

}  // namespace polaris
