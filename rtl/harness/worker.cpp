// Simulation worker: one Verilated accelerator that runs jobs from stdin until it ends.
//
// Lines of space-separated words:
//   worker:  polaris-rtl-worker <version> <dim>
//   request: run <functional 0|1> <max cycles> <data seed> <R S P Q C K N>
//            <stride_w stride_h dilation_w dilation_h> <input, weight, output address>
//            <image bytes> <shift> <register count> {<address> <value>}
//   answer:  done <finished 0|1> <error bits> <mismatches> <counter count> {<counter>}
//            failed <reason>
// The model is reused: every job begins with a reset and writes all its registers.
// Arguments, of a worker built for it: trace <file> <first cycle> <last cycle>.
#include <poll.h>
#include <unistd.h>
#include <verilated.h>

#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "Vaccelerator.h"
#include "Vaccelerator__Dpi.h"
#include "dram_image.hpp"
#include "reference.hpp"
#include "svdpi.h"
#include "waveform.hpp"

#ifndef POLARIS_RTL_DIM
#error "POLARIS_RTL_DIM: the array size this worker is built for"
#endif

namespace polaris_rtl {
namespace {

constexpr int kProtocolVersion = 1;
constexpr int kCounters = 23;  ///< of the read port, as in accelerator_pkg.sv
/// Between checks whether the other end still lives: an orphan must not simulate on.
constexpr std::int64_t kCyclesPerCheck = 1 << 16;

DramImage image;

struct Job {
  bool functional = false;
  std::int64_t max_cycles = 0;
  std::uint64_t seed = 0;
  Shape shape{};
  std::uint32_t input = 0, weight = 0, output = 0;
  std::uint64_t image_bytes = 0;
  int shift = 0;
  std::vector<std::pair<std::uint32_t, std::uint32_t>> registers;
};

bool parse(const std::string& line, Job& job) {
  std::istringstream in(line);
  std::string verb;
  std::size_t count = 0;
  Shape& s = job.shape;
  in >> verb >> job.functional >> job.max_cycles >> job.seed >> s.r >> s.s >> s.p >> s.q >> s.c >>
      s.k >> s.n >> s.stride_w >> s.stride_h >> s.dilation_w >> s.dilation_h >> job.input >>
      job.weight >> job.output >> job.image_bytes >> job.shift >> count;
  for (std::size_t i = 0; in && i < count; ++i) {
    std::uint32_t address = 0, value = 0;
    in >> address >> value;
    job.registers.emplace_back(address, value);
  }
  return verb == "run" && static_cast<bool>(in);
}

/// splitmix64 (Steele, Lea, Flood, OOPSLA 2014): good enough for test data, and tiny.
std::uint64_t next_random(std::uint64_t& state) {
  std::uint64_t z = state += 0x9E3779B97F4A7C15u;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return z ^ (z >> 31);
}

void fill_random(std::int8_t* data, std::int64_t count, std::uint64_t& state) {
  for (std::int64_t i = 0; i < count; ++i)
    data[i] = static_cast<std::int8_t>(next_random(state) >> 56);
}

class Simulation {
 public:
  /// `waveform`: null to write none.
  explicit Simulation(Waveform* waveform) : model_(&context_), waveform_(waveform) {
    if (waveform_ != nullptr) {
      context_.traceEverOn(true);
      waveform_->attach(model_);
    }
  }

  void run(const Job& job, std::ostream& out) {
    if (job.functional) {
      image.resize(job.image_bytes);
      std::uint64_t state = job.seed;
      fill_random(image.at(job.input), job.shape.input_words(), state);
      fill_random(image.at(job.weight), job.shape.weight_words(), state);
    } else {
      image.release();
    }
    program(job);
    std::string failure;
    if (waveform_ != nullptr) failure = waveform_->open();
    const bool finished = failure.empty() && simulate(job.max_cycles);
    if (waveform_ != nullptr && failure.empty()) failure = waveform_->close();
    if (!failure.empty()) {
      out << "failed " << failure << std::endl;
      return;
    }
    out << "done " << finished << ' ' << int{model_.error_o} << ' '
        << (job.functional && finished ? mismatches(job) : 0) << ' ' << kCounters;
    for (int i = 0; i < kCounters; ++i) out << ' ' << counter(i);
#if VM_COVERAGE
    // After every job: a worker is killed when there are no more.
    context_.coveragep()->write(
        (std::getenv("POLARIS_RTL_COVERAGE") + std::to_string(getpid())).c_str());
#endif
    out << std::endl;
  }

 private:
  void cycle() {
    model_.clk_i = 0;
    model_.eval();
    model_.clk_i = 1;
    model_.eval();
  }

  void traced_cycle() {
    model_.clk_i = 0;
    model_.eval();
    waveform_->falling_edge();
    model_.clk_i = 1;
    model_.eval();
    waveform_->rising_edge();
  }

  void simulated_cycle() {
    if (waveform_ == nullptr)
      cycle();
    else
      traced_cycle();
  }

  void program(const Job& job) {
    model_.rst_ni = 0;
    model_.start_i = 0;
    model_.counter_read_i = 0;
    for (const auto& [address, value] : job.registers) {
      model_.cfg_addr_i = static_cast<CData>(address);
      model_.cfg_data_i = value;
      model_.cfg_clk_i = 0;
      model_.eval();
      model_.cfg_clk_i = 1;
      model_.eval();
    }
    cycle();  // the reset itself: some units take registers over
    model_.rst_ni = 1;
  }

  /// No one is left to read the answer.
  static bool orphaned() {
    pollfd requests{STDIN_FILENO, 0, 0};
    return poll(&requests, 1, 0) > 0 && (requests.revents & POLLHUP) != 0;
  }

  bool simulate(std::int64_t max_cycles) {
    model_.start_i = 1;
    simulated_cycle();
    model_.start_i = 0;
    for (std::int64_t n = 0; n < max_cycles && !model_.done_o; ++n) {
      simulated_cycle();
      if (n % kCyclesPerCheck == kCyclesPerCheck - 1 && orphaned()) std::exit(1);
    }
    return model_.done_o;
  }

  std::uint64_t counter(int number) {
    model_.counter_read_i = 1;
    model_.counter_addr_i = static_cast<CData>(number);
    cycle();
    return model_.counter_data_o;
  }

  std::int64_t mismatches(const Job& job) const {
    const std::vector<std::int8_t> expected =
        convolve(job.shape, image.at(job.input), image.at(job.weight), job.shift);
    const std::int8_t* got = image.at(job.output);
    std::int64_t count = 0;
    for (std::size_t i = 0; i < expected.size(); ++i) count += got[i] != expected[i];
    return count;
  }

  VerilatedContext context_;
  Vaccelerator model_;
  Waveform* waveform_;
};

}  // namespace
}  // namespace polaris_rtl

extern "C" void dram_read(unsigned address, unsigned bytes, svBitVecVal* data) {
  polaris_rtl::image.read(address, bytes, data);
}
extern "C" void dram_write(unsigned address, unsigned bytes, const svBitVecVal* data) {
  polaris_rtl::image.write(address, bytes, data);
}

int main(int argc, char** argv) {
  using namespace polaris_rtl;
  std::unique_ptr<Waveform> waveform;
  if (argc == 5)
    waveform = std::make_unique<Waveform>(argv[2], std::atoll(argv[3]), std::atoll(argv[4]));
  std::cout << "polaris-rtl-worker " << kProtocolVersion << ' ' << POLARIS_RTL_DIM << std::endl;
  const auto simulation = std::make_unique<Simulation>(waveform.get());
  for (std::string line; std::getline(std::cin, line);) {
    Job job;
    if (!parse(line, job)) {
      std::cerr << "polaris-rtl-worker: malformed request: " << line << '\n';
      return 1;
    }
    simulation->run(job, std::cout);
  }
}
