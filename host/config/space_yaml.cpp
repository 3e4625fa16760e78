#include "host/config/space_yaml.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <vector>

#include "host/config/yaml_reader.hpp"
#include "host/core/hash.hpp"
#include "models/space/accelerator_limits.hpp"

namespace polaris {
namespace {

constexpr double kMaxArea = 1e6;

std::int64_t power_of_two(const YamlNode& node, std::int64_t low, std::int64_t high) {
  const std::int64_t value = node.integer(low, high);
  if (!std::has_single_bit(static_cast<std::uint64_t>(value)))
    throw node.error(fmt::format("a power of two of {}..{}", low, high));
  return value;
}

/// One axis of the grid, ascending; `read` yields an element's value.
template <typename Read>
void read_axis(const YamlNode& list, HardwareGrid& grid, int axis, Read read) {
  const auto& items = list.items(1, kMaxChoices);
  std::vector<std::int64_t> values;
  for (const YamlNode& item : items) {
    const std::int64_t value = read(item);
    if (std::find(values.begin(), values.end(), value) != values.end())
      throw item.error("each choice once", item.text() + " again");
    values.push_back(value);
  }
  std::sort(values.begin(), values.end());
  std::copy(values.begin(), values.end(), grid.value[axis]);
  grid.count[axis] = static_cast<std::int32_t>(values.size());
}

HardwareGrid read_hardware(const YamlNode& node) {
  node.expect_keys({"dim", "accumulator_kib", "scratchpad_kib", "bus_bytes"});
  const auto dim = [](const YamlNode& item) { return power_of_two(item, kMinDim, kMaxDim); };
  const auto bus = [](const YamlNode& item) { return power_of_two(item, 1, kMaxBeatBytes); };
  const auto accumulator = [](const YamlNode& item) {
    return 1024 * item.integer(1, kMaxAccumulatorBytes / 1024);
  };
  const auto scratchpad = [](const YamlNode& item) {
    return 1024 * item.integer(1, kMaxScratchpadBytes / 1024);
  };
  HardwareGrid grid{};
  read_axis(node.at("dim"), grid, 0, dim);
  read_axis(node.at("accumulator_kib"), grid, 1, accumulator);
  read_axis(node.at("scratchpad_kib"), grid, 2, scratchpad);
  read_axis(node.at("bus_bytes"), grid, 3, bus);
  return grid;
}

MemorySystem read_memory(const YamlNode& node, std::int64_t widest_bus) {
  node.expect_keys({"latency", "max_outstanding", "burst_bytes", "page_miss", "scratchpad_banks"});
  MemorySystem memory;
  const auto set = [&node](const char* key, std::int32_t& field, auto read) {
    if (const YamlNode* value = node.find(key)) field = static_cast<std::int32_t>(read(*value));
  };
  set("latency", memory.latency, [](const YamlNode& n) { return n.integer(0, kMaxDelay); });
  set("max_outstanding", memory.max_outstanding,
      [](const YamlNode& n) { return n.integer(1, kMaxOutstanding); });
  set("burst_bytes", memory.burst_bytes,
      [](const YamlNode& n) { return power_of_two(n, 1, kMaxBeatBytes); });
  set("page_miss", memory.page_miss, [](const YamlNode& n) { return n.integer(0, kMaxDelay); });
  set("scratchpad_banks", memory.scratchpad_banks,
      [](const YamlNode& n) { return power_of_two(n, 1, kMaxBanks); });
  if (memory.burst_bytes < widest_bus)
    throw node.error(fmt::format("burst_bytes of at least the widest bus, {}", widest_bus),
                     std::to_string(memory.burst_bytes));
  return memory;
}

std::string memory_text(const MemorySystem& memory) {
  return fmt::format("memory {} {} {} {} {}\n", memory.latency, memory.max_outstanding,
                     memory.burst_bytes, memory.page_miss, memory.scratchpad_banks);
}

}  // namespace

DesignSpace read_design_space(const std::filesystem::path& path) {
  const YamlNode root = YamlNode::read(path);
  root.expect_keys({"polaris", "kind", "name", "source", "hardware", "memory", "max_area_mm2"});
  expect_schema(root, "space");
  DesignSpace space;
  space.name = read_name(root.at("name"));
  if (const YamlNode* source = root.find("source")) source->text();
  space.hardware = read_hardware(root.at("hardware"));
  const std::int64_t widest_bus = space.hardware.value[3][space.hardware.count[3] - 1];
  if (const YamlNode* memory = root.find("memory")) space.memory = read_memory(*memory, widest_bus);
  if (const YamlNode* area = root.find("max_area_mm2"))
    space.max_area_mm2 = area->number(0.0, kMaxArea);
  return space;
}

std::string space_hash(const DesignSpace& space) {
  std::string text = "space 1\n";
  for (int axis = 0; axis < kHardwareAxes; ++axis) {
    for (int i = 0; i < space.hardware.count[axis]; ++i)
      text += fmt::format("{} ", space.hardware.value[axis][i]);
    text += "\n";
  }
  return content_hash(text + memory_text(space.memory) + fmt::format("{}\n", space.max_area_mm2));
}

std::string memory_hash(const MemorySystem& memory) { return content_hash(memory_text(memory)); }

}  // namespace polaris
