#include "host/io/json_reader.hpp"
#include "tests/fuzz/fuzz.hpp"

using namespace polaris;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::refusal([text = fuzz::text_of(data, size)] {
    const JsonDocument document = JsonDocument::parse(text, "t.json");
    const std::string written = document.root().raw().dump();
    const JsonDocument back = JsonDocument::parse(written, "back.json");
    fuzz::require(back.root().raw() == document.root().raw(), "a value to read back");
  });
  return 0;
}
