#include "simt/math.hpp"

#include <cstdlib>

#include "models/space/philox.hpp"

namespace simt {

float approximate(double exact, float argument, int ulps) {
  static const bool noisy = std::getenv("SIMT_ULP") != nullptr;
  auto out = static_cast<float>(exact);
  if (!noisy || !std::isfinite(out)) return out;
  const std::uint64_t choices = 2 * static_cast<std::uint64_t>(ulps) + 1;
  const auto step = static_cast<int>(
      polaris::uniform_below(choices, 0, 0, std::bit_cast<std::uint32_t>(argument)));
  const float towards = step < ulps ? -HUGE_VALF : HUGE_VALF;
  for (int i = std::abs(step - ulps); i > 0; --i) out = std::nextafter(out, towards);
  return out;
}

}  // namespace simt
