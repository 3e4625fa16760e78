// Joins our mutations with libFuzzer's own.
#include <algorithm>
#include <cstring>

#include "tests/fuzz/fuzz.hpp"

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t max_size);

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size,
                                               std::size_t max_size, unsigned seed) {
  constexpr unsigned kOurs = 4;  // one in so many
  if (seed % kOurs != 0) return LLVMFuzzerMutate(data, size, max_size);
  polaris::fuzz::Random random(seed);
  const std::string changed =
      polaris::fuzz::mutate(std::string(polaris::fuzz::text_of(data, size)), random);
  const std::size_t kept = std::min(changed.size(), max_size);
  std::memcpy(data, changed.data(), kept);
  return kept;
}
