#include "host/space/array_use.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

namespace polaris {
namespace {

/// Padding is worth a warning from this many times fewer passes on.
constexpr double kWorthwhile = 2.0;

std::int64_t largest_divisor(std::int64_t size, std::int64_t limit) {
  for (std::int64_t d = std::min(size, limit); d > 1; --d)
    if (size % d == 0) return d;
  return 1;
}

std::int64_t passes_padded(std::int64_t size, std::int64_t array) {
  return (size + array - 1) / array;
}

/// Passes over the array with exact factors of C and K, over those with both padded.
double waste(const Layer& layer, std::int64_t array) {
  double ratio = 1.0;
  for (const Dim dim : {Dim::C, Dim::K})
    ratio *= static_cast<double>(layer[dim] / largest_divisor(layer[dim], array)) /
             static_cast<double>(passes_padded(layer[dim], array));
  return ratio;
}

std::string padding_advice(const WorkloadLayer& layer, std::int64_t array) {
  std::string sizes, padded;
  for (const Dim dim : {Dim::C, Dim::K}) {
    const std::int64_t size = layer.layer[dim];
    const std::int64_t better = passes_padded(size, array) * array;
    const std::int64_t used = largest_divisor(size, array);
    if (size / used <= better / array) continue;
    const char letter = kDimLetters[index_of(dim)];
    sizes += fmt::format("{}{} = {} uses {} of {}", sizes.empty() ? "" : ", ", letter, size, used,
                         array);
    padded += fmt::format("{}{} = {}", padded.empty() ? "" : ", ", letter, better);
  }
  return fmt::format(
      "layer {}: {} rows or columns of the array, {:.3g} times the passes of {}: write the padded "
      "size into the workload, the values added are zeros",
      layer.name, sizes, waste(layer.layer, array), padded);
}

}  // namespace

std::vector<std::string> array_use_warnings(const Workload& workload, const DesignSpace& space) {
  const std::int64_t* arrays = space.hardware.value[0];
  const std::int64_t* end = arrays + space.hardware.count[0];
  const std::int64_t largest = *std::max_element(arrays, end);
  std::vector<std::string> out;
  for (const WorkloadLayer& layer : workload.layers) {
    if (layer.groups > 1)
      out.push_back(fmt::format(
          "layer {}: its {} groups run one after the other, on {} x {} of the array at most",
          layer.name, layer.groups, std::min(largest, layer.layer[Dim::C]),
          std::min(largest, layer.layer[Dim::K])));
    double least = std::numeric_limits<double>::infinity();
    for (const std::int64_t* array = arrays; array != end; ++array)
      least = std::min(least, waste(layer.layer, *array));
    if (least >= kWorthwhile) out.push_back(padding_advice(layer, largest));
  }
  return out;
}

}  // namespace polaris
