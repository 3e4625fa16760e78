// A network as its distinct layers and how often each occurs.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "models/space/layer.hpp"

namespace polaris {

struct WorkloadLayer {
  std::string name;         ///< unique within the workload
  Layer layer;              ///< loop bounds, of one group
  std::int64_t count = 1;   ///< occurrences of `layer` in the network, groups included, >= 1
  std::int64_t groups = 1;  ///< of a grouped convolution, whose groups are run one after the other
};

/// Readers refuse layers with more MACs, in all occurrences, or more input words: counts are
/// compared and divided as float64, which is exact to here.
inline constexpr double kMaxWords = 0x1p53;

inline double total_macs(const WorkloadLayer& layer) {
  double macs = static_cast<double>(layer.count);
  for (const std::int32_t size : layer.layer.size) macs *= size;
  return macs;
}

inline double input_words(const Layer& layer) {
  return static_cast<double>(layer[Dim::N]) * static_cast<double>(layer[Dim::C]) *
         static_cast<double>(layer.input_width()) * static_cast<double>(layer.input_height());
}

struct Workload {
  std::string name;
  std::vector<WorkloadLayer> layers;  ///< at least one
};

}  // namespace polaris
