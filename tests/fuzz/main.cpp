// Runs a target over its corpus, then over seeded mutations of it: TARGET CORPUS ROUNDS. The inputs
// are the same every time; the one that a reader crashes on is kept in the file TARGET.input.
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <vector>

#include "host/core/read_file.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace polaris::fuzz {
namespace {

// What the signal handler needs: it may allocate nothing.
std::string crash_file;
std::string input_at_work;

void keep_input(int signal) {
  const int file = ::open(crash_file.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
  const bool kept = ::write(file, input_at_work.data(), input_at_work.size()) >= 0;
  ::close(file);
  constexpr std::string_view kMessage = "fuzz: the input is in TARGET.input\n";
  if (kept) static_cast<void>(!::write(STDERR_FILENO, kMessage.data(), kMessage.size()));
  ::raise(signal);
}

/// On a stack of its own: one reason to crash is that the stack has no room left.
void install_crash_handler() {
  static std::array<char, 1 << 16> stack;
  const stack_t alternative = {stack.data(), 0, stack.size()};
  ::sigaltstack(&alternative, nullptr);
  struct sigaction action {};
  action.sa_handler = keep_input;
  action.sa_flags = static_cast<int>(SA_ONSTACK | SA_RESETHAND);
  for (const int signal : {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL})
    ::sigaction(signal, &action, nullptr);
}

void run(std::string input) {
  input_at_work = std::move(input);
  LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(input_at_work.data()),
                         input_at_work.size());
}

std::vector<std::string> read_corpus(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) files.push_back(entry);
  std::sort(files.begin(), files.end());
  std::vector<std::string> out;
  for (const auto& file : files) out.push_back(read_file(file));
  return out;
}

int run_all(const std::filesystem::path& folder, int rounds) {
  const std::vector<std::string> corpus = read_corpus(folder);
  if (corpus.empty()) {
    std::cerr << "fuzz: expected a corpus in " << folder << ", got none\n";
    return 1;
  }
  for (const std::string& input : corpus) run(input);
  constexpr std::uint64_t kSeed = 2412;
  Random random(kSeed);
  for (int round = 0; round < rounds; ++round) {
    std::string input = corpus[random() % corpus.size()];
    for (std::uint64_t edits = 1 + random() % 4; edits > 0; --edits) input = mutate(input, random);
    run(std::move(input));
  }
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
  polaris::fuzz::crash_file = std::string(argv[0]) + ".input";
  polaris::fuzz::install_crash_handler();
  return polaris::fuzz::run_all(argv[1], count);
}
