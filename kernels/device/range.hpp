// Named ranges of host time, shown by profilers (NVTX) under the domain "polaris".
#pragma once

#include <nvtx3/nvtx3.hpp>

namespace polaris {

struct ProfilerDomain {
  static constexpr const char* name = "polaris";
};

/// Lasts as long as the object.
using ProfilerRange = nvtx3::scoped_range_in<ProfilerDomain>;

}  // namespace polaris
