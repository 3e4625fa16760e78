// Builds the simulation worker of an array size and keeps it for every later run.
#pragma once

#include <filesystem>
#include <functional>
#include <string>

namespace polaris {

/// Waveforms a simulator can write besides its answers.
enum class RtlWaveform { none, vcd, fst };

struct RtlModelOptions {
  std::filesystem::path cache_dir;  ///< workers lie in its sub-folder rtl/; empty: cache_dir()
  std::filesystem::path rtl_dir;    ///< SystemVerilog and harness; empty: rtl_dir()
  bool assertions = false;          ///< check the RTL's assertions: slower, for tests
  std::string compiler;             ///< C++ compiler; empty: clang++, else g++
  RtlWaveform waveform = RtlWaveform::none;  ///< slower even where none is written
  int threads = 1;  ///< of one simulation; more are slower (bench/README.md)
};

/// One folder per content: sources, tools, flags, CPU and array size. Safe for concurrent use by
/// threads and processes: a lock file lets one build and the others wait; a folder appears by
/// rename, complete. An executable that differs from its recorded hash, or that others than this
/// user and root own or may write, is built anew. A cache that may not be written serves what it
/// holds.
class RtlModelCache {
 public:
  /// Throws Failure where the RTL sources are not found, and where others may write in the cache.
  explicit RtlModelCache(RtlModelOptions options);

  /// Path of the worker executable for `dim`, built if need be (10 to 30 s). Throws Failure with
  /// the tool's last words where the build fails or `cancelled` turns true.
  std::filesystem::path worker(int dim, const std::function<bool()>& cancelled) const;

  /// Hash of the RTL and harness sources: what a result depends on besides job and code.
  const std::string& source_hash() const { return source_hash_; }

 private:
  struct Toolchain;
  Toolchain find_tools() const;
  void build(int dim, const Toolchain& tools, const std::filesystem::path& folder,
             const std::function<bool()>& cancelled) const;

  RtlModelOptions options_;
  std::filesystem::path root_;  ///< cache folder of all workers
  std::string source_hash_;
};

}  // namespace polaris
