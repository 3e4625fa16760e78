#include "host/rtl/external.hpp"
#include "tests/fuzz/fuzz.hpp"

using namespace polaris;

/// An answer costs its run at most: no exception, whatever it is.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  RtlJob job;
  job.max_cycles = 1'000'000;
  const RtlResult result = evaluator_result(job, std::string(fuzz::text_of(data, size)));
  if (result.status == RtlStatus::ok)
    fuzz::require(result.cycles >= 1 && result.energy_pj > 0.0, "positive measurements");
  else
    fuzz::require(!result.reason.empty() && result.reason.find('\n') == std::string::npos,
                  "a reason on one line");
  return 0;
}
