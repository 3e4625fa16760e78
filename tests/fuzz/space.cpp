#include "host/config/space_yaml.hpp"
#include "host/space/layer_space.hpp"
#include "tests/fuzz/fuzz.hpp"

using namespace polaris;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::filesystem::path path = fuzz::scratch("s.yaml");
  fuzz::write(path, fuzz::text_of(data, size));
  fuzz::refusal([&] {
    const DesignSpace space = read_design_space(path);
    space_hash(space);
    Layer layer;
    for (std::int32_t& bound : layer.size) bound = 6;
    const LayerSpace points(layer, space.hardware);
    const LayerSpaceView& view = points.view();
    for (const std::uint64_t index : {std::uint64_t{0}, view.size / 2, view.size - 1})
      fuzz::require(view.encode(view.decode(index)) != kNoIndex, "indices that stand for points");
  });
  return 0;
}
