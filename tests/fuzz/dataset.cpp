#include "host/io/dataset.hpp"

#include "models/analytical/analytical.hpp"
#include "tests/fuzz/fuzz.hpp"

using namespace polaris;

/// The input is a whole table; what is read as a design point must be one that can be evaluated.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::refusal([text = fuzz::text_of(data, size)] {
    const Table table = parse_table(text, "t.csv");
    for (const ArraySize array : {ArraySize::from_columns, ArraySize::from_mapping})
      for (const DatasetRow& row : read_design_points(table, array)) {
        if (!row.error.empty()) continue;
        const AnalyticalResult result = evaluate_analytical(row.layer, row.hardware, row.mapping);
        fuzz::require(result.cycles > 0 && result.energy_pj > 0.0, "a positive cost");
      }
  });
  return 0;
}
