// polaris doctor: what this machine offers and what a gap means.
#include <dlfcn.h>
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "host/cli/commands.hpp"
#include "host/cli/options.hpp"
#include "host/core/atomic_file.hpp"
#include "host/core/error.hpp"
#include "host/core/json_text.hpp"
#include "host/core/parallel.hpp"
#include "host/core/paths.hpp"
#include "host/core/version.hpp"

namespace polaris {
namespace fs = std::filesystem;
namespace {

enum class State : std::uint8_t {
  found,
  absent,   ///< optional: something is slower or not offered
  missing,  ///< the CPU path needs it
};

struct Finding {
  std::string name;
  State state = State::found;
  std::string detail;       ///< version, size, place
  std::string consequence;  ///< of a gap
};

const char* to_string(State state) {
  switch (state) {
    case State::found:
      return "found";
    case State::absent:
      return "absent";
    case State::missing:
      return "missing";
  }
  return "unknown";
}

bool has_version_number(const std::string& line) {
  const auto digit = [&line](std::size_t i) { return line[i] >= '0' && line[i] <= '9'; };
  for (std::size_t i = 1; i + 1 < line.size(); ++i)
    if (line[i] == '.' && digit(i - 1) && digit(i + 1)) return true;
  return false;
}

/// The first line of `name --version` that has a version number in it. `name` is one of ours,
/// without shell characters.
std::string version_of(const std::string& name) {
  FILE* pipe = ::popen((name + " --version 2>/dev/null").c_str(), "r");
  if (pipe == nullptr) return {};
  std::string version;
  for (char line[256]; std::fgets(line, sizeof line, pipe) != nullptr;)
    if (version.empty() && has_version_number(line)) version = line;
  ::pclose(pipe);
  return version.substr(0, version.find('\n'));
}

Finding find_tool(const std::string& name, const std::string& program, State otherwise,
                  const std::string& consequence) {
  const fs::path file = find_program(program);
  if (file.empty()) return {name, otherwise, "no " + program + " on PATH", consequence};
  return {name, State::found, version_of(program) + " (" + file.string() + ")", ""};
}

Finding find_processor() {
#if defined(__AVX2__) && defined(__FMA__)
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma"))
    return {"processor", State::missing, "no AVX2 or no FMA",
            "this build needs both: configure with another POLARIS_MARCH"};
  return {"processor", State::found, "AVX2 and FMA, as this build needs", ""};
#else
  return {"processor", State::found, "built for " POLARIS_MARCH, ""};
#endif
}

Finding find_memory() {
  const double bytes =
      static_cast<double>(::sysconf(_SC_PHYS_PAGES)) * static_cast<double>(::sysconf(_SC_PAGESIZE));
  return {"memory", State::found, fmt::format("{:.1f} GiB", bytes / (1024.0 * 1024.0 * 1024.0)),
          ""};
}

/// Asks the driver, which a machine may have without the toolkit.
Finding find_gpu() {
  const std::string consequence = "everything runs on the CPU";
  const std::unique_ptr<void, int (*)(void*)> driver(::dlopen("libcuda.so.1", RTLD_LAZY),
                                                     [](void* d) { return d ? ::dlclose(d) : 0; });
  if (!driver) return {"GPU", State::absent, "no NVIDIA driver", consequence};
  const auto symbol = [&driver]<typename F>(const char* name, F*& function) {
    function = reinterpret_cast<F*>(::dlsym(driver.get(), name));
    return function != nullptr;
  };
  int (*init)(unsigned) = nullptr;
  int (*device_count)(int*) = nullptr;
  int (*device_name)(char*, int, int) = nullptr;
  if (!symbol("cuInit", init) || !symbol("cuDeviceGetCount", device_count) ||
      !symbol("cuDeviceGetName", device_name))
    return {"GPU", State::absent, "an NVIDIA driver without cuInit", consequence};
  int count = 0;
  if (const int status = init(0); status != 0 || device_count(&count) != 0 || count == 0)
    return {"GPU", State::absent, fmt::format("the driver shows none (cuInit: {})", status),
            consequence};
  char name[128] = {};
  device_name(name, sizeof name, 0);
  return {"GPU", State::found, fmt::format("{} x {}", count, name), ""};
}

Finding find_engine() {
  if (POLARIS_HAS_CUDA) return {"CUDA engine", State::found, "built in", ""};
  return {"CUDA engine", State::absent, "built without nvcc",
          "--backend cuda is refused, auto means cpu"};
}

/// What `folder` yields, or its Failure as a gap.
Finding find_folder(const std::string& name, const std::string& consequence,
                    const std::function<fs::path()>& folder) {
  try {
    return {name, State::found, folder().string(), ""};
  } catch (const std::exception& error) {
    return {name, State::missing, error.what(), consequence};
  }
}

fs::path writable_cache() {
  const fs::path folder = cache_dir();
  AtomicFile probe(folder / "doctor");  // never committed: gone with this line's scope
  return folder;
}

std::vector<Finding> examine() {
  const std::string no_rtl = "RTL simulation, and with it search, cannot run";
  return {
      {"polaris", State::found, std::string(kVersion) + ", built by " POLARIS_COMPILER, ""},
      find_processor(),
      {"cores", State::found, std::to_string(default_threads()), ""},
      find_memory(),
      find_folder("zoo", "workloads and spaces must be given as files", zoo_dir),
      find_folder("RTL sources", no_rtl, rtl_dir),
      find_folder("cache folder", "compiled simulators cannot be kept", writable_cache),
      find_tool("Verilator", "verilator", State::missing, no_rtl),
      find_tool("C++ compiler", "g++", State::missing, no_rtl),
      find_tool("clang", "clang++", State::absent, "simulators are built by g++ and run slower"),
      find_engine(),
      find_tool("CUDA toolkit", "nvcc", State::absent, "the CUDA engine cannot be built here"),
      find_gpu(),
  };
}

void doctor() {
  const std::vector<Finding> findings = examine();
  std::string missing;
  for (const Finding& finding : findings)
    if (finding.state == State::missing) missing += (missing.empty() ? "" : ", ") + finding.name;
  if (global_options().json) {
    nlohmann::ordered_json result = {{"ok", missing.empty()}};
    for (const Finding& finding : findings)
      result["findings"].push_back({{"name", finding.name},
                                    {"state", to_string(finding.state)},
                                    {"detail", finding.detail},
                                    {"consequence", finding.consequence}});
    std::cout << json_text(result, 2) << '\n';
  } else {
    for (const Finding& finding : findings)
      std::cout << fmt::format("{:<8} {:<13} {}{}\n", to_string(finding.state), finding.name,
                               finding.detail,
                               finding.consequence.empty() ? "" : ": " + finding.consequence);
  }
  if (!missing.empty()) throw Failure("doctor: the CPU path needs what is missing: " + missing);
}

}  // namespace

void add_doctor(CLI::App& app) {
  add_command(app, "doctor", "What this machine offers, and what a gap means", "polaris doctor")
      ->callback(doctor);
}

}  // namespace polaris
