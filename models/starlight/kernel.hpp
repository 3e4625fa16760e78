// Matern-5/2 covariance of a squared, already scaled distance (Rasmussen & Williams, "Gaussian
// Processes for Machine Learning", 2006, eq. 4.17).
#pragma once

#include <cmath>

#include "models/space/macros.hpp"
#include "models/starlight/math.hpp"

namespace polaris {

/// Correlation (1 + r + r^2/3) e^-r with r = sqrt(5 d2); d2 = sum_k ((a_k - b_k) / length_k)^2.
/// Slightly negative d2, as a difference of large squares gives, counts as 0.
template <typename T>
POLARIS_HD inline T matern52(T d2) {
  const T five_d2 = T(5) * (d2 > T(0) ? d2 : T(0));
  const T r = std::sqrt(five_d2);
  return (T(1) + r + five_d2 * T(1.0 / 3.0)) * exp_nonpositive(-r);
}

/// d matern52 / d d2 = -5/6 (1 + r) e^-r; finite at 0, which is why d2 and not r is the variable.
template <typename T>
POLARIS_HD inline T matern52_slope(T d2) {
  const T r = std::sqrt(T(5) * (d2 > T(0) ? d2 : T(0)));
  return T(-5.0 / 6.0) * (T(1) + r) * exp_nonpositive(-r);
}

}  // namespace polaris
