// Calibration and predicted-versus-measured plots of the accuracy benchmark, as SVG.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "bench/accuracy/methods.hpp"

namespace polaris {

class Plots {
 public:
  /// Adds test points to the plots called `name`.
  void add(const std::string& name, const std::vector<DesignSample>& test,
           const Predictions& predictions);

  /// Writes `name`_calibration.svg (share of measurements inside the central intervals) and
  /// `name`_cycles.svg (predicted against measured cycles) into `folder`, made if absent.
  void write(const std::filesystem::path& folder) const;

 private:
  struct Point {
    double truth, mean, sd;  ///< ln cycles
  };
  std::map<std::string, std::vector<Point>> points_;
};

}  // namespace polaris
