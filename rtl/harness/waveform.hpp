// Waveform of a run: every signal at every clock edge, as VCD or FST. The model decides at build
// time which of them it can write, if any.
//
// Time counts half cycles as nanoseconds: rising edge n at 2n, the falling edge after it at 2n + 1.
// Edge 0 starts the run; a run of n cycles ends at 2n.
#pragma once

#include <unistd.h>
#include <verilated.h>

#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <string>
#include <utility>

#include "Vaccelerator.h"
#if VM_TRACE_VCD
#include "verilated_vcd_c.h"
#elif VM_TRACE_FST
#include "verilated_fst_c.h"
#endif

namespace polaris_rtl {

#if VM_TRACE_VCD

/// Keeps the first error, where Verilator's own would end the process.
class TraceFile : public VerilatedVcdFile {
 public:
  int error() const { return error_; }

  bool open(const std::string& path) override {
    error_ = VerilatedVcdFile::open(path) ? 0 : errno;
    return error_ == 0;
  }
  ssize_t write(const char* data, ssize_t bytes) override {
    if (error_ != 0) return bytes;
    const ssize_t written = VerilatedVcdFile::write(data, bytes);
    if (written >= 0 || errno == EINTR || errno == EAGAIN) return written;
    error_ = errno;
    return bytes;
  }

 private:
  int error_ = 0;
};

class TraceWriter {
 public:
  void attach(Vaccelerator& model) {
    model.trace(&vcd_, kAllLevels);
    vcd_.set_time_unit("1ns");
    vcd_.set_time_resolution("1ns");
  }
  std::string open(const std::string& path) {
    vcd_.open(path.c_str());
    return reason();
  }
  void dump(std::uint64_t time) { vcd_.dump(time); }
  std::string close(std::uint64_t) {
    vcd_.close();
    return reason();
  }

 private:
  static constexpr int kAllLevels = 99;
  std::string reason() const { return file_.error() == 0 ? "" : std::strerror(file_.error()); }

  TraceFile file_;
  VerilatedVcdC vcd_{&file_};
};

#elif VM_TRACE_FST

/// The FST library ignores failing writes: the finished file is read back.
class TraceWriter {
 public:
  void attach(Vaccelerator& model) {
    model.trace(&fst_, kAllLevels);
    fst_.set_time_unit("1ns");
    fst_.set_time_resolution("1ns");
  }
  std::string open(const std::string& path) {
    path_ = path;
    std::FILE* probe = std::fopen(path.c_str(), "wb");
    if (probe == nullptr) return std::strerror(errno);
    std::fclose(probe);
    fst_.open(path.c_str());
    return "";
  }
  void dump(std::uint64_t time) { fst_.dump(time); }
  std::string close(std::uint64_t last_time) {
    fst_.close();
    void* reader = fstReaderOpen(path_.c_str());
    const bool whole = reader != nullptr && fstReaderGetEndTime(reader) == last_time &&
                       fstReaderIterBlocks(reader, ignore, nullptr, nullptr) != 0;
    if (reader != nullptr) fstReaderClose(reader);
    return whole ? "" : "the file is not whole: is the disk full?";
  }

 private:
  static constexpr int kAllLevels = 99;
  static void ignore(void*, uint64_t, fstHandle, const unsigned char*) {}

  std::string path_;
  VerilatedFstC fst_;
};

#else

/// A model without tracing.
class TraceWriter {
 public:
  void attach(Vaccelerator&) {}
  std::string open(const std::string&) { return "this simulator writes no waveforms"; }
  void dump(std::uint64_t) {}
  std::string close(std::uint64_t) { return ""; }
};

#endif

class Waveform {
 public:
  Waveform(std::string path, std::int64_t first_cycle, std::int64_t last_cycle)
      : path_(std::move(path)), first_(first_cycle), last_(last_cycle) {
    std::signal(SIGXFSZ, SIG_IGN);  // a file too large is a failing write
    // The FST library maps its files: with a full disk, storing there raises this signal.
    std::signal(SIGBUS, [](int) {
      constexpr char kAnswer[] = "failed cannot write the waveform: no room for its files\n";
      _exit(::write(STDOUT_FILENO, kAnswer, sizeof(kAnswer) - 1) < 0);
    });
  }

  void attach(Vaccelerator& model) { writer_.attach(model); }

  /// Begins a file; why it cannot, or nothing.
  std::string open() {
    edge_ = -1;
    last_time_ = 0;
    return explain(writer_.open(path_));
  }

  /// To be called after each edge, rising first.
  void rising_edge() {
    ++edge_;
    if (edge_ >= first_ && edge_ <= last_) dump(2 * static_cast<std::uint64_t>(edge_));
  }
  void falling_edge() {
    if (edge_ >= first_ && edge_ < last_) dump(2 * static_cast<std::uint64_t>(edge_) + 1);
  }

  /// Ends the file; what went wrong with it, or nothing.
  std::string close() { return explain(writer_.close(last_time_)); }

 private:
  void dump(std::uint64_t time) {
    writer_.dump(time);
    last_time_ = time;
  }
  static std::string explain(const std::string& reason) {
    return reason.empty() ? "" : "cannot write the waveform: " + reason;
  }

  std::string path_;
  std::int64_t first_, last_;
  std::int64_t edge_ = -1;  ///< the last rising edge
  std::uint64_t last_time_ = 0;
  TraceWriter writer_;
};

}  // namespace polaris_rtl
