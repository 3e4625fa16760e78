#include <cmath>

#include "host/io/number_text.hpp"
#include "tests/fuzz/fuzz.hpp"

using namespace polaris;

/// Where both readers take a text they agree on it.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = fuzz::text_of(data, size);
  const auto integer = read_integer(text);
  const auto number = read_number(text);
  if (integer && number)
    fuzz::require(static_cast<double>(*integer) == *number, "one value of a number");
  if (number) fuzz::require(std::isfinite(*number), "finite numbers");
  return 0;
}
