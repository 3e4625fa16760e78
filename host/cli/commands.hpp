// The sub-commands: each registers its options and a callback that does the work and throws Error
// or Failure. In the order of a user's path.
#pragma once

namespace CLI {
class App;
}

namespace polaris {

void add_doctor(CLI::App& app);
void add_space(CLI::App& app);
void add_evaluate(CLI::App& app);
void add_simulate(CLI::App& app);
void add_search(CLI::App& app);
void add_sweep(CLI::App& app);
void add_merge(CLI::App& app);
void add_train(CLI::App& app);
void add_score(CLI::App& app);
void add_report(CLI::App& app);
void add_bench(CLI::App& app);

}  // namespace polaris
