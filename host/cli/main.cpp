// polaris: parses the command line, runs one sub-command, maps failures to exit codes.
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <string>

#include "host/cli/commands.hpp"
#include "host/cli/exit_code.hpp"
#include "host/cli/options.hpp"
#include "host/cli/standard_streams.hpp"
#include "host/core/error.hpp"
#include "host/core/version.hpp"

namespace polaris {
namespace {

/// stdout belongs to results: progress and logs go to stderr.
void configure_logging(bool quiet) {
  const auto mode = std::getenv("NO_COLOR") != nullptr ? spdlog::color_mode::never
                                                       : spdlog::color_mode::automatic;
  const auto sink = std::make_shared<spdlog::sinks::stderr_color_sink_mt>(mode);
  spdlog::set_default_logger(std::make_shared<spdlog::logger>("polaris", sink));
  spdlog::set_pattern("%^%l%$: %v");
  spdlog::set_level(quiet ? spdlog::level::warn : spdlog::level::info);
}

int fail(std::string message, int exit_code) {
  std::replace(message.begin(), message.end(), '\n', ' ');
  std::cerr << "polaris: " << message << '\n';
  return exit_code;
}

void run(CLI::App& app, int argc, char** argv) {
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& request) {  // --help and --version are answers, not errors
    app.exit(request);
  }
  if (!std::cout.flush()) throw Failure("stdout: write failed");
}

int main_checked(int argc, char** argv) {
  CLI::App app("Multi-fidelity design space exploration of deep-learning accelerators.", "polaris");
  app.set_version_flag("--version", std::string("polaris ") + kVersion);
  app.require_subcommand(1);
  app.fallthrough();  // inherited by the sub-commands: global options may follow them
  app.footer("polaris COMMAND --help shows the options of a command and an example.");
  add_global_options(app);
  add_doctor(app);
  add_space(app);
  add_evaluate(app);
  add_simulate(app);
  add_search(app);
  add_sweep(app);
  add_merge(app);
  add_train(app);
  add_score(app);
  add_report(app);
  add_bench(app);
  app.parse_complete_callback([] { configure_logging(global_options().quiet); });
  try {
    run(app, argc, argv);
    return kSuccess;
  } catch (const CLI::ParseError& error) {
    return fail(std::string(error.what()) + " (see --help)", kWrongInput);
  } catch (const Error& error) {
    return fail(error.what(), kWrongInput);
  } catch (const PartialAnswer& answer) {
    return fail(answer.what(), kPartial);
  } catch (const std::exception& error) {
    return fail(error.what(), kFailed);
  }
}

}  // namespace
}  // namespace polaris

int main(int argc, char** argv) {
  polaris::hold_standard_streams();
  return polaris::main_checked(argc, argv);
}
