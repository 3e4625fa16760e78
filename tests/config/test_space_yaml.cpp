#include <gtest/gtest.h>

#include <string>

#include "host/config/space_yaml.hpp"
#include "tests/config/yaml_file.hpp"

namespace polaris {
namespace {

const std::string kValid =
    "polaris: 1\n"
    "kind: space\n"
    "name: s\n"
    "hardware:\n"
    "  dim: [16, 4]\n"
    "  accumulator_kib: [64, 1, 16]\n"
    "  scratchpad_kib: [256]\n"
    "  bus_bytes: [8, 32]\n"
    "memory: {latency: 100, page_miss: 0}\n"
    "max_area_mm2: 2.5\n";

std::string refused(const std::string& text) {
  return refusal(text, [](const auto& path) { read_design_space(path); });
}

TEST(SpaceYaml, SortsTheChoicesAndKeepsTheDefaults) {
  const YamlFile file(kValid);
  const DesignSpace space = read_design_space(file.path());
  EXPECT_EQ(space.name, "s");
  EXPECT_EQ(space.hardware.size(), 2u * 3 * 1 * 2);
  EXPECT_EQ(space.hardware.value[0][0], 4);
  EXPECT_EQ(space.hardware.value[0][1], 16);
  EXPECT_EQ(space.hardware.value[1][0], 1024);
  EXPECT_EQ(space.hardware.value[1][2], 65536);
  EXPECT_EQ(space.memory.latency, 100);
  EXPECT_EQ(space.memory.page_miss, 0);
  EXPECT_EQ(space.memory.burst_bytes, MemorySystem().burst_bytes);
  EXPECT_EQ(space.max_area_mm2, 2.5);
}

TEST(SpaceYaml, RefusesWithThePlaceAndTheExpectation) {
  const struct {
    const char *from, *to, *message;
  } cases[] = {
      {"[16, 4]", "[12]",
       "f.yaml:5:9: hardware.dim[0]: expected a power of two of 4..64, got '12'"},
      {"[16, 4]", "[128]", "f.yaml:5:9: hardware.dim[0]: expected an integer of 4..64, got '128'"},
      {"[16, 4]", "[]", "f.yaml:5:8: hardware.dim: expected a list of 1 to 16 elements, got 0"},
      {"[16, 4]", "16", "f.yaml:5:8: hardware.dim: expected a list, got '16'"},
      {"[16, 4]", "[4, 8, 4]",
       "f.yaml:5:15: hardware.dim[2]: expected each choice once, got 4 again"},
      {"[64, 1, 16]", "[0]",
       "f.yaml:6:21: hardware.accumulator_kib[0]: expected an integer of 1..512, got '0'"},
      {"[256]", "[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17]",
       "f.yaml:7:19: hardware.scratchpad_kib: expected a list of 1 to 16 elements, got 17"},
      {"  bus_bytes: [8, 32]\n", "",
       "f.yaml:5:3: hardware: expected the key 'bus_bytes', got none"},
      {"latency: 100", "latency: -1",
       "f.yaml:9:19: memory.latency: expected an integer of 0..1048576, got '-1'"},
      {"latency: 100", "scratchpad_banks: 3",
       "f.yaml:9:28: memory.scratchpad_banks: expected a power of two of 1..32, got '3'"},
      {"latency: 100", "burst_bytes: 16",
       "f.yaml:9:9: memory: expected burst_bytes of at least the widest bus, 32, got 16"},
      {"latency: 100", "speed: 1",
       "f.yaml:9:10: expected one of the keys latency, max_outstanding, burst_bytes, page_miss, "
       "scratchpad_banks, got 'speed'"},
      {"2.5", "0",
       "f.yaml:10:15: max_area_mm2: expected a number above 0 and up to 1e+06, got '0'"},
      {"2.5", "nan",
       "f.yaml:10:15: max_area_mm2: expected a number above 0 and up to 1e+06, got 'nan'"},
      {"2.5", "inf",
       "f.yaml:10:15: max_area_mm2: expected a number above 0 and up to 1e+06, got 'inf'"},
  };
  for (const auto& c : cases) EXPECT_EQ(refused(with(kValid, c.from, c.to)), c.message);
}

TEST(SpaceYaml, HashFollowsContentAndNotTheName) {
  const auto hash = [](const std::string& text) {
    const YamlFile file(text);
    return space_hash(read_design_space(file.path()));
  };
  EXPECT_EQ(hash(kValid), hash(with(kValid, "name: s", "name: t")));
  EXPECT_EQ(hash(kValid), hash(with(kValid, "[16, 4]", "[4, 16]")));
  EXPECT_NE(hash(kValid), hash(with(kValid, "[16, 4]", "[4, 8]")));
  EXPECT_NE(hash(kValid), hash(with(kValid, "latency: 100", "latency: 101")));
  EXPECT_NE(hash(kValid), hash(with(kValid, "2.5", "2.6")));
}

}  // namespace
}  // namespace polaris
