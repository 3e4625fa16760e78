#include <variant>

#include "host/core/error.hpp"
#include "host/fit/fit.hpp"

namespace polaris {
namespace {

struct Setting {
  const char* name;
  std::variant<int FitOptions::*, double FitOptions::*, bool FitOptions::*> member;
};

constexpr Setting kSettings[] = {
    {"steps", &FitOptions::steps},
    {"learning_rate", &FitOptions::learning_rate},
    {"encoder_rate", &FitOptions::encoder_rate},
    {"skip_rate", &FitOptions::skip_rate},
    {"dropout", &FitOptions::dropout},
    {"anchor", &FitOptions::anchor},
    {"noise_center", &FitOptions::noise_center},
    {"noise_deviation", &FitOptions::noise_deviation},
    {"length_deviation", &FitOptions::length_deviation},
    {"weight_deviation", &FitOptions::weight_deviation},
    {"estimate_deviation", &FitOptions::estimate_deviation},
    {"validation", &FitOptions::validation},
    {"calibrate", &FitOptions::calibrate},
    {"warp", &FitOptions::warp},
    {"linear_mean", &FitOptions::linear_mean},
    {"raw_inputs", &FitOptions::raw_inputs},
};

}  // namespace

FitOptions FitOptions::paper() {
  FitOptions options;
  options.steps = 200;
  options.encoder_rate = 1e-3;
  options.skip_rate = 0.0;
  options.dropout = 0.0;
  options.anchor = 0.0;
  options.noise_center = 0.05;
  options.noise_deviation = 1.5;
  options.estimate_deviation = 0.0;
  options.validation = 0.0;
  options.calibrate = false;
  options.warp = false;
  options.linear_mean = false;
  options.raw_inputs = false;
  return options;
}

FitOptions FitOptions::plain() {
  FitOptions options;
  options.encoder_rate = 0.0;
  options.skip_rate = 0.0;
  options.dropout = 0.0;
  options.anchor = 0.0;
  return options;
}

std::vector<std::pair<std::string, double>> settings_of(const FitOptions& options) {
  std::vector<std::pair<std::string, double>> out;
  for (const Setting& setting : kSettings)
    std::visit(
        [&](auto member) { out.emplace_back(setting.name, static_cast<double>(options.*member)); },
        setting.member);
  return out;
}

void change_setting(FitOptions& options, const std::string& name, double value) {
  for (const Setting& setting : kSettings)
    if (name == setting.name) {
      std::visit(
          [&](auto member) {
            using Value = std::remove_reference_t<decltype(options.*member)>;
            options.*member = static_cast<Value>(value);
          },
          setting.member);
      return;
    }
  throw Error::expected("a setting of the fit", "'" + name + "'", "fit");
}

}  // namespace polaris
