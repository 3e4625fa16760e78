// polaris merge: the shards of a sweep become its results.
#include <CLI/CLI.hpp>
#include <filesystem>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "host/cli/commands.hpp"
#include "host/cli/options.hpp"
#include "host/sweep/results.hpp"
#include "host/sweep/sweep.hpp"

namespace polaris {
namespace {

struct MergeCommand {
  std::string out;
  std::vector<std::string> shards;
};

void run_merge(const MergeCommand& command) {
  const std::vector<std::filesystem::path> files(command.shards.begin(), command.shards.end());
  const SweepPlan plan(read_shard_spec(files.front()));
  const std::vector<LayerResult> layers = merge_shards(plan, files);
  write_results(plan, layers, command.out);
  std::cout << (global_options().json ? format_json(plan, layers) : format_text(plan, layers));
}

}  // namespace

void add_merge(CLI::App& app) {
  const auto command = std::make_shared<MergeCommand>();
  CLI::App* sub = add_command(
      app, "merge", "Join the shards of a sweep: the same files as of one undivided sweep",
      "polaris merge sweep-resnet50 sweep-resnet50/shard-*.json");
  sub->add_option("out", command->out, "folder for the tables and certificate.json")->required();
  sub->add_option("shards", command->shards, "files of all shards, in any order")->required();
  sub->callback([command] { run_merge(*command); });
}

}  // namespace polaris
