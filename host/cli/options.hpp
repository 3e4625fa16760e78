// What every sub-command accepts.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

namespace CLI {
class App;
class Option;
class Validator;
}  // namespace CLI

namespace polaris {

struct GlobalOptions {
  std::uint64_t seed = 0;        ///< of everything random
  int threads = 0;               ///< 0: all cores this process may run on
  std::string backend = "auto";  ///< auto, cpu or cuda
  bool json = false;             ///< results as JSON instead of text
  bool quiet = false;            ///< only warnings and errors on stderr
};

/// The options of this process, filled before a sub-command's callback runs.
GlobalOptions& global_options();

/// Registers the options above; they may stand before or after the sub-command.
void add_global_options(CLI::App& app);

/// Accepts decimal integers of [low, high]; the refusal names the range and what came.
CLI::Validator integer_in(std::int64_t low,
                          std::int64_t high = std::numeric_limits<std::int64_t>::max());

/// Accept finite decimal numbers above 0, or from 0, up to kMostNumber.
CLI::Validator positive_number();
CLI::Validator non_negative_number();

/// Accepts finite decimal numbers of [low, high].
CLI::Validator number_in(double low, double high);

/// Larger than any quantity here; smaller by far than where its products leave the range of double.
inline constexpr double kMostNumber = 1e30;

/// Accepts the given words; the refusal lists them.
CLI::Validator one_of(std::vector<std::string> words);

/// Adds `--evaluator COMMAND`; `field` becomes its words, empty where the option is absent.
CLI::Option* add_evaluator_option(CLI::App& command, std::vector<std::string>& field);

/// A sub-command with its line in the command list and the example that ends its help.
CLI::App* add_command(CLI::App& app, const std::string& name, const std::string& description,
                      const std::string& example);

}  // namespace polaris
