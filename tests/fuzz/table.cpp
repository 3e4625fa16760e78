#include "host/io/table.hpp"

#include "tests/fuzz/fuzz.hpp"

using namespace polaris;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::refusal([text = fuzz::text_of(data, size)] {
    const Table table = parse_table(text, "t.csv");
    const Table back = parse_table(format_table(table), "back.csv");
    fuzz::require(back.columns == table.columns && back.rows == table.rows, "a table to read back");
  });
  return 0;
}
