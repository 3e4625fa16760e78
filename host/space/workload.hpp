// A network as its distinct layers and how often each occurs.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "models/space/layer.hpp"

namespace polaris {

struct WorkloadLayer {
  std::string name;        ///< unique within the workload
  Layer layer;             ///< loop bounds
  std::int64_t count = 1;  ///< occurrences of this layer in the network, >= 1
};

struct Workload {
  std::string name;
  std::vector<WorkloadLayer> layers;  ///< at least one
};

}  // namespace polaris
