#include "host/fit/safetensors.hpp"

#include <cstring>

#include "tests/fuzz/fuzz.hpp"

using namespace polaris;

namespace {

/// The file of a header and of data, which the first NUL byte separates: its length is put before
/// it.
std::string file_of(std::string_view text) {
  const std::uint64_t length = std::min(text.find('\0'), text.size());
  std::string out(sizeof(length), '\0');
  std::memcpy(out.data(), &length, sizeof(length));
  out += text.substr(0, length);
  if (length < text.size()) out += text.substr(length + 1);
  return out;
}

}  // namespace

/// Inputs that begin with a brace lack the length before the header; others are files as they are.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = fuzz::text_of(data, size);
  fuzz::refusal([text] {
    const TensorMap tensors =
        parse_tensors(text.starts_with('{') ? file_of(text) : std::string(text), "t");
    for (const auto& [name, tensor] : tensors) {
      std::int64_t elements = 1;
      for (const std::int64_t extent : tensor.shape) elements *= extent;
      fuzz::require(static_cast<std::size_t>(elements) == tensor.f64.size() + tensor.f32.size(),
                    "as many values as the shape says");
    }
    const std::string written = serialize_tensors(tensors);
    fuzz::require(serialize_tensors(parse_tensors(written, "back")) == written,
                  "tensors to read back");
  });
  return 0;
}
