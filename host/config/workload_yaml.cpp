#include "host/config/workload_yaml.hpp"

#include <cstdint>
#include <limits>
#include <set>

#include "host/config/yaml_reader.hpp"
#include "host/core/hash.hpp"
#include "host/space/layer_text.hpp"

namespace polaris {
namespace {

constexpr std::int64_t kMaxBound = std::numeric_limits<std::int32_t>::max();
constexpr std::size_t kMaxLayers = 100000;

std::int32_t bound(const YamlNode& node) {
  return static_cast<std::int32_t>(node.integer(1, kMaxBound));
}

/// `stride: 2` or `stride: [w, h]`; absent: 1.
void read_pair(const YamlNode* node, std::int32_t& w, std::int32_t& h) {
  if (node == nullptr) return;
  if (!node->is_list()) {
    w = h = bound(*node);
    return;
  }
  const auto& items = node->items(2, 2);
  w = bound(items[0]);
  h = bound(items[1]);
}

Layer read_gemm(const YamlNode& node) {
  node.expect_keys({"M", "K", "N"});
  Layer layer;
  layer.size[index_of(Dim::P)] = bound(node.at("M"));
  layer.size[index_of(Dim::C)] = bound(node.at("K"));
  layer.size[index_of(Dim::K)] = bound(node.at("N"));
  return layer;
}

Layer read_convolution(const YamlNode& node) {
  Layer layer;
  for (int d = 0; d < kDims; ++d) {
    const std::string key(1, kDimLetters[d]);
    if (static_cast<Dim>(d) == Dim::N && node.find(key) == nullptr) continue;
    layer.size[d] = bound(node.at(key));
  }
  read_pair(node.find("stride"), layer.stride_w, layer.stride_h);
  read_pair(node.find("dilation"), layer.dilation_w, layer.dilation_h);
  return layer;
}

/// A grouped convolution is as many convolutions as it has groups, each over its share of the input
/// and output channels.
void split_groups(const YamlNode& node, WorkloadLayer& layer) {
  layer.groups = node.integer(1, kMaxBound);
  Layer& all = layer.layer;
  if (all[Dim::C] % layer.groups != 0 || all[Dim::K] % layer.groups != 0)
    throw node.error("a divisor of C = " + std::to_string(all[Dim::C]) +
                     " and K = " + std::to_string(all[Dim::K]));
  for (const Dim dim : {Dim::C, Dim::K})
    all.size[index_of(dim)] = static_cast<std::int32_t>(all[dim] / layer.groups);
  layer.count *= layer.groups;
}

WorkloadLayer read_layer(const YamlNode& node) {
  WorkloadLayer out;
  const bool is_gemm = node.find("gemm") != nullptr;
  if (is_gemm)
    node.expect_keys({"name", "count", "gemm"});
  else
    node.expect_keys({"name", "count", "R", "S", "P", "Q", "C", "K", "N", "stride", "dilation",
                      "groups", "gemm"});
  out.name = read_name(node.at("name"));
  if (const YamlNode* count = node.find("count")) out.count = count->integer(1, kMaxBound);
  out.layer = is_gemm ? read_gemm(node.at("gemm")) : read_convolution(node);

  if (const YamlNode* groups = node.find("groups")) split_groups(*groups, out);

  if (total_macs(out) > kMaxWords) throw node.error("at most 2^53 MACs in all", "more");
  if (input_words(out.layer) > kMaxWords) throw node.error("at most 2^53 input words", "more");
  return out;
}

}  // namespace

Workload read_workload(const std::filesystem::path& path) {
  const YamlNode root = YamlNode::read(path);
  root.expect_keys({"polaris", "kind", "name", "source", "layers"});
  expect_schema(root, "workload");
  Workload workload;
  workload.name = read_name(root.at("name"));
  if (const YamlNode* source = root.find("source")) source->text();
  std::set<std::string> names;
  for (const YamlNode& node : root.at("layers").items(1, kMaxLayers)) {
    workload.layers.push_back(read_layer(node));
    const std::string& name = workload.layers.back().name;
    if (!names.insert(name).second)
      throw node.at("name").error("a name of its own", "'" + name + "' again");
  }
  return workload;
}

std::string workload_hash(const Workload& workload) {
  std::string text = "workload 1\n";
  for (const WorkloadLayer& layer : workload.layers)
    text += format_layer(layer.layer) + " count " + std::to_string(layer.count) + " name " +
            layer.name + "\n";
  return content_hash(text);
}

}  // namespace polaris
