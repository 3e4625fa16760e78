// polaris: parses the command line, runs one sub-command, maps failures to exit codes.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>
#include <new>
#include <string>

#include "host/cli/commands.hpp"
#include "host/cli/exit_code.hpp"
#include "host/cli/options.hpp"
#include "host/cli/printable_output.hpp"
#include "host/cli/standard_streams.hpp"
#include "host/core/error.hpp"
#include "host/core/paths.hpp"
#include "host/core/printable.hpp"
#include "host/core/read_file.hpp"
#include "host/core/version.hpp"

namespace polaris {
namespace {

int fail(std::string message, int exit_code) {
  std::replace(message.begin(), message.end(), '\n', ' ');
  std::cerr << "polaris: " << printable(message) << '\n';
  return exit_code;
}

/// A value that is empty comes from a variable that a script has not set: it means no default.
void refuse_empty_values(const CLI::App& app) {
  for (const CLI::Option* option : app.get_options())
    for (const std::string& value : option->results())
      if (value.empty()) throw Error::expected("a value", "''", option->get_name());
  for (const CLI::App* command : app.get_subcommands()) refuse_empty_values(*command);
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
  drop_relative_path_entries();
  const PrintableOutput output;
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
  app.parse_complete_callback([&app] {
    refuse_empty_values(app);
    configure_logging(global_options().quiet);
    if (global_options().json) stdout_carries_data();
  });
  try {
    run(app, argc, argv);
    return kSuccess;
  } catch (const CLI::ParseError& error) {
    return fail(std::string(error.what()) + " (see --help)", kWrongInput);
  } catch (const Error& error) {
    return fail(error.what(), kWrongInput);
  } catch (const PartialAnswer& answer) {
    return fail(answer.what(), kPartial);
  } catch (const std::bad_alloc&) {
    return fail("out of memory (" + size_text(memory_bytes()) + " may be used)", kFailed);
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
