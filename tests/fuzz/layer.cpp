#include "host/space/layer_text.hpp"
#include "tests/fuzz/fuzz.hpp"

using namespace polaris;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = fuzz::text_of(data, size);
  fuzz::refusal([text] {
    const Layer layer = parse_layer(text);
    fuzz::require(format_layer(layer) == text, "the same text again");
    for (const std::int32_t bound : layer.size) fuzz::require(bound >= 1, "bounds from 1 on");
  });
  return 0;
}
