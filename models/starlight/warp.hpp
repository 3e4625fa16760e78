// The latency target: how far above the compute lower bound, on a log scale
// (spec: starlight "Target warp"). RTL can not beat the bound, so neither can a prediction.
#pragma once

#include <cmath>

#include "models/space/hardware.hpp"
#include "models/space/layer.hpp"

namespace polaris {

/// Softens the logarithm at the bound: cycles = bound maps to ln(0.1), not to -infinity.
inline constexpr double kWarpEpsilon = 0.1;

/// Cycles with every PE busy in every cycle: MACs / dim^2.
POLARIS_HD inline double lower_bound_cycles(const Layer& layer, const HardwareConfig& hardware) {
  return static_cast<double>(layer.macs()) /
         (static_cast<double>(hardware.dim) * static_cast<double>(hardware.dim));
}

/// g = ln(max(cycles / bound - 1, 0) + eps)
POLARIS_HD inline double warp_cycles(double cycles, double bound) {
  const double excess = cycles / bound - 1.0;
  return std::log((excess > 0.0 ? excess : 0.0) + kWarpEpsilon);
}

/// ln cycles of a warped value: ln bound + ln(1 - eps + max(e^g, eps)).
template <typename T>
POLARIS_HD inline T unwarp_log_cycles(T g, T log_bound) {
  const T eps = T(kWarpEpsilon);
  const T e = std::exp(g);
  return log_bound + std::log1p((e > eps ? e : eps) - eps);
}

/// Standard deviation of ln cycles: the rise of ln cycles from g to g + sd. The delta method,
/// sd e^g / (1 - eps + e^g), is its limit for small sd; near the bound, where the slope grows with
/// g, it would be too sure (measured: half the tail losses of held-out RTL rows). From the bound on
/// where g lies below it.
template <typename T>
POLARIS_HD inline T unwarp_sd(T g, T sd) {
  const T eps = T(kWarpEpsilon);
  const T e = std::exp(g);
  const T above = e > eps ? e : eps;
  return std::log1p(above * std::expm1(sd) / (T(1) - eps + above));
}

/// Inverse of unwarp_sd: the deviation of g of a prediction of ln cycles.
POLARIS_HD inline double warped_sd(double log_cycles, double sd, double bound) {
  const double above = std::expm1(log_cycles - std::log(bound)) + kWarpEpsilon;
  return std::log1p(std::expm1(sd) * (1.0 - kWarpEpsilon + above) / above);
}

}  // namespace polaris
