// Layers of which exact factors leave most of the array idle.
#pragma once

#include <string>
#include <vector>

#include "host/space/design_space.hpp"
#include "host/space/workload.hpp"

namespace polaris {

/// One line a layer on what the space's exact factors lose on every array of `space`, and what to
/// do about it: channels without a divisor that fits the array, where padding them would at least
/// halve the passes; groups that run one after the other.
std::vector<std::string> array_use_warnings(const Workload& workload, const DesignSpace& space);

}  // namespace polaris
