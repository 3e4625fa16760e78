// The zoo's networks against the same networks built block by block.
#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <string>

#include "host/config/space_yaml.hpp"
#include "host/config/workload_yaml.hpp"
#include "host/core/paths.hpp"
#include "host/space/layer_space.hpp"
#include "host/space/layer_text.hpp"

namespace polaris {
namespace {

/// How often each layer occurs.
using Layers = std::map<std::string, std::int64_t>;

class Network {
 public:
  /// Convolution of a square image of `size` with `c` channels; returns the output size.
  int convolve(int size, int c, int k, int kernel, int stride, int padding) {
    const int out = (size + 2 * padding - kernel) / stride + 1;
    add({{kernel, kernel, out, out, c, k, 1}, stride, stride, 1, 1});
    return out;
  }
  void multiply(int m, int k, int n) { add({{1, 1, m, 1, k, n, 1}, 1, 1, 1, 1}); }

  const Layers& layers() const { return layers_; }

 private:
  void add(const Layer& layer) { ++layers_[format_layer(layer)]; }

  Layers layers_;
};

Layers zoo(const std::string& name) {
  Layers out;
  for (const WorkloadLayer& layer : read_workload(find_zoo_file("workloads", name)).layers)
    out[format_layer(layer.layer)] += layer.count;
  return out;
}

std::int64_t macs(const Layers& layers) {
  std::int64_t sum = 0;
  for (const auto& [text, count] : layers) sum += count * parse_layer(text).macs();
  return sum;
}

/// He et al. 2016, table 1, 50-layer, without the classifier. Sizes of the last three stages.
struct Stages {
  int c3, c4, c5;
};
Stages add_resnet50(Network& net, int image) {
  int size = net.convolve(image, 3, 64, 7, 2, 3) / 2;  // max pooling of stride 2
  int channels = 64;
  int sizes[4] = {};
  const int blocks[4] = {3, 4, 6, 3};
  for (int stage = 0; stage < 4; ++stage) {
    const int width = 64 << stage;
    for (int block = 0; block < blocks[stage]; ++block) {
      const int stride = stage > 0 && block == 0 ? 2 : 1;
      if (block == 0) net.convolve(size, channels, 4 * width, 1, stride, 0);  // projection
      size = net.convolve(size, channels, width, 1, stride, 0);
      size = net.convolve(size, width, width, 3, 1, 1);
      size = net.convolve(size, width, 4 * width, 1, 1, 0);
      channels = 4 * width;
    }
    sizes[stage] = size;
  }
  return {sizes[1], sizes[2], sizes[3]};
}

TEST(Zoo, Resnet50) {
  Network net;
  add_resnet50(net, 224);
  net.multiply(1, 2048, 1000);
  EXPECT_EQ(zoo("resnet50"), net.layers());
  std::int64_t occurrences = 0;
  for (const auto& [text, count] : net.layers()) occurrences += count;
  EXPECT_EQ(occurrences, 50 + 4);  // the 50 weighted layers and four projections
  // Table 1 says 3.8e9 multiply-adds.
  EXPECT_EQ(macs(zoo("resnet50")), 3857973248);
}

TEST(Zoo, BertBase) {
  const int sequence = 512, hidden = 768, heads = 12, feed_forward = 3072;
  Network net;
  for (int layer = 0; layer < 12; ++layer) {
    for (int projection = 0; projection < 4; ++projection) net.multiply(sequence, hidden, hidden);
    for (int head = 0; head < heads; ++head) {
      net.multiply(sequence, hidden / heads, sequence);
      net.multiply(sequence, sequence, hidden / heads);
    }
    net.multiply(sequence, hidden, feed_forward);
    net.multiply(sequence, feed_forward, hidden);
  }
  EXPECT_EQ(zoo("bert_base"), net.layers());
  // The weights of the products are the 85e6 parameters of the encoder (110e6 with embeddings).
  EXPECT_EQ(macs(zoo("bert_base")), 48318382080);
}

TEST(Zoo, Unet) {
  Network net;
  int size = 572, channels = 1;
  for (int width = 64; width <= 1024; width *= 2) {
    if (width > 64) size /= 2;
    size = net.convolve(size, channels, width, 3, 1, 0);
    size = net.convolve(size, width, width, 3, 1, 0);
    channels = width;
  }
  for (int width = 512; width >= 64; width /= 2) {
    net.convolve(size, 2 * width, 4 * width, 1, 1, 0);  // 2x2 up-convolution
    size = net.convolve(2 * size, 2 * width, width, 3, 1, 0);
    size = net.convolve(size, width, width, 3, 1, 0);
  }
  EXPECT_EQ(size, 388);  // figure 1
  net.convolve(size, 64, 2, 1, 1, 0);
  EXPECT_EQ(zoo("unet"), net.layers());
}

TEST(Zoo, Retinanet) {
  Network net;
  const Stages stage = add_resnet50(net, 640);
  net.convolve(stage.c3, 512, 256, 1, 1, 0);
  net.convolve(stage.c4, 1024, 256, 1, 1, 0);
  net.convolve(stage.c5, 2048, 256, 1, 1, 0);
  for (const int size : {stage.c3, stage.c4, stage.c5}) net.convolve(size, 256, 256, 3, 1, 1);
  const int p6 = net.convolve(stage.c5, 2048, 256, 3, 2, 1);
  const int p7 = net.convolve(p6, 256, 256, 3, 2, 1);
  for (const int size : {stage.c3, stage.c4, stage.c5, p6, p7})
    for (const int outputs : {9 * 80, 9 * 4}) {  // class subnet, box subnet
      for (int i = 0; i < 4; ++i) net.convolve(size, 256, 256, 3, 1, 1);
      net.convolve(size, 256, outputs, 3, 1, 1);
    }
  EXPECT_EQ(zoo("retinanet"), net.layers());
}

TEST(Zoo, EveryWorkloadFitsEverySpace) {
  for (const auto& space_file : std::filesystem::directory_iterator(zoo_dir() / "spaces")) {
    const DesignSpace space = read_design_space(space_file.path());
    EXPECT_EQ(space.name, space_file.path().stem());
    for (const auto& workload_file : std::filesystem::directory_iterator(zoo_dir() / "workloads")) {
      const Workload workload = read_workload(workload_file.path());
      EXPECT_EQ(workload.name, workload_file.path().stem());
      for (const WorkloadLayer& layer : workload.layers)
        EXPECT_NO_THROW(LayerSpace(layer.layer, space.hardware)) << workload.name << layer.name;
    }
  }
}

TEST(Zoo, IndicesAndPointsOfEverySpaceAreOneToOne) {
  constexpr std::uint64_t kSamples = 300;
  for (const auto& space_file : std::filesystem::directory_iterator(zoo_dir() / "spaces")) {
    const DesignSpace space = read_design_space(space_file.path());
    for (const auto& workload_file : std::filesystem::directory_iterator(zoo_dir() / "workloads"))
      for (const WorkloadLayer& layer : read_workload(workload_file.path()).layers) {
        const LayerSpace owner(layer.layer, space.hardware);
        const LayerSpaceView& view = owner.view();
        for (std::uint64_t i = 0; i < kSamples; ++i) {
          const std::uint64_t index = i == 0 ? 0 : i == 1 ? view.size - 1 : view.sample(1, 2, i);
          const DesignPoint point = view.decode(index);
          ASSERT_EQ(view.encode(point), index) << space.name << " " << layer.name;
          const std::uint64_t canonical = view.canonical(index);
          ASSERT_EQ(view.encode(view.decode(canonical)), canonical);
          ASSERT_EQ(check(layer.layer, point), check(layer.layer, view.decode(canonical)));
        }
      }
  }
}

}  // namespace
}  // namespace polaris
