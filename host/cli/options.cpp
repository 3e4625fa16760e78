#include "host/cli/options.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <utility>

#include "host/rtl/external.hpp"

namespace polaris {
namespace {

/// Empty where `text` is an integer of type T in [low, high], else what was expected.
template <typename T>
std::string check_integer(const std::string& text, T low, T high) {
  T value{};
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  // Compared as text too: the parser behind this check would read 010 as octal.
  if (error == std::errc() && stop == end && value >= low && value <= high &&
      std::to_string(value) == text)
    return {};
  const std::string range = high == std::numeric_limits<T>::max()
                                ? " >= " + std::to_string(low)
                                : " of " + std::to_string(low) + ".." + std::to_string(high);
  return "expected an integer" + range + ", got '" + text + "'";
}

/// Refuses what is no decimal number of [low, high] as a whole: NaN too, which no comparison with a
/// bound refuses.
CLI::Validator number_validator(double low, double high, const std::string& wanted) {
  const auto check = [low, high, wanted](std::string& text) {
    double value = 0.0;
    const char* const end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, value);
    if (error == std::errc() && stop == end && value >= low && value <= high) return std::string();
    return "expected " + wanted + ", got '" + text + "'";
  };
  return CLI::Validator(check, "");
}

}  // namespace

GlobalOptions& global_options() {
  static GlobalOptions options;
  return options;
}

CLI::Validator integer_in(std::int64_t low, std::int64_t high) {
  return CLI::Validator([low, high](std::string& text) { return check_integer(text, low, high); },
                        "");
}

CLI::Validator number_in(double low, double high) {
  return number_validator(low, high, fmt::format("a number of {}..{}", low, high));
}

CLI::Validator positive_number() {
  constexpr double kLeast = std::numeric_limits<double>::min();
  return number_validator(kLeast, kMostNumber,
                          fmt::format("a number > 0, at most {}", kMostNumber));
}

CLI::Validator non_negative_number() {
  return number_validator(0.0, kMostNumber, fmt::format("a number >= 0, at most {}", kMostNumber));
}

CLI::Validator one_of(std::vector<std::string> words) {
  return CLI::Validator(
      [words = std::move(words)](std::string& text) {
        if (std::find(words.begin(), words.end(), text) != words.end()) return std::string();
        std::string list;
        for (const std::string& word : words) list += (list.empty() ? "" : ", ") + word;
        return "expected one of " + list + ", got '" + text + "'";
      },
      "");
}

void add_global_options(CLI::App& app) {
  GlobalOptions& options = global_options();
  const CLI::Validator seed(
      [](std::string& text) {
        return check_integer<std::uint64_t>(text, 0, std::numeric_limits<std::uint64_t>::max());
      },
      "");
  constexpr int kMaxThreads = 4096;
  app.add_option("--seed", options.seed, "Seed of everything random")
      ->check(seed)
      ->envname("POLARIS_SEED")
      ->capture_default_str();
  app.add_option("--threads", options.threads, "Threads to use; 0: all cores")
      ->check(integer_in(0, kMaxThreads))
      ->envname("POLARIS_THREADS")
      ->capture_default_str();
  app.add_option("--backend", options.backend, "auto, cpu or cuda")
      ->check(one_of({"auto", "cpu", "cuda"}))
      ->envname("POLARIS_BACKEND")
      ->capture_default_str();
  app.add_flag("--json", options.json, "Results as JSON");
  app.add_flag("--quiet", options.quiet, "Only warnings and errors on stderr");
}

CLI::Option* add_evaluator_option(CLI::App& command, std::vector<std::string>& field) {
  return command
      .add_option_function<std::string>(
          "--evaluator", [&field](const std::string& text) { field = split_command(text); },
          "Your own RTL flow instead of the built-in accelerator: a command, run once per design "
          "point, that reads one JSON object on stdin and prints {\"cycles\": N, \"energy_pj\": X} "
          "(host/rtl/README.md)")
      ->type_name("\"COMMAND ARGS\"");
}

CLI::App* add_command(CLI::App& app, const std::string& name, const std::string& description,
                      const std::string& example) {
  CLI::App* command = app.add_subcommand(name, description);
  command->footer("Example:\n  " + example +
                  "\n\nGlobal options (see polaris --help): --seed --threads --backend --json "
                  "--quiet");
  return command;
}

}  // namespace polaris
