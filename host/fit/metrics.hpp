// How good predictions of positive quantities are: order, relative error, calibration.
#pragma once

#include <span>

namespace polaris {

/// Spearman's rank correlation; ties share the mean of their ranks. NaN where all values of one
/// side are equal, or there are fewer than two. Precondition of all below: equal lengths.
double spearman(std::span<const double> a, std::span<const double> b);

/// Kendall's tau-b (ties on either side corrected for); O(n^2). NaN as above.
double kendall(std::span<const double> a, std::span<const double> b);

/// Mean of |predicted / true - 1|, of natural logarithms; a share, not percent.
double mean_relative_error(std::span<const double> log_true, std::span<const double> log_predicted);

/// Root of the mean squared difference of natural logarithms.
double rms_log_error(std::span<const double> log_true, std::span<const double> log_predicted);

/// Share of true values inside the central interval of probability `level`, for normal predictions.
double interval_coverage(std::span<const double> truth, std::span<const double> mean,
                         std::span<const double> sd, double level);

/// Mean of -ln p(truth) under normal predictions.
double negative_log_density(std::span<const double> truth, std::span<const double> mean,
                            std::span<const double> sd);

}  // namespace polaris
