#include "host/rtl/worker.hpp"

#include <charconv>
#include <limits>
#include <sstream>

#include "host/core/in_quotes.hpp"

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

/// Takes the next word of `line`, a decimal number of at most `high`; nothing where it is another.
std::optional<std::int64_t> take_number(std::string_view& line, std::int64_t high) {
  if (!line.starts_with(' ')) return std::nullopt;
  std::int64_t value = 0;
  const char* const last = line.data() + line.size();
  const auto [end, error] = std::from_chars(line.data() + 1, last, value);
  if (error != std::errc{} || value < 0 || value > high) return std::nullopt;
  line.remove_prefix(static_cast<std::size_t>(end - line.data()));
  return value;
}

std::vector<std::string> command_line(const std::filesystem::path& executable,
                                      const std::vector<std::string>& arguments) {
  std::vector<std::string> out = {executable.string()};
  out.insert(out.end(), arguments.begin(), arguments.end());
  return out;
}

}  // namespace

std::optional<WorkerAnswer> parse_worker_answer(std::string_view line) {
  WorkerAnswer answer;
  constexpr std::string_view kFailed = "failed ", kDone = "done";
  if (line.starts_with(kFailed)) {
    answer.refusal = line.substr(kFailed.size());
    return answer;
  }
  if (!line.starts_with(kDone)) return std::nullopt;
  line.remove_prefix(kDone.size());
  constexpr std::int64_t kMost = std::int64_t{1} << 53;  // sums and doubles stay exact far above it
  constexpr auto kCounters = static_cast<std::int64_t>(kRtlCounterFields.size());
  const auto finished = take_number(line, 1);
  const auto errors = take_number(line, std::numeric_limits<std::uint32_t>::max());
  const auto mismatches = take_number(line, kMost);
  if (!finished || !errors || !mismatches || take_number(line, kCounters) != kCounters)
    return std::nullopt;
  answer.finished = *finished == 1;
  answer.errors = static_cast<std::uint32_t>(*errors);
  answer.mismatches = *mismatches;
  for (const auto& [name, member] : kRtlCounterFields) {
    const auto value = take_number(line, kMost);
    if (!value) return std::nullopt;
    answer.counters.*member = *value;
  }
  if (!line.empty()) return std::nullopt;
  return answer;
}

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
      why = "simulation worker: expected '" + greeting + "', got " + in_quotes(line);
      return Outcome::died;
    }
    greeted_ = true;
  }
  // A worker that cannot take the request has ended: reading says how.
  process_.write(request(job, program));
  if (!expect_line(line, deadline, outcome, why)) return outcome;
  const auto parsed = parse_worker_answer(line);
  if (!parsed) {
    why = "simulation worker said: " + one_line(line);
    return Outcome::died;
  }
  answer = *parsed;
  return Outcome::answered;
}

}  // namespace polaris
