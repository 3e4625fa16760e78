// What is added to the diagonal of a covariance that rounding has made indefinite.
#pragma once

namespace polaris {

inline constexpr double kLargestJitter = 1e-2;

/// The one to try after `jitter` (0: none) did not do: 1e-10, 1e-9 .. kLargestJitter.
constexpr double next_jitter(double jitter) { return jitter == 0.0 ? 1e-10 : jitter * 10.0; }

}  // namespace polaris
