#include "host/rtl/worker.hpp"

#include <sstream>
#include <string_view>

namespace polaris {
namespace {

constexpr int kProtocolVersion = 1;

std::string request(const RtlJob& job, const RtlProgram& program) {
  std::ostringstream out;
  out << "run " << job.functional << ' ' << job.max_cycles << ' ' << job.data_seed;
  for (const std::int32_t bound : job.layer.size) out << ' ' << bound;
  out << ' ' << job.layer.stride_w << ' ' << job.layer.stride_h << ' ' << job.layer.dilation_w
      << ' ' << job.layer.dilation_h << ' ' << program.dram.input << ' ' << program.dram.weight
      << ' ' << program.dram.output << ' ' << program.dram.bytes << ' ' << program.requant_shift
      << ' ' << program.registers.size();
  for (const RegisterWrite& write : program.registers)
    out << ' ' << write.address << ' ' << write.value;
  out << '\n';
  return out.str();
}

bool parse(const std::string& line, WorkerAnswer& answer) {
  constexpr std::string_view kFailed = "failed ";
  if (line.starts_with(kFailed)) {
    answer.refusal = line.substr(kFailed.size());
    return true;
  }
  std::istringstream in(line);
  std::string verb;
  std::size_t counters = 0;
  in >> verb >> answer.finished >> answer.errors >> answer.mismatches >> counters;
  if (verb != "done" || counters != kRtlCounterFields.size()) return false;
  for (const auto& [name, member] : kRtlCounterFields) in >> answer.counters.*member;
  return static_cast<bool>(in);
}

std::vector<std::string> command_line(const std::filesystem::path& executable,
                                      const std::vector<std::string>& arguments) {
  std::vector<std::string> out = {executable.string()};
  out.insert(out.end(), arguments.begin(), arguments.end());
  return out;
}

}  // namespace

RtlWorker::RtlWorker(const std::filesystem::path& executable, int dim,
                     const std::vector<std::string>& arguments)
    : process_(command_line(executable, arguments)), dim_(dim) {}

bool RtlWorker::expect_line(std::string& line, double deadline_s, Outcome& outcome,
                            std::string& why) {
  switch (process_.read_line(line, deadline_s)) {
    case Subprocess::Read::line:
      return true;
    case Subprocess::Read::timeout:
      outcome = Outcome::timed_out;
      why = "no answer within the time limit";
      return false;
    case Subprocess::Read::closed:
      break;
  }
  outcome = Outcome::died;
  why = "simulation worker ended with " + process_.end();
  return false;
}

RtlWorker::Outcome RtlWorker::run(const RtlJob& job, const RtlProgram& program,
                                  WorkerAnswer& answer, std::string& why) {
  const double deadline = job.time_limit_s > 0.0 ? monotonic_seconds() + job.time_limit_s : 0.0;
  Outcome outcome = Outcome::died;
  std::string line;
  if (!greeted_) {
    if (!expect_line(line, deadline, outcome, why)) return outcome;
    const std::string greeting =
        "polaris-rtl-worker " + std::to_string(kProtocolVersion) + " " + std::to_string(dim_);
    if (line != greeting) {
      why = "simulation worker: expected '" + greeting + "', got '" + line + "'";
      return Outcome::died;
    }
    greeted_ = true;
  }
  // A worker that cannot take the request has ended: reading says how.
  process_.write(request(job, program));
  if (!expect_line(line, deadline, outcome, why)) return outcome;
  if (!parse(line, answer)) {
    why = "simulation worker said: " + line;
    return Outcome::died;
  }
  return Outcome::answered;
}

}  // namespace polaris
