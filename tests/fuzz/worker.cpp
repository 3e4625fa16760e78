#include "host/rtl/worker.hpp"

#include "tests/fuzz/fuzz.hpp"

using namespace polaris;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto answer = parse_worker_answer(fuzz::text_of(data, size));
  if (!answer || !answer->refusal.empty()) return 0;
  fuzz::require(answer->mismatches >= 0, "a count of mismatches");
  for (const auto& [name, member] : kRtlCounterFields)
    fuzz::require(answer->counters.*member >= 0, "counters from 0 on");
  return 0;
}
