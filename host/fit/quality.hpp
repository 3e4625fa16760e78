// How well a model predicts measurements that it has not seen, judged by its own samples.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "host/fit/samples.hpp"

namespace polaris {

struct FitOptions;
struct Pretrained;
class StarlightModel;

/// Of one quantity, over the samples held out.
struct HeldOutError {
  double median = 0.0;                  ///< of |predicted / measured - 1|
  double p90 = 0.0;                     ///< its 90th percentile
  double coverage = 0.0;                ///< share of measurements inside their 90 % intervals
  double mean_squared_deviation = 0.0;  ///< in predicted standard deviations; 1 is expected
};

struct Quality {
  std::int64_t designs = 0;  ///< different design points among the samples
  std::int64_t layers = 0;   ///< different layers
  /// What was predicted from the rest: "layers", or "designs" where there is one layer; and how:
  /// "refitted" without them, or "conditioned" on the rest with the fit of all samples, where
  /// samples are so many that this makes no difference.
  std::string held_out, how;
  std::optional<HeldOutError> cycles{};  ///< none where there is one design only
  std::optional<HeldOutError> energy{};  ///< the same, and where energy was measured
};

/// What predictions miss, in units of one output's target.
struct TargetErrors {
  std::vector<double> residual;  ///< [N] measured minus predicted
  std::vector<double> sd;        ///< [N] predicted standard deviation
};

/// Positions of samples that belong together.
using Groups = std::vector<std::vector<std::int64_t>>;

/// The samples of each layer, or of each design; in order of first appearance.
Groups samples_by_layer(std::span<const DesignSample> samples);
Groups samples_by_design(std::span<const DesignSample> samples);

/// Errors of output `o` at the model's own samples, each predicted without its group; `groups`
/// cover all samples. Closed form, with hyper-parameters and encoder kept: with the rows and
/// columns G of C^-1 that belong to a group, its residuals are (C^-1_GG)^-1 (C^-1 r)_G and their
/// covariance is (C^-1_GG)^-1 (Rasmussen & Williams, 2006, section 5.4.2, for groups).
TargetErrors leave_out(const StarlightModel& model, const Groups& groups, std::size_t o);

/// Judges `model`, which is fit_starlight(pretrained, samples, options), by cross-validation: takes
/// up to five times as long as the fit where there are up to kMostRefitted samples, no time where
/// there are more.
Quality judge(const StarlightModel& model, const Pretrained& pretrained,
              std::span<const DesignSample> samples, const FitOptions& options);
inline constexpr std::size_t kMostRefitted = 300;

/// A larger median error of what was held out is a fault.
inline constexpr double kLargeMedianError = 0.3;

/// What is wrong with a model and what to do about it, in one line; empty where nothing is.
std::string warning_of(const Quality& quality);

}  // namespace polaris
