// Runs a target over its corpus, then over seeded mutations of it: TARGET CORPUS ROUNDS. The inputs
// are the same every time; the one that a reader crashed on stays in the file TARGET.input.
#include <algorithm>
#include <charconv>
#include <vector>

#include "host/core/read_file.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace polaris::fuzz {
namespace {

void run(const std::string& input, const std::filesystem::path& at_work) {
  write(at_work, input);
  LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(input.data()), input.size());
}

std::vector<std::string> read_corpus(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) files.push_back(entry);
  std::sort(files.begin(), files.end());
  std::vector<std::string> out;
  for (const auto& file : files) out.push_back(read_file(file));
  return out;
}

int run_all(const std::filesystem::path& folder, int rounds, const std::filesystem::path& at_work) {
  const std::vector<std::string> corpus = read_corpus(folder);
  if (corpus.empty()) {
    std::cerr << "fuzz: expected a corpus in " << folder << ", got none\n";
    return 1;
  }
  for (const std::string& input : corpus) run(input, at_work);
  constexpr std::uint64_t kSeed = 2412;
  Random random(kSeed);
  for (int round = 0; round < rounds; ++round) {
    std::string input = corpus[random() % corpus.size()];
    for (std::uint64_t edits = 1 + random() % 4; edits > 0; --edits) input = mutate(input, random);
    run(input, at_work);
  }
  std::filesystem::remove(at_work);
  std::cout << corpus.size() << " inputs of the corpus, " << rounds << " mutations\n";
  return 0;
}

}  // namespace
}  // namespace polaris::fuzz

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  const std::string rounds = argv[2];
  int count = 0;
  std::from_chars(rounds.data(), rounds.data() + rounds.size(), count);
  return polaris::fuzz::run_all(argv[1], count, std::string(argv[0]) + ".input");
}
