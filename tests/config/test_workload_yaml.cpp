#include <gtest/gtest.h>

#include <string>

#include "host/config/workload_yaml.hpp"
#include "tests/config/yaml_file.hpp"

namespace polaris {
namespace {

const std::string kValid =
    "polaris: 1\n"
    "kind: workload\n"
    "name: net\n"
    "layers:\n"
    "  - {name: a, R: 3, S: 5, P: 7, Q: 9, C: 11, K: 13, stride: [2, 3], dilation: 4}\n"
    "  - {name: b, count: 6, gemm: {M: 10, K: 20, N: 30}}\n";

std::string refused(const std::string& text) {
  return refusal(text, [](const auto& path) { read_workload(path); });
}

// MobileNet's depthwise layer: one convolution over a single channel for each of 32 groups.
TEST(WorkloadYaml, GroupsAreConvolutionsOfTheirOwn) {
  const YamlFile file(
      "polaris: 1\nkind: workload\nname: w\nlayers:\n"
      "  - {name: depthwise, R: 3, S: 3, P: 112, Q: 112, C: 32, K: 32, groups: 32}\n"
      "  - {name: grouped, count: 3, R: 1, S: 1, P: 4, Q: 4, C: 8, K: 12, groups: 4}\n");
  const Workload workload = read_workload(file.path());
  const WorkloadLayer& depthwise = workload.layers[0];
  EXPECT_EQ(depthwise.layer[Dim::C], 1);
  EXPECT_EQ(depthwise.layer[Dim::K], 1);
  EXPECT_EQ(depthwise.count, 32);
  EXPECT_EQ(depthwise.groups, 32);
  EXPECT_EQ(depthwise.count * depthwise.layer.macs(), 3'612'672);
  const WorkloadLayer& grouped = workload.layers[1];
  EXPECT_EQ(grouped.layer[Dim::C], 2);
  EXPECT_EQ(grouped.layer[Dim::K], 3);
  EXPECT_EQ(grouped.count, 12);
}

TEST(WorkloadYaml, ReadsConvolutionsAndMatrixProducts) {
  const YamlFile file(kValid);
  const Workload workload = read_workload(file.path());
  EXPECT_EQ(workload.name, "net");
  ASSERT_EQ(workload.layers.size(), 2u);
  const Layer convolution{{3, 5, 7, 9, 11, 13, 1}, 2, 3, 4, 4};
  EXPECT_EQ(workload.layers[0].layer, convolution);
  EXPECT_EQ(workload.layers[0].name, "a");
  EXPECT_EQ(workload.layers[0].count, 1);
  const Layer gemm{{1, 1, 10, 1, 20, 30, 1}, 1, 1, 1, 1};
  EXPECT_EQ(workload.layers[1].layer, gemm);
  EXPECT_EQ(workload.layers[1].count, 6);
}

TEST(WorkloadYaml, RefusesWithThePlaceAndTheExpectation) {
  const struct {
    const char *from, *to, *message;
  } cases[] = {
      {"name: net\n", "name: net\nnmae: x\n",
       "f.yaml:4:1: expected one of the keys polaris, kind, name, source, layers, got 'nmae'"},
      {"polaris: 1", "polaris: 2", "f.yaml:1:10: polaris: expected schema version 1, got '2'"},
      {"polaris: 1\n", "", "f.yaml:1:1: expected the key 'polaris', got none"},
      {"kind: workload", "kind: space", "f.yaml:2:7: kind: expected kind workload, got 'space'"},
      {"name: net", "name: net\nname: two", "f.yaml:4:1: expected each key once, got 'name' again"},
      {"R: 3", "R: 0", "f.yaml:5:18: layers[0].R: expected an integer of 1..2147483647, got '0'"},
      {"R: 3", "R: -3", "f.yaml:5:18: layers[0].R: expected an integer of 1..2147483647, got '-3'"},
      {"R: 3", "R: 3.0",
       "f.yaml:5:18: layers[0].R: expected an integer of 1..2147483647, got '3.0'"},
      {"R: 3", "R: '3'",
       "f.yaml:5:18: layers[0].R: expected an integer of 1..2147483647, got the string '3'"},
      {"R: 3", "R: 03", "f.yaml:5:18: layers[0].R: expected an integer of 1..2147483647, got '03'"},
      {"R: 3", "R: [3]",
       "f.yaml:5:18: layers[0].R: expected an integer of 1..2147483647, got a list"},
      {"R: 3", "R: 99999999999999999999",
       "f.yaml:5:18: layers[0].R: expected an integer of 1..2147483647, got "
       "'99999999999999999999'"},
      {"R: 3, ", "", "f.yaml:5:5: layers[0]: expected the key 'R', got none"},
      {"stride: [2, 3]", "stride: [2]",
       "f.yaml:5:61: layers[0].stride: expected a list of 2 elements, got 1"},
      {"dilation: 4", "groups: 11",
       "f.yaml:5:77: layers[0].groups: expected a divisor of C = 11 and K = 13, got '11'"},
      {"name: b", "name: a",
       "f.yaml:6:12: layers[1].name: expected a name of its own, got 'a' again"},
      {"count: 6", "count: 0",
       "f.yaml:6:22: layers[1].count: expected an integer of 1..2147483647, got '0'"},
      {"gemm:", "R: 1, gemm:", "f.yaml:6:25: expected one of the keys name, count, gemm, got 'R'"},
      {"M: 10", "m: 10", "f.yaml:6:32: expected one of the keys M, K, N, got 'm'"},
      {"name: a", "name: ''",
       "f.yaml:5:12: layers[0].name: expected a text on one line, got the string ''"},
      {"M: 10, K: 20, N: 30", "M: 2147483647, K: 2147483647, N: 2147483647",
       "f.yaml:6:5: layers[1]: expected at most 2^53 MACs in all, got more"},
      {"name: a", "name: &x a", "f.yaml:5:12: expected plain values, got an anchor"},
      {"name: a", "name: !!str a",
       "f.yaml:5:12: expected plain values, got the tag 'tag:yaml.org,2002:str'"},
  };
  for (const auto& c : cases) EXPECT_EQ(refused(with(kValid, c.from, c.to)), c.message);
}

TEST(WorkloadYaml, RefusesFilesOfAnotherForm) {
  EXPECT_EQ(refused(""), "f.yaml: expected a YAML document, got an empty file");
  EXPECT_EQ(refused("[1, 2]"), "f.yaml:1:1: expected a map, got a list");
  EXPECT_EQ(refused("a: [1"), "f.yaml:1:1: expected YAML, got end of sequence flow not found");
  EXPECT_EQ(refused("polaris: 1\nkind: workload\nname: n\nlayers: []\n"),
            "f.yaml:4:9: layers: expected a list of 1 to 100000 elements, got 0");
  EXPECT_EQ(refused(kValid + "---\n" + kValid),
            "f.yaml:7:1: expected one document, got a second one");
  EXPECT_THROW(read_workload("/nonexistent/f.yaml"), Error);
  EXPECT_THROW(read_workload("/"), Error);
}

TEST(WorkloadYaml, HashFollowsContentAndNotTheName) {
  const auto hash = [](const std::string& text) {
    const YamlFile file(text);
    return workload_hash(read_workload(file.path()));
  };
  EXPECT_EQ(hash(kValid), hash(with(kValid, "name: net", "name: other")));
  EXPECT_NE(hash(kValid), hash(with(kValid, "count: 6", "count: 7")));
  EXPECT_NE(hash(kValid), hash(with(kValid, "dilation: 4", "dilation: [4, 3]")));
  EXPECT_NE(hash(kValid), hash(with(kValid, "name: b", "name: c")));
}

}  // namespace
}  // namespace polaris
