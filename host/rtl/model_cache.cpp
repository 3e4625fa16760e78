#include "host/rtl/model_cache.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>
#include <thread>
#include <vector>

#include "host/core/atomic_file.hpp"
#include "host/core/error.hpp"
#include "host/core/hash.hpp"
#include "host/core/paths.hpp"
#include "host/rtl/subprocess.hpp"

namespace polaris {
namespace fs = std::filesystem;
namespace {

constexpr const char* kExecutable = "worker";
constexpr const char* kRecord = "worker.hash";

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
  std::ifstream in("/proc/cpuinfo");
  for (std::string line; std::getline(in, line);)
    if (line.starts_with("flags") || line.starts_with("Features")) return line;
  return "";
}

/// Held while one process or thread builds a worker.
class BuildLock {
 public:
  BuildLock(const fs::path& path, const std::function<bool()>& cancelled)
      : descriptor_(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644)) {
    if (descriptor_ < 0)
      throw Failure(path.string() + ": cannot create lock: " + std::strerror(errno));
    constexpr std::chrono::milliseconds kRetryPeriod(50);
    while (::flock(descriptor_, LOCK_EX | LOCK_NB) != 0) {
      if (cancelled()) {
        ::close(descriptor_);
        throw Failure("RTL build cancelled");
      }
      std::this_thread::sleep_for(kRetryPeriod);
    }
  }
  ~BuildLock() { ::close(descriptor_); }
  BuildLock(const BuildLock&) = delete;
  BuildLock& operator=(const BuildLock&) = delete;

 private:
  int descriptor_;
};

constexpr const char* kScratchPrefix = ".build-";

/// A folder that vanishes unless it is renamed.
class ScratchFolder {
 public:
  explicit ScratchFolder(const fs::path& parent) {
    std::string name = (parent / (std::string(kScratchPrefix) + "XXXXXX")).string();
    if (::mkdtemp(name.data()) == nullptr)
      throw Failure(name + ": cannot create: " + std::strerror(errno));
    path_ = name;
    fs::permissions(path_, fs::perms(0755));  // it becomes part of a cache that may be shared
  }
  ~ScratchFolder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;

  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

/// Removes what builds that were killed have left.
void remove_abandoned(const fs::path& parent) {
  constexpr std::chrono::hours kLongestBuild(24);
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(parent, ignored))
    if (entry.path().filename().string().starts_with(kScratchPrefix) &&
        fs::file_time_type::clock::now() - entry.last_write_time(ignored) > kLongestBuild)
      fs::remove_all(entry.path(), ignored);
}

bool intact(const fs::path& folder) {
  std::error_code ignored;
  return ::access((folder / kExecutable).c_str(), R_OK | X_OK) == 0 &&
         fs::is_regular_file(folder / kExecutable, ignored) &&
         fs::is_regular_file(folder / kRecord, ignored) &&
         read_file(folder / kRecord) == content_hash(read_file(folder / kExecutable));
}

}  // namespace

struct RtlModelCache::Toolchain {
  std::string compiler;
  std::string versions;     ///< first lines of --version of verilator and compiler
  fs::path verilator_root;  ///< holds include/verilated.cpp
};

RtlModelCache::RtlModelCache(RtlModelOptions options) : options_(std::move(options)) {
  if (options_.rtl_dir.empty()) options_.rtl_dir = polaris::rtl_dir();
  root_ = (options_.cache_dir.empty() ? polaris::cache_dir() : options_.cache_dir) / "rtl";
  std::error_code error;
  fs::create_directories(root_, error);
  if (error) throw Failure(root_.string() + ": cannot create: " + error.message());
  root_ = fs::absolute(root_);
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

RtlModelCache::Toolchain RtlModelCache::find_tools(const fs::path& scratch,
                                                   const std::function<bool()>& cancelled) const {
  const fs::path log = scratch / "tool.log";
  const auto ask = [&](const std::vector<std::string>& command) -> std::string {
    if (run_command(command, log, cancelled) != 0) return "";
    const std::vector<std::string> lines = read_lines(log);
    return lines.empty() ? "" : lines.front();
  };
  Toolchain out;
  const std::string version = ask({"verilator", "--version"});
  out.verilator_root = ask({"verilator", "--getenv", "VERILATOR_ROOT"});
  if (version.empty() || out.verilator_root.empty())
    throw Failure("verilator: expected a working installation, 'verilator --version' failed");
  std::vector<std::string> candidates = {"clang++", "g++"};
  if (!options_.compiler.empty()) candidates = {options_.compiler};
  for (const std::string& candidate : candidates) {
    std::string compiler_version;
    try {
      compiler_version = ask({candidate, "--version"});
    } catch (const Failure&) {
      continue;  // not installed: try the next
    }
    out.compiler = candidate;
    out.versions = version + "\n" + compiler_version;
    return out;
  }
  throw Failure("C++ compiler for the RTL: expected " + candidates.front() +
                " to run, cannot start it");
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
  std::vector<std::string> command = {"verilator"};
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

  AtomicFile record(folder / kRecord);
  record.stream() << content_hash(read_file(folder / kExecutable));
  record.commit();
}

fs::path RtlModelCache::worker(int dim, const std::function<bool()>& cancelled) const {
  const ScratchFolder scratch(root_);
  const Toolchain tools = find_tools(scratch.path(), cancelled);
  std::string identity = source_hash_ + "\n" + tools.versions + "\n" + tools.compiler + "\n" +
                         cpu_features() + "\n" + std::to_string(dim);
  for (const auto& flags : {verilator_flags(options_), compiler_flags(options_.waveform)})
    for (const std::string& flag : flags) identity += " " + flag;
  const std::string key = content_hash(identity);
  const fs::path folder = root_ / key;
  const BuildLock lock(root_ / (key + ".lock"), cancelled);
  if (intact(folder)) return folder / kExecutable;
  std::error_code error;
  if (fs::exists(folder)) {
    spdlog::warn("{}: simulator is damaged, building it anew", folder.string());
    fs::remove_all(folder, error);
  }
  remove_abandoned(root_);
  spdlog::info("building the RTL simulator for DIM {}", dim);
  build(dim, tools, scratch.path(), cancelled);
  fs::rename(scratch.path(), folder, error);
  if (error) throw Failure(folder.string() + ": rename failed: " + error.message());
  return folder / kExecutable;
}

}  // namespace polaris
