#include "bench/gpu_report/ptxas.hpp"

#include <cxxabi.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <stdexcept>

namespace polaris::gpu_report {
namespace {

std::string readable(const std::string& mangled) {
  const std::unique_ptr<char, decltype(&std::free)> text(
      abi::__cxa_demangle(mangled.c_str(), nullptr, nullptr, nullptr), &std::free);
  std::string out = text == nullptr ? mangled : text.get();
  const std::string noise = "(anonymous namespace)::";
  for (std::size_t at; (at = out.find(noise)) != std::string::npos;) out.erase(at, noise.size());
  return out.substr(0, out.find('('));
}

/// The number that stands right before `words`; 0 where they do not occur.
int number_before(const std::string& line, const std::string& words) {
  const std::size_t at = line.find(words);
  if (at == std::string::npos) return 0;
  std::size_t begin = at;
  while (begin > 0 && line[begin - 1] >= '0' && line[begin - 1] <= '9') --begin;
  return std::atoi(line.substr(begin, at - begin).c_str());
}

}  // namespace

void read_ptxas(const std::string& path, std::map<std::string, Resources>& kernels) {
  std::ifstream file(path);
  Resources* current = nullptr;
  for (std::string line; std::getline(file, line);) {
    if (const std::size_t quote = line.find("entry function '"); quote != std::string::npos) {
      const std::size_t begin = line.find('\'') + 1;
      current = &kernels[readable(line.substr(begin, line.find('\'', begin) - begin))];
    } else if (current != nullptr && line.find("spill stores") != std::string::npos) {
      current->stack_bytes = number_before(line, " bytes stack frame");
      current->spill_bytes =
          number_before(line, " bytes spill stores") + number_before(line, " bytes spill loads");
    } else if (current != nullptr && line.find("Used ") != std::string::npos) {
      current->registers = number_before(line, " registers");
      current->shared_bytes = number_before(line, " bytes smem");
    }
  }
  if (current == nullptr)
    throw std::runtime_error(path + ": expected the output of ptxas -v, got no kernel");
}

}  // namespace polaris::gpu_report
