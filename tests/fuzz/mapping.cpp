#include "host/io/mapping_text.hpp"
#include "tests/fuzz/fuzz.hpp"

using namespace polaris;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::refusal([text = fuzz::text_of(data, size)] {
    const std::string written = format_mapping(parse_mapping(text));
    fuzz::require(format_mapping(parse_mapping(written)) == written, "a mapping to read back");
  });
  return 0;
}
