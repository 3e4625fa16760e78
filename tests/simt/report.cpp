#include <cstdarg>
#include <cstdio>
#include <set>
#include <utility>

#include "tests/simt/executor.hpp"

namespace simt {
namespace {

std::vector<Report> found;
std::set<std::pair<Fault, std::uintptr_t>> seen;

const char* name_of(Fault fault) {
  switch (fault) {
    case Fault::race:
      return "race";
    case Fault::out_of_bounds:
      return "out of bounds";
    case Fault::uninitialised:
      return "uninitialised read";
    case Fault::host_memory:
      return "host and device memory confused";
    case Fault::misaligned:
      return "misaligned access";
    case Fault::arithmetic:
      return "undefined arithmetic";
    case Fault::barrier:
      return "barrier";
    case Fault::warp:
      return "warp operation";
    case Fault::deadlock:
      return "deadlock";
    case Fault::trap:
      return "trap";
    case Fault::api:
      return "wrong use of the API";
  }
  return "unknown";
}

std::string who() {
  const Thread* thread = current();
  if (thread == nullptr) return "";
  const auto kernel = reinterpret_cast<std::uintptr_t>(block.launch->kernel);
  return " [" + function_at(kernel) + " block " + std::to_string(block.number) + " thread " +
         std::to_string(thread->linear) + "]";
}

}  // namespace

const std::vector<Report>& reports() { return found; }

void clear_reports() {
  found.clear();
  seen.clear();
}

void report(Fault fault, std::uintptr_t place, const char* format, ...) {
  const InExecutor scope;
  if (!seen.emplace(fault, place).second) return;
  char text[1024];
  std::va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  found.push_back({fault, std::string(name_of(fault)) + ": " + text + who()});
  std::fprintf(stderr, "simt: %s\n", found.back().text.c_str());
}

}  // namespace simt
