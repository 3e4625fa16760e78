#include "host/io/table.hpp"
#include "tests/fuzz/fuzz.hpp"

using namespace polaris;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::uintmax_t kLimit = std::uintmax_t{1} << 16;
  const std::filesystem::path path = fuzz::scratch("t.csv.gz");
  fuzz::write(path, fuzz::text_of(data, size));
  fuzz::refusal([&] { read_table(path, kLimit); });
  return 0;
}
