#include "host/rtl/verilated.hpp"

#include <utility>

#include "host/rtl/energy.hpp"
#include "host/rtl/program.hpp"
#include "host/rtl/register_map.hpp"
#include "host/rtl/worker.hpp"

namespace polaris {
namespace {

std::string describe_errors(std::uint32_t errors) {
  std::string text;
  const auto add = [&](std::uint32_t bit, const char* what) {
    if ((errors >> bit & 1) != 0) text += (text.empty() ? "" : ", ") + std::string(what);
  };
  add(rtl::kErrorScratchpad, "scratchpad row beyond its capacity");
  add(rtl::kErrorAccumulator, "accumulator row beyond its capacity");
  add(rtl::kErrorDram, "DRAM address beyond the tensors");
  return "accelerator reports: " + text;
}

/// What an answer means for its job.
RtlResult judge(const RtlJob& job, const WorkerAnswer& answer) {
  if (!answer.refusal.empty()) return failed_result(RtlStatus::crashed, answer.refusal);
  if (answer.errors != 0) return failed_result(RtlStatus::crashed, describe_errors(answer.errors));
  RtlResult out;
  out.counters = answer.counters;
  // Without the mechanism the accelerator counts a read of all rows of a pass as one.
  if (!job.mechanisms.weight_preload) out.counters.weight_rows *= job.point.mapping.spatial_c;
  if (!answer.finished) {
    out.status = RtlStatus::cycle_limit;
    out.reason = "not finished after " + std::to_string(job.max_cycles) + " cycles";
    out.cycles = job.max_cycles;
    return out;
  }
  out.cycles = answer.counters.cycles;
  out.energy = rtl_energy(out.counters, job.point, job.mechanisms);
  out.energy_pj = out.energy.total();
  if (answer.mismatches != 0) {
    out.status = RtlStatus::mismatch;
    out.reason = std::to_string(answer.mismatches) + " of " +
                 std::to_string(job.layer.output_words()) + " outputs differ from the reference";
  }
  return out;
}

class VerilatedRunner : public JobRunner {
 public:
  VerilatedRunner(const std::filesystem::path& executable, int dim,
                  const std::vector<std::string>& arguments)
      : worker_(executable, dim, arguments) {}

  Outcome run(std::uint64_t, const RtlJob& job, RtlResult& result, std::string& why) override {
    WorkerAnswer answer;
    const Outcome outcome = worker_.run(job, program_accelerator(job), answer, why);
    if (outcome == Outcome::answered) result = judge(job, answer);
    return outcome;
  }

  void kill() noexcept override { worker_.kill(); }

 private:
  RtlWorker worker_;
};

class VerilatedBackend : public JobBackend {
 public:
  VerilatedBackend(RtlModelOptions options,
                   std::function<std::filesystem::path(int dim)> worker_for,
                   std::vector<std::string> arguments)
      : models_(std::move(options)),
        worker_for_(std::move(worker_for)),
        arguments_(std::move(arguments)) {}

  std::string hash() const override { return models_.source_hash(); }

  std::string refusal(const RtlJob& job) const override { return rtl_refusal(job); }

  StartRunner prepare(int dim, const std::function<bool()>& cancelled) const override {
    const auto executable = worker_for_ ? worker_for_(dim) : models_.worker(dim, cancelled);
    return [executable, dim, arguments = arguments_] {
      return std::make_unique<VerilatedRunner>(executable, dim, arguments);
    };
  }

 private:
  RtlModelCache models_;
  std::function<std::filesystem::path(int dim)> worker_for_;
  std::vector<std::string> arguments_;
};

}  // namespace

std::unique_ptr<JobBackend> make_verilated_backend(
    RtlModelOptions options, std::function<std::filesystem::path(int dim)> worker_for,
    std::vector<std::string> arguments) {
  return std::make_unique<VerilatedBackend>(std::move(options), std::move(worker_for),
                                            std::move(arguments));
}

}  // namespace polaris
