// polaris merge: the shards of a sweep become its results.
#include <CLI/CLI.hpp>
#include <filesystem>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "host/cli/commands.hpp"
#include "host/cli/options.hpp"
#include "host/core/error.hpp"
#include "host/sweep/results.hpp"
#include "host/sweep/sweep.hpp"

namespace polaris {
namespace {

struct MergeCommand {
  std::string out;
  std::string model;
  std::vector<std::string> shards;
};

/// The model of a sweep that ranks hardware by its predictions; none for others.
std::optional<StarlightModel> model_of(const SweepSpec& spec, const std::string& folder) {
  if (spec.fidelity != Fidelity::starlight || !ranks_hardware(spec)) return std::nullopt;
  if (folder.empty())
    throw Error::expected("--model, the model of the sweep, to rank hardware", "none", "merge");
  StarlightModel model = StarlightModel::load(folder);
  if (model.hash() != spec.model_hash)
    throw Error::expected("the model of the sweep, " + spec.model_hash, model.hash(), folder);
  return model;
}

void run_merge(const MergeCommand& command) {
  const std::vector<std::filesystem::path> files(command.shards.begin(), command.shards.end());
  const SweepPlan plan(read_shard_spec(files.front()));
  const std::optional<StarlightModel> model = model_of(plan.spec(), command.model);
  const std::vector<LayerResult> layers = merge_shards(plan, files);
  const std::vector<NetworkDesign> ranking = rank_hardware(plan, layers, model ? &*model : nullptr);
  write_results(plan, layers, ranking, command.out);
  std::cout << (global_options().json ? format_json(plan, layers)
                                      : format_text(plan, layers, ranking));
}

}  // namespace

void add_merge(CLI::App& app) {
  const auto command = std::make_shared<MergeCommand>();
  CLI::App* sub = add_command(
      app, "merge", "Join the shards of a sweep: the same files as of one undivided sweep",
      "polaris merge sweep-resnet50 sweep-resnet50/shard-*.json");
  sub->add_option("out", command->out, "folder for the tables and certificate.json")->required();
  sub->add_option("shards", command->shards, "files of all shards, in any order")->required();
  sub->add_option("--model", command->model,
                  "the model of a sweep of a whole workload with Starlight, for the deviations in "
                  "the ranking of hardware");
  sub->callback([command] { run_merge(*command); });
}

}  // namespace polaris
