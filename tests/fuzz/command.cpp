#include "host/rtl/external.hpp"
#include "tests/fuzz/fuzz.hpp"

using namespace polaris;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::refusal([text = fuzz::text_of(data, size)] {
    const auto words = split_command(text);
    fuzz::require(!words.empty() && !words.front().empty(), "a program");
  });
  return 0;
}
