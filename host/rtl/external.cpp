#include "host/rtl/external.hpp"

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "host/core/error.hpp"
#include "host/core/hash.hpp"
#include "host/core/in_quotes.hpp"
#include "host/core/paths.hpp"
#include "host/io/json_reader.hpp"
#include "host/io/mapping_text.hpp"
#include "host/rtl/program.hpp"
#include "host/rtl/subprocess.hpp"
#include "models/space/feasibility.hpp"

namespace polaris {
namespace {

using nlohmann::ordered_json;

constexpr int kSchema = 1;
constexpr std::size_t kMaxAnswerBytes = 1 << 20;

/// Foreign text as part of a one-line reason: whatever it holds, it ends up short and printable.
std::string shown(std::string_view text) {
  constexpr std::size_t kLongest = 200;
  return one_line(text, kLongest);
}

std::string last_line(std::string_view text) {
  const std::size_t end = text.find_last_not_of(" \t\r\n");
  if (end == std::string_view::npos) return "";
  text = text.substr(0, end + 1);
  return shown(text.substr(text.find_last_of('\n') + 1));
}

ordered_json level_json(const Mapping& mapping, Level level, const char* name) {
  ordered_json loops = ordered_json::array(), spatial = ordered_json::array();
  const auto add = [](ordered_json& list, Dim dim, std::int64_t bound) {
    if (bound > 1)
      list.push_back({{"dim", std::string(1, kDimLetters[index_of(dim)])}, {"bound", bound}});
  };
  for (const Dim dim : mapping.order[index_of(level)]) add(loops, dim, mapping.factor(level, dim));
  if (level == Level::scratchpad) add(spatial, Dim::K, mapping.spatial_k);
  if (level == Level::accumulator) add(spatial, Dim::C, mapping.spatial_c);
  return {{"level", name}, {"loops", std::move(loops)}, {"spatial", std::move(spatial)}};
}

RtlResult broken(const std::string& reason) {
  return failed_result(RtlStatus::crashed, "evaluator: " + reason);
}

RtlResult expected(const std::string& wanted, const std::string& got) {
  return broken("expected " + wanted + ", got " + shown(got));
}

/// An answer that says why there are no measurements.
RtlResult excuse(RtlStatus status, const std::string& key, const ordered_json& answer) {
  const ordered_json& reason = answer[key];
  if (!reason.is_string() || answer.size() != 1)
    return expected("'" + key + "' alone, a string", answer.dump());
  return failed_result(status, "evaluator: " + shown(reason.get<std::string>()));
}

/// What an answer that is a JSON object means.
RtlResult read_answer(const RtlJob& job, const ordered_json& answer) {
  if (answer.contains("error")) return excuse(RtlStatus::crashed, "error", answer);
  if (answer.contains("infeasible")) return excuse(RtlStatus::infeasible, "infeasible", answer);
  for (const auto& [key, value] : answer.items())
    if (key != "cycles" && key != "energy_pj" && key != "counters")
      return expected("the keys cycles, energy_pj and counters, or error, or infeasible",
                      "'" + key + "'");
  const auto value_of = [&](const char* key) {
    return answer.contains(key) ? answer[key].dump() : std::string("nothing");
  };
  const ordered_json cycles = answer.value("cycles", ordered_json());
  if (!cycles.is_number_unsigned() || cycles == 0)
    return expected("'cycles', a positive integer", value_of("cycles"));
  RtlResult out;
  if (cycles.get<std::uint64_t>() > static_cast<std::uint64_t>(job.max_cycles)) {
    out = failed_result(RtlStatus::cycle_limit,
                        "not finished after " + std::to_string(job.max_cycles) + " cycles");
    out.cycles = job.max_cycles;
    return out;
  }
  const ordered_json energy = answer.value("energy_pj", ordered_json());
  if (!energy.is_number() || energy.get<double>() <= 0.0)
    return expected("'energy_pj', a positive number", value_of("energy_pj"));
  const ordered_json counters = answer.value("counters", ordered_json::object());
  out.named_counters.emplace();
  if (!counters.is_object())
    return expected("'counters', an object of numbers", value_of("counters"));
  for (const auto& [name, value] : counters.items()) {
    if (!value.is_number())
      return expected("'counters', an object of numbers", value_of("counters"));
    (*out.named_counters)[name] = value.get<double>();
  }
  out.cycles = cycles.get<std::int64_t>();
  out.energy_pj = energy.get<double>();
  return out;
}

/// The program that a command begins with: a path, or a name to be found on PATH.
std::filesystem::path locate(const std::string& name) {
  const bool is_path = name.find('/') != std::string::npos;
  std::filesystem::path program = is_path ? name : find_program(name).string();
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(program, ignored) || ::access(program.c_str(), X_OK) != 0)
    throw Error::expected("an executable program", "'" + shown(name) + "'", "evaluator");
  return program;
}

/// Read in pieces: an argument may name a file of any size.
std::string file_hash(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::string piece(1 << 20, '\0'), pieces;
  while (in) {
    in.read(piece.data(), static_cast<std::streamsize>(piece.size()));
    pieces += content_hash({piece.data(), static_cast<std::size_t>(in.gcount())});
  }
  if (!in.eof()) throw Failure("evaluator: " + path.string() + ": cannot be read");
  return content_hash(pieces);
}

/// Of a command whose program has been found.
std::string command_hash(const std::vector<std::string>& command) {
  ordered_json parts = {"polaris external evaluator", kSchema, file_hash(command[0])};
  for (std::size_t i = 1; i < command.size(); ++i) {
    parts.push_back(command[i]);
    std::error_code not_a_file;
    const bool is_file = std::filesystem::is_regular_file(command[i], not_a_file);
    parts.push_back(is_file ? file_hash(command[i]) : "");
  }
  // Arguments are bytes, JSON is UTF-8: what is not is replaced.
  return content_hash(parts.dump(-1, ' ', false, ordered_json::error_handler_t::replace));
}

class ExternalRunner : public JobRunner {
 public:
  explicit ExternalRunner(std::vector<std::string> command) : process_(std::move(command)) {}

  Outcome run(std::uint64_t id, const RtlJob& job, RtlResult& result, std::string& why) override {
    const double deadline = job.time_limit_s > 0.0 ? monotonic_seconds() + job.time_limit_s : 0.0;
    const auto output = process_.run(evaluator_request(id, job), deadline, kMaxAnswerBytes);
    const std::string said = last_line(output.err);
    const std::string detail = said.empty() ? "" : ": " + said;
    switch (output.ending) {
      case FilterProcess::Ending::timed_out:
        why = "evaluator: no answer within the time limit" + detail;
        return Outcome::timed_out;
      case FilterProcess::Ending::signalled:
        why = "evaluator ended with signal " + std::to_string(output.code) + detail;
        return Outcome::died;
      case FilterProcess::Ending::too_long:
        result = broken("expected an answer of at most " + std::to_string(kMaxAnswerBytes) +
                        " bytes, got more");
        break;
      case FilterProcess::Ending::exited:
        result = output.code == 0
                     ? evaluator_result(job, output.out)
                     : failed_result(RtlStatus::crashed, "evaluator ended with exit code " +
                                                             std::to_string(output.code) + detail);
    }
    return Outcome::answered;
  }

  void kill() noexcept override { process_.kill(); }

 private:
  FilterProcess process_;
};

class ExternalBackend : public JobBackend {
 public:
  explicit ExternalBackend(std::vector<std::string> command) : command_(std::move(command)) {
    command_.front() = locate(command_.front()).string();
    hash_ = command_hash(command_);
  }

  std::string hash() const override { return hash_; }

  /// What makes a point meaningless; all else is the evaluator's to refuse.
  std::string refusal(const RtlJob& job) const override {
    if (job.functional) return "runs with data: expected the built-in accelerator";
    if (job.mechanisms != RtlMechanisms())
      return "runs without a mechanism: expected the built-in accelerator";
    std::string reason = mapping_refusal(job.layer, job.point.mapping);
    if (!reason.empty()) return reason;
    const HardwareConfig& hardware = job.point.hardware;
    if (hardware.bus_bytes < 1)
      return "bus_bytes: expected at least 1, got " + std::to_string(hardware.bus_bytes);
    const Feasibility verdict =
        check_words(hardware, tile_footprint(job.layer, job.point.mapping), job.point.mapping);
    return verdict == Feasibility::feasible ? "" : to_string(verdict);
  }

  StartRunner prepare(int, const std::function<bool()>&) const override {
    return [command = command_] { return std::make_unique<ExternalRunner>(command); };
  }

 private:
  std::vector<std::string> command_;
  std::string hash_;
};

}  // namespace

std::vector<std::string> split_command(std::string_view text) {
  std::vector<std::string> words;
  bool in_word = false;
  char quote = '\0';
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (quote == '\0' && (c == ' ' || c == '\t' || c == '\n')) {
      in_word = false;
      continue;
    }
    if (!in_word) words.emplace_back();
    in_word = true;
    if (c == quote) {
      quote = '\0';
    } else if (quote == '\0' && (c == '\'' || c == '"')) {
      quote = c;
    } else {
      if (c == '\\' && quote != '\'' && i + 1 < text.size()) c = text[++i];
      words.back() += c;
    }
  }
  if (quote != '\0' || words.empty() || words.front().empty())
    throw Error::expected("a command with its quotes closed", "'" + shown(text) + "'", "evaluator");
  return words;
}

std::string evaluator_request(std::uint64_t id, const RtlJob& job) {
  const auto& [hardware, mapping] = job.point;
  ordered_json layer;
  for (int d = 0; d < kDims; ++d) layer[std::string(1, kDimLetters[d])] = job.layer.size[d];
  layer["stride_w"] = job.layer.stride_w;
  layer["stride_h"] = job.layer.stride_h;
  layer["dilation_w"] = job.layer.dilation_w;
  layer["dilation_h"] = job.layer.dilation_h;
  const ordered_json request = {{"schema", kSchema},
                                {"job", id},
                                {"layer", std::move(layer)},
                                {"hardware",
                                 {{"dim", hardware.dim},
                                  {"accumulator_words_per_column", hardware.accumulator_words},
                                  {"scratchpad_bytes", hardware.scratchpad_bytes},
                                  {"bus_bytes", hardware.bus_bytes}}},
                                {"mapping",
                                 {{"text", format_mapping(mapping)},
                                  {"levels",
                                   {level_json(mapping, Level::dram, "dram"),
                                    level_json(mapping, Level::scratchpad, "scratchpad"),
                                    level_json(mapping, Level::accumulator, "accumulator"),
                                    level_json(mapping, Level::registers, "registers")}}}},
                                {"memory",
                                 {{"latency", job.memory.latency},
                                  {"max_outstanding", job.memory.max_outstanding},
                                  {"burst_bytes", job.memory.burst_bytes},
                                  {"page_miss", job.memory.page_miss},
                                  {"scratchpad_banks", job.memory.scratchpad_banks}}},
                                {"max_cycles", job.max_cycles}};
  return request.dump() + "\n";
}

RtlResult evaluator_result(const RtlJob& job, const std::string& answer_text) {
  try {
    const auto document = JsonDocument::parse(answer_text, "answer", {.bytes = kMaxAnswerBytes});
    if (document.root().raw().is_object()) return read_answer(job, document.root().raw());
  } catch (const JsonSyntaxError&) {
    // Reported below, like other values than objects.
  } catch (const Error& error) {
    return broken(shown(error.what()));
  }
  return expected("one JSON object on stdout",
                  answer_text.empty() ? "nothing" : "'" + answer_text + "'");
}

std::unique_ptr<JobBackend> make_external_backend(const std::vector<std::string>& command) {
  return std::make_unique<ExternalBackend>(command);
}

}  // namespace polaris
