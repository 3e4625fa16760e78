#include "host/fit/quality.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <Eigen/LU>
#include <algorithm>
#include <cmath>

#include "host/fit/encoder_batch.hpp"
#include "host/fit/fit.hpp"
#include "host/fit/metrics.hpp"
#include "host/fit/random.hpp"
#include "host/fit/training_set.hpp"
#include "models/starlight/warp.hpp"

namespace polaris {
namespace {

template <typename Same>
Groups group(std::span<const DesignSample> samples, const Same& same) {
  Groups out;
  for (std::size_t i = 0; i < samples.size(); ++i) {
    auto found = std::find_if(out.begin(), out.end(), [&](const auto& members) {
      return same(samples[static_cast<std::size_t>(members[0])], samples[i]);
    });
    if (found == out.end()) found = out.insert(out.end(), std::vector<std::int64_t>());
    found->push_back(static_cast<std::int64_t>(i));
  }
  return out;
}

double quantile(std::vector<double> values, double share) {
  const auto last = static_cast<double>(values.size() - 1);
  const auto place = values.begin() + static_cast<std::ptrdiff_t>(std::lround(share * last));
  std::nth_element(values.begin(), place, values.end());
  return *place;
}

/// Of natural logarithms.
HeldOutError error_of(const std::vector<double>& truth, const std::vector<double>& mean,
                      const std::vector<double>& sd) {
  constexpr double kLevel = 0.9;
  std::vector<double> relative;
  HeldOutError out;
  for (std::size_t i = 0; i < truth.size(); ++i) {
    relative.push_back(std::abs(std::expm1(mean[i] - truth[i])));
    const double z = (truth[i] - mean[i]) / sd[i];
    out.mean_squared_deviation += z * z / static_cast<double>(truth.size());
  }
  out.median = quantile(relative, 0.5);
  out.p90 = quantile(relative, kLevel);
  out.coverage = interval_coverage(truth, mean, sd, kLevel);
  return out;
}

HeldOutError cycles_error(const TargetErrors& errors, std::span<const DesignSample> samples,
                          bool warp) {
  std::vector<double> truth, mean, sd;
  for (std::size_t i = 0; i < samples.size(); ++i) {
    const DesignSample& sample = samples[i];
    const double bound = lower_bound_cycles(sample.layer, sample.hardware);
    truth.push_back(std::log(sample.cycles));
    const double target = warp ? warp_cycles(sample.cycles, bound) : truth.back();
    const double predicted = target - errors.residual[i];
    mean.push_back(warp ? unwarp_log_cycles(predicted, std::log(bound)) : predicted);
    sd.push_back(warp ? unwarp_sd(predicted, errors.sd[i]) : errors.sd[i]);
  }
  return error_of(truth, mean, sd);
}

HeldOutError energy_error(const TargetErrors& errors) {
  std::vector<double> mean;
  for (const double residual : errors.residual) mean.push_back(-residual);
  return error_of(std::vector<double>(mean.size()), mean, errors.sd);
}

/// Errors at all samples, a fifth of the groups after the other predicted by a fit without it.
std::vector<TargetErrors> cross_validate(const Pretrained& pretrained,
                                         const std::vector<DesignSample>& samples, Groups groups,
                                         std::size_t outputs, const FitOptions& options) {
  constexpr std::size_t kFolds = 5;
  for (std::size_t i = groups.size(); i-- > 1;)
    std::swap(groups[i], groups[uniform_below(i + 1, options.seed,
                                              static_cast<std::uint64_t>(RandomStream::folds), i)]);
  std::vector<TargetErrors> out(
      outputs, {std::vector<double>(samples.size()), std::vector<double>(samples.size())});
  for (std::size_t fold = 0; fold < std::min(kFolds, groups.size()); ++fold) {
    std::vector<std::size_t> held;
    for (std::size_t g = fold; g < groups.size(); g += kFolds)
      held.insert(held.end(), groups[g].begin(), groups[g].end());
    std::vector<bool> is_held(samples.size());
    std::vector<DesignSample> train, test;
    for (const std::size_t i : held) {
      is_held[i] = true;
      test.push_back(samples[i]);
    }
    for (std::size_t i = 0; i < samples.size(); ++i)
      if (!is_held[i]) train.push_back(samples[i]);
    const std::vector<TargetErrors> errors =
        fit_starlight(pretrained, train, options).errors(test, options.threads);
    for (std::size_t o = 0; o < outputs; ++o)
      for (std::size_t i = 0; i < held.size(); ++i) {
        out[o].residual[held[i]] = errors[o].residual[i];
        out[o].sd[held[i]] = errors[o].sd[i];
      }
  }
  return out;
}

}  // namespace

Groups samples_by_layer(std::span<const DesignSample> samples) {
  return group(samples, [](const auto& a, const auto& b) { return a.layer == b.layer; });
}

Groups samples_by_design(std::span<const DesignSample> samples) {
  return group(samples, same_design);
}

TargetErrors leave_out(const StarlightModel& model, const Groups& groups, std::size_t o) {
  const PosteriorTensors<double>& tensors = model.tensors_f64();
  const auto n = static_cast<Eigen::Index>(tensors.samples);
  const Eigen::Map<const RowMajor<double>> factor(tensors.inverse_factor.data(), n, n);
  const Eigen::Map<const Eigen::VectorXd> alpha(
      tensors.alpha.data() + static_cast<Eigen::Index>(o) * n, n);
  TargetErrors out{std::vector<double>(static_cast<std::size_t>(n)),
                   std::vector<double>(static_cast<std::size_t>(n))};
  for (const std::vector<std::int64_t>& group : groups) {
    const Matrix<double> columns = factor(Eigen::all, group);
    const Matrix<double> covariance = (columns.transpose() * columns).inverse();
    const Eigen::VectorXd residual = covariance * alpha(group);
    for (std::size_t i = 0; i < group.size(); ++i) {
      const auto row = static_cast<Eigen::Index>(i);
      const auto sample = static_cast<std::size_t>(group[i]);
      out.residual[sample] = residual[row];
      out.sd[sample] = tensors.sd[o] * std::sqrt(covariance(row, row));
    }
  }
  return out;
}

Quality judge(const StarlightModel& model, const Pretrained& pretrained,
              std::span<const DesignSample> samples, const FitOptions& options) {
  const std::vector<DesignSample> used =
      make_training_set(usable_samples(samples, options), options.warp).samples;
  const Groups layers = samples_by_layer(used), designs = samples_by_design(used);
  Quality out;
  out.designs = static_cast<std::int64_t>(designs.size());
  out.layers = static_cast<std::int64_t>(layers.size());
  out.held_out = layers.size() > 1 ? "layers" : "designs";
  const bool refit = used.size() <= kMostRefitted;
  out.how = refit ? "refitted" : "conditioned";
  if (designs.size() < 2) return out;
  const Groups& groups = layers.size() > 1 ? layers : designs;
  std::vector<TargetErrors> errors;
  if (refit) {
    errors = cross_validate(pretrained, used, groups, model.parameters().outputs.size(), options);
  } else {
    for (std::size_t o = 0; o < model.parameters().outputs.size(); ++o)
      errors.push_back(leave_out(model, groups, o));
  }
  out.cycles = cycles_error(errors[0], used, options.warp);
  if (model.has_energy()) out.energy = energy_error(errors[1]);
  return out;
}

std::string warning_of(const Quality& quality) {
  constexpr double kLowCoverage = 0.75, kLargeDeviation = 2.0;
  std::vector<std::string> faults;
  if (quality.designs < static_cast<std::int64_t>(kLeastFittedDesigns))
    faults.push_back(fmt::format("{} different design point{} (expected at least {})",
                                 quality.designs, quality.designs == 1 ? "" : "s",
                                 kLeastFittedDesigns));
  if (quality.layers < 2) faults.push_back("one layer only");
  const auto check = [&](const char* name, const std::optional<HeldOutError>& error) {
    if (!error) return;
    const std::string what = fmt::format("{} of held-out {}", name, quality.held_out);
    if (error->median > kLargeMedianError)
      faults.push_back(
          fmt::format("{} off by {:.0f} % in the median", what, 100.0 * error->median));
    if (error->coverage < kLowCoverage || error->mean_squared_deviation > kLargeDeviation)
      faults.push_back(fmt::format("{} inside {:.0f} % of their 90 % intervals (mean z^2 {:.1f})",
                                   what, 100.0 * error->coverage, error->mean_squared_deviation));
  };
  check("cycles", quality.cycles);
  check("energy", quality.energy);
  if (faults.empty()) return {};
  return fmt::format(
      "little is known: {}; measure more designs of more layers, and check the columns that "
      "describe them",
      fmt::join(faults, "; "));
}

}  // namespace polaris
