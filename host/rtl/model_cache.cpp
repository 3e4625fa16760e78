#include "host/rtl/model_cache.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <sstream>
#include <system_error>
#include <thread>
#include <vector>

#include "host/core/atomic_file.hpp"
#include "host/core/descriptor.hpp"
#include "host/core/error.hpp"
#include "host/core/hash.hpp"
#include "host/core/paths.hpp"
#include "host/core/scratch.hpp"
#include "host/rtl/subprocess.hpp"

namespace polaris {
namespace fs = std::filesystem;
namespace {

constexpr const char* kExecutable = "worker";
constexpr const char* kRecord = "worker.hash";
constexpr mode_t kPrivate = 0700;

/// Loops over the array are unrolled up to DIM 64 (rtl/mesh.sv); fast initial values: every state
/// that matters is reset or written before it is read.
std::vector<std::string> verilator_flags(const RtlModelOptions& options) {
  std::vector<std::string> flags = {
      "--cc",           "-O3",          "--x-assign",     "fast",     "--x-initial",
      "fast",           "--top-module", "accelerator",    "--prefix", "Vaccelerator",
      "--unroll-count", "2048",         "--unroll-stmts", "1000000"};
  flags.push_back(options.assertions ? "--assert" : "--noassert");
  if (options.waveform != RtlWaveform::none)
    // Structs by field: what travels with a step or a row is readable.
    flags.insert(flags.end(), {options.waveform == RtlWaveform::vcd ? "--trace" : "--trace-fst",
                               "--trace-structs"});
  if (options.threads > 1)
    flags.insert(flags.end(), {"--threads", fmt::to_string(options.threads)});
  return flags;
}

/// The worker never leaves this machine: the cache key holds the CPU's features.
std::vector<std::string> compiler_flags(RtlWaveform waveform) {
  std::vector<std::string> flags = {"-std=c++20", "-march=native", "-DVM_COVERAGE=0"};
  switch (waveform) {
    case RtlWaveform::none:
      flags.insert(flags.end(), {"-O3", "-DVM_TRACE=0"});
      break;
    case RtlWaveform::vcd:  // the file takes most of the time
      flags.insert(flags.end(), {"-O1", "-DVM_TRACE=1", "-DVM_TRACE_VCD=1"});
      break;
    case RtlWaveform::fst:
      flags.insert(flags.end(), {"-O1", "-DVM_TRACE=1", "-DVM_TRACE_FST=1"});
      break;
  }
  return flags;
}

std::vector<std::string> read_lines(const fs::path& file) {
  std::istringstream in(read_file(file));
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);)
    if (!line.empty()) lines.push_back(line);
  return lines;
}

/// The first line that a tool prints on stdout. Throws Failure where it cannot be had, and why.
std::string ask(const std::vector<std::string>& command) {
  constexpr double kPatienceSeconds = 60.0;
  constexpr std::size_t kMostBytes = 1 << 16;
  const std::string name = fmt::format("{}", fmt::join(command, " "));
  FilterProcess process(command);
  const auto output = process.run("", monotonic_seconds() + kPatienceSeconds, kMostBytes);
  const std::string line = output.out.substr(0, output.out.find('\n'));
  switch (output.ending) {
    case FilterProcess::Ending::timed_out:
      throw Failure(fmt::format("{}: no answer within {} s", name, kPatienceSeconds));
    case FilterProcess::Ending::too_long:
      throw Failure(name + ": expected a version, got a flood");
    case FilterProcess::Ending::signalled:
      throw Failure(fmt::format("{}: ended with signal {}", name, output.code));
    case FilterProcess::Ending::exited:
      if (output.code != 0)
        throw Failure(fmt::format("{}: failed with exit code {}: {}", name, output.code,
                                  output.err.substr(0, output.err.find('\n'))));
  }
  return line;
}

/// What a failed tool said last that tells why; one line.
std::string complaint(const fs::path& log) {
  std::string last = "no message";
  for (const std::string& line : read_lines(log)) {
    for (const char* sign : {"rror:", "%Error", "undefined reference"})
      if (line.find(sign) != std::string::npos && line.find("linker command") == std::string::npos)
        return line;
    last = line;
  }
  return last;
}

std::string cpu_features() {
  std::istringstream in(read_file("/proc/cpuinfo"));
  for (std::string line; std::getline(in, line);)
    if (line.starts_with("flags") || line.starts_with("Features")) return line;
  return "";
}

/// Held while one process or thread builds a worker.
class BuildLock {
 public:
  BuildLock(const fs::path& path, const std::function<bool()>& cancelled)
      : descriptor_(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)) {
    if (!descriptor_)
      throw Failure(path.parent_path().string() +
                    ": expected this machine's simulator or room to build it, got " +
                    std::strerror(errno) + "; POLARIS_CACHE names another folder");
    constexpr std::chrono::milliseconds kRetryPeriod(50);
    while (::flock(descriptor_.get(), LOCK_EX | LOCK_NB) != 0) {
      if (cancelled()) throw Failure("RTL build cancelled");
      std::this_thread::sleep_for(kRetryPeriod);
    }
  }

 private:
  Descriptor descriptor_;
};

/// An executable that is as it was built, and that nobody but this user or root can have touched.
bool intact(const fs::path& folder) {
  constexpr mode_t kOthersWrite = S_IWGRP | S_IWOTH;
  struct stat status {};
  for (const fs::path& path : {folder, folder / kExecutable, folder / kRecord}) {
    if (::lstat(path.c_str(), &status) != 0 || (status.st_mode & kOthersWrite) != 0) return false;
    if (status.st_uid != 0 && status.st_uid != ::geteuid()) return false;
    if (!S_ISREG(status.st_mode) && path != folder) return false;
  }
  return ::access((folder / kExecutable).c_str(), R_OK | X_OK) == 0 &&
         read_file(folder / kRecord) == content_hash(read_file(folder / kExecutable));
}

}  // namespace

struct RtlModelCache::Toolchain {
  std::string verilator;    ///< program
  std::string compiler;     ///< program
  std::string identity;     ///< what --version says first, and the compiler's name
  fs::path verilator_root;  ///< holds include/verilated.cpp
};

RtlModelCache::RtlModelCache(RtlModelOptions options) : options_(std::move(options)) {
  if (options_.rtl_dir.empty()) options_.rtl_dir = polaris::rtl_dir();
  const fs::path cache = options_.cache_dir.empty() ? polaris::cache_dir() : options_.cache_dir;
  root_ = fs::absolute(cache) / "rtl";
  create_private_folder(root_);
  expect_trusted(root_.parent_path());
  expect_trusted(root_);
  options_.rtl_dir = fs::absolute(options_.rtl_dir);

  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(options_.rtl_dir)) {
    const auto extension = entry.path().extension();
    if (extension == ".sv" || extension == ".svh" || extension == ".f" || extension == ".cpp" ||
        extension == ".hpp")
      files.push_back(entry.path());
  }
  if (files.empty())
    throw Failure(options_.rtl_dir.string() + ": expected the accelerator's sources, found none");
  std::sort(files.begin(), files.end());
  std::string content;
  for (const fs::path& file : files) {
    const std::string text = read_file(file);
    content += fs::relative(file, options_.rtl_dir).string() + " " + std::to_string(text.size()) +
               "\n" + text;
  }
  source_hash_ = content_hash(content);
}

RtlModelCache::Toolchain RtlModelCache::find_tools() const {
  Toolchain out;
  out.verilator = find_program("verilator").string();
  if (out.verilator.empty()) throw Failure("RTL simulator: expected verilator on PATH, found none");
  const std::string version = ask({out.verilator, "--version"});
  out.verilator_root = ask({out.verilator, "--getenv", "VERILATOR_ROOT"});
  std::vector<std::string> candidates = {"clang++", "g++"};
  if (!options_.compiler.empty()) candidates = {options_.compiler};
  for (const std::string& candidate : candidates) {
    const bool is_path = candidate.find('/') != std::string::npos;
    out.compiler = is_path ? candidate : find_program(candidate).string();
    if (::access(out.compiler.c_str(), X_OK) != 0) continue;  // not installed: try the next
    out.identity = version + "\n" + ask({out.compiler, "--version"}) + "\n" + candidate;
    return out;
  }
  throw Failure("C++ compiler for the RTL: expected " + candidates.front() + ", found none");
}

void RtlModelCache::build(int dim, const Toolchain& tools, const fs::path& folder,
                          const std::function<bool()>& cancelled) const {
  const auto run = [&](const std::vector<std::string>& command, const char* what) {
    const fs::path log = folder / "build.log";
    const int code = run_command(command, log, cancelled);
    if (cancelled()) throw Failure("RTL build cancelled");
    if (code != 0)
      throw Failure(std::string(what) + " failed for DIM " + std::to_string(dim) +
                    " with exit code " + std::to_string(code) + ": " + complaint(log));
  };
  const fs::path model = folder / "model";
  std::vector<std::string> command = {tools.verilator};
  for (const std::string& flag : verilator_flags(options_)) command.push_back(flag);
  command.insert(command.end(), {"-GDim=" + std::to_string(dim), "-Mdir", model.string(),
                                 "-I" + options_.rtl_dir.string()});
  for (const std::string& source : read_lines(options_.rtl_dir / "accelerator.f"))
    command.push_back((options_.rtl_dir / source).string());
  run(command, "verilator");

  // One translation unit: half the time of one per file, and calls inline across them.
  const fs::path unit = folder / "worker.cpp";
  {
    AtomicFile file(unit);
    std::vector<std::string> generated;
    for (const auto& entry : fs::directory_iterator(model))
      if (entry.path().extension() == ".cpp") generated.push_back(entry.path().filename().string());
    std::sort(generated.begin(), generated.end());
    // Waveforms first: their templates are specialised before the model uses them.
    std::vector<std::string> sources;
    if (options_.waveform == RtlWaveform::vcd) sources.push_back("verilated_vcd_c.cpp");
    if (options_.waveform == RtlWaveform::fst) sources.push_back("verilated_fst_c.cpp");
    sources.insert(sources.end(), generated.begin(), generated.end());
    sources.insert(sources.end(), {"verilated.cpp", "verilated_dpi.cpp", "verilated_threads.cpp",
                                   "harness/worker.cpp"});
    for (const std::string& source : sources) file.stream() << "#include \"" << source << "\"\n";
    file.commit();
  }
  const fs::path include = tools.verilator_root / "include";
  command = {tools.compiler};
  for (const std::string& flag : compiler_flags(options_.waveform)) command.push_back(flag);
  command.insert(command.end(), {"-DPOLARIS_RTL_DIM=" + std::to_string(dim), "-I" + model.string(),
                                 "-I" + include.string(), "-I" + (include / "vltstd").string(),
                                 "-I" + options_.rtl_dir.string(), unit.string(), "-o",
                                 (folder / kExecutable).string(), "-lpthread", "-latomic"});
  if (options_.waveform == RtlWaveform::fst) command.push_back("-lz");
  run(command, "compiler");
  std::error_code ignored;
  fs::remove_all(model, ignored);
  ::chmod((folder / kExecutable).c_str(), kPrivate);  // whatever the umask

  AtomicFile record(folder / kRecord);
  record.stream() << content_hash(read_file(folder / kExecutable));
  record.commit();
}

fs::path RtlModelCache::worker(int dim, const std::function<bool()>& cancelled) const {
  const Toolchain tools = find_tools();
  std::string identity =
      source_hash_ + "\n" + tools.identity + "\n" + cpu_features() + "\n" + std::to_string(dim);
  for (const auto& flags : {verilator_flags(options_), compiler_flags(options_.waveform)})
    for (const std::string& flag : flags) identity += " " + flag;
  const std::string key = content_hash(identity);
  const fs::path folder = root_ / key;
  // Nothing is written where the simulator is there: the cache may be read-only.
  if (intact(folder)) return folder / kExecutable;
  const BuildLock lock(root_ / (key + ".lock"), cancelled);
  if (intact(folder)) return folder / kExecutable;
  std::error_code ignored;
  if (fs::exists(fs::symlink_status(folder, ignored))) {
    spdlog::warn("{}: simulator is damaged or open to others, building it anew", folder.string());
    fs::remove_all(folder, ignored);  // where that fails, the rename says why
  }
  remove_abandoned(root_);
  spdlog::info("building the RTL simulator for DIM {}", dim);
  try {
    const ScratchFolder scratch(root_, kPrivate);
    build(dim, tools, scratch.path(), cancelled);
    fs::rename(scratch.path(), folder);
  } catch (const std::system_error& refusal) {
    throw Failure(std::string("RTL build: ") + refusal.what());
  }
  return folder / kExecutable;
}

}  // namespace polaris
