// Fits Starlight: hyper-parameters, linear mean and encoder together by the log marginal
// likelihood, held by priors, dropout and an anchor to the pre-trained weights (spec: starlight).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "host/fit/model.hpp"
#include "host/fit/pretrained.hpp"
#include "host/fit/samples.hpp"

namespace polaris {

/// Where the steps of a fit are computed. They agree to about 9 digits, not to the last bit.
enum class FitBackend { cpu, cuda };

struct FitOptions {
  std::uint64_t seed = 0;
  int threads = 0;  ///< 0: all cores; the result does not depend on it
  FitBackend backend = FitBackend::cpu;
  int steps = 60;  ///< one-cycle Adam steps; 120 fit a little better and calibrate worse
  double learning_rate = 0.06;  ///< hyper-parameters and linear mean
  double encoder_rate = 5e-4;   ///< weights of the two hidden layers
  double skip_rate = 3e-3;      ///< W
  double dropout = 0.3;         ///< of hidden units while fitting
  double anchor = 30.0;         ///< strength / 2 * |weights - pre-trained|^2 beside the likelihood
  double noise_center = 0.05;   ///< log noise ratio ~ N(ln center, deviation)
  double noise_deviation = 0.3;
  double length_deviation = 1.0;  ///< of log length-scales from that of their number of inputs
  double weight_deviation = 0.1;  ///< of the linear mean's weights from 0
  /// Of the weight of the machine's own estimate in the linear mean from 1; 0: no estimate is
  /// preferred, and all are seen.
  double estimate_deviation = 0.3;
  /// Share of the layers held out of a first fit that says after how many steps predictions of
  /// other layers are best; the fit of all samples stops there. 0: all steps.
  double validation = 0.2;
  /// Widen the deviations until 90 % intervals hold 90 % of the samples, each predicted without
  /// those of its layer; fewer than kLeastCalibrationSamples samples: as fitted.
  bool calibrate = true;
  bool warp = true;
  bool linear_mean = true;
  bool raw_inputs = true;  ///< the kernel sees the features beside the latent
  /// Start from this model's hyper-parameters and encoder (fewer steps then do); null: from the
  /// pre-trained encoder, as always where the samples are too few to fit.
  const StarlightModel* warm_start = nullptr;

  /// The published method: no warp, constant mean, no dropout, anchor or informative noise prior.
  static FitOptions paper();
  /// An ordinary Gaussian process on the features: for `no_pretraining`.
  static FitOptions plain();
};

/// Fewer different designs, or targets that are all equal, take no step: the hyper-parameters stay
/// at the centers of their priors and only the outputs' variances are inferred.
inline constexpr std::size_t kLeastFittedDesigns = 40;
inline constexpr std::size_t kLeastCalibrationSamples = 20;

/// Every number above but seed and threads, by its name; flags are 0 or 1.
std::vector<std::pair<std::string, double>> settings_of(const FitOptions& options);
/// Sets one of them. Throws Error for an unknown name.
void change_setting(FitOptions& options, const std::string& name, double value);

/// For each sample, whether its cycles are more than ten times off the closed form of the machine
/// that the samples come from, and more than ten robust deviations off the other samples: a failed
/// measurement, from which a Gaussian process would infer that its neighbours are as slow.
/// Throws Error for samples that are not finite and positive.
std::vector<bool> failed_measurements(std::span<const DesignSample> samples, int threads);

/// The samples without those, unless no estimate is preferred.
std::vector<DesignSample> usable_samples(std::span<const DesignSample> samples,
                                         const FitOptions& options);

/// Failed measurements are left out (parameters().failures), unless no estimate is preferred.
/// Throws Error where no usable sample is left, a sample is not finite and positive, or only some
/// have energy. One sample, equal targets and contradictory samples give a sane, wide model; what
/// the samples never show to vary makes predictions uncertain where it does.
StarlightModel fit_starlight(const Pretrained& pretrained, std::span<const DesignSample> samples,
                             const FitOptions& options);

}  // namespace polaris
