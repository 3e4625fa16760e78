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

struct Workload {
  std::string name;
  std::vector<WorkloadLayer> layers;  ///< at least one
};

}  // namespace polaris
