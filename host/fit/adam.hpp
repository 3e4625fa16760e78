// Adam with decoupled weight decay (Kingma & Ba 2015; Loshchilov & Hutter 2019) under the one-cycle
// schedule (Smith & Topin 2018).
#pragma once

#include <cmath>
#include <cstddef>
#include <numbers>
#include <vector>

namespace polaris {

/// Share of the peak learning rate at `step` of `steps`: a cosine rise from 1/25 over the first
/// 30 %, then a cosine fall to almost 0.
inline double one_cycle(int step, int steps) {
  constexpr double kWarmUp = 0.3, kStart = 1.0 / 25.0, kEnd = 1e-5;
  const auto cosine = [](double from, double to, double t) {
    return to + (from - to) * 0.5 * (1.0 + std::cos(std::numbers::pi * t));
  };
  if (steps <= 1) return 1.0;
  const double t = static_cast<double>(step) / (steps - 1);
  return t < kWarmUp ? cosine(kStart, 1.0, t / kWarmUp)
                     : cosine(1.0, kEnd, (t - kWarmUp) / (1.0 - kWarmUp));
}

template <typename T>
class Adam {
 public:
  explicit Adam(std::size_t size) : first_(size), second_(size) {}

  /// One step on all parameters; rate(i) is the learning rate of parameter i.
  template <typename Rate>
  void step(std::vector<T>& parameters, const std::vector<T>& gradient, const Rate& rate,
            double weight_decay = 0.0) {
    constexpr T kBeta1 = T(0.9), kBeta2 = T(0.999), kEpsilon = T(1e-8);
    ++steps_;
    const T correction1 = T(1.0 - std::pow(0.9, steps_));
    const T correction2 = T(1.0 - std::pow(0.999, steps_));
    for (std::size_t i = 0; i < parameters.size(); ++i) {
      const T g = gradient[i];
      first_[i] = kBeta1 * first_[i] + (T(1) - kBeta1) * g;
      second_[i] = kBeta2 * second_[i] + (T(1) - kBeta2) * g * g;
      const T lr = static_cast<T>(rate(i));
      parameters[i] *= T(1) - lr * static_cast<T>(weight_decay);
      parameters[i] -=
          lr * (first_[i] / correction1) / (std::sqrt(second_[i] / correction2) + kEpsilon);
    }
  }

 private:
  std::vector<T> first_, second_;
  int steps_ = 0;
};

}  // namespace polaris
