// The GPU report: what is known of the kernels without running them on a GPU. Counts are exact for
// the PTX; bounds follow from counts and data sheets. Nothing here is a measurement.
// Usage: gpu_report BUDGET.json OUT.json {--arch N PROFILE.json ITEMS.json PTXAS.txt...}...
// Exits with 1 where a kernel spills, exceeds its budget or has none.
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <vector>

#include "bench/gpu_report/candidate.hpp"
#include "bench/gpu_report/occupancy.hpp"
#include "bench/gpu_report/ptxas.hpp"

namespace {

using namespace polaris::gpu_report;
using nlohmann::json;

json read_json(const std::string& path) {
  std::ifstream file(path);
  if (!file) throw std::runtime_error(path + ": expected a file, got none");
  return json::parse(file);
}

struct Inputs {
  int arch;
  std::string profile, items;
  std::vector<std::string> ptxas;
};

std::vector<Inputs> parse_arguments(int argc, char** argv) {
  std::vector<Inputs> out;
  for (int i = 3; i < argc; ++i) {
    if (std::string(argv[i]) == "--arch" && i + 3 < argc) {
      out.push_back({std::atoi(argv[i + 1]), argv[i + 2], argv[i + 3], {}});
      i += 3;
    } else if (!out.empty()) {
      out.back().ptxas.emplace_back(argv[i]);
    }
  }
  if (out.empty())
    throw std::runtime_error("gpu_report: expected BUDGET OUT {--arch N PROFILE ITEMS PTXAS...}");
  return out;
}

double ratio(const json& traffic) {
  const double ideal = traffic["ideal"];
  return ideal > 0 ? traffic["needed"].get<double>() / ideal : 1.0;
}

/// Seconds that each resource of the device needs for one item, were it the only one.
json times_per_item(const Device& device, const json& counts, double items) {
  const json& flops = counts["flops"];
  const json& bytes = counts["compulsory_bytes"];
  constexpr double kWarpThreads = 32;
  return {{"fp32", flops["fp32"].get<double>() / device.fp32 / items},
          {"fp64", flops["fp64"].get<double>() / device.fp64 / items},
          {"tf32", flops["tf32"].get<double>() / device.tf32 / items},
          {"bf16", flops["bf16"].get<double>() / device.bf16 / items},
          {"special functions",
           counts["special_functions"].get<double>() / special_rate(device) / items},
          {"instructions",
           counts["thread_instructions"].get<double>() / kWarpThreads / issue_rate(device) / items},
          {"shared memory",
           counts["shared_wavefronts"]["needed"].get<double>() / wavefront_rate(device) / items},
          {"DRAM", (bytes["loaded"].get<double>() + bytes["stored"].get<double>()) /
                       device.bandwidth / items}};
}

json kernel_report(const Device& device, const json& counts, const json& item,
                   const Resources& resources) {
  const double items = item[0];
  const json times = times_per_item(device, counts, items);
  const auto slowest = std::max_element(
      times.begin(), times.end(),
      [](const json& a, const json& b) { return a.get<double>() < b.get<double>(); });
  const int threads = counts["threads_per_block"];
  const Occupancy fit =
      occupancy(device, resources.registers,
                resources.shared_bytes + counts["dynamic_shared"].get<int>(), threads);
  const auto per_item = [items](const json& count) { return count.get<double>() / items; };
  return {
      {"kernel", counts["kernel"]},
      {"device", device.name},
      {"registers", resources.registers},
      {"spill_bytes", resources.spill_bytes},
      {"stack_bytes", resources.stack_bytes},
      {"shared_bytes", {{"static", resources.shared_bytes}, {"dynamic", counts["dynamic_shared"]}}},
      {"threads_per_block", threads},
      {"occupancy", {{"blocks", fit.blocks}, {"warps", fit.warps}, {"limiter", fit.limiter}}},
      {"items", item},
      {"per_item",
       {{"instructions", per_item(counts["thread_instructions"])},
        {"fp32_flop", per_item(counts["flops"]["fp32"])},
        {"fp64_flop", per_item(counts["flops"]["fp64"])},
        {"tf32_flop", per_item(counts["flops"]["tf32"])},
        {"bf16_flop", per_item(counts["flops"]["bf16"])},
        {"special_functions", per_item(counts["special_functions"])},
        {"global_bytes",
         per_item(counts["global_bytes"]["loaded"]) + per_item(counts["global_bytes"]["stored"])},
        {"compulsory_bytes", per_item(counts["compulsory_bytes"]["loaded"]) +
                                 per_item(counts["compulsory_bytes"]["stored"])}}},
      {"sectors_ratio", ratio(counts["global_sectors"])},
      {"wavefronts_ratio", ratio(counts["shared_wavefronts"])},
      {"worst_lines", counts["worst_lines"]},
      {"upper_bound",
       {{"items_per_second", 1 / slowest->get<double>()}, {"limiter", slowest.key()}}}};
}

void print(const json& k) {
  const json& item = k["per_item"];
  fmt::print(
      "{} on {}\n"
      "  {} registers, {} bytes spilled, {} bytes of stack; {} + {} bytes of shared memory, {} "
      "threads\n"
      "  {} blocks on a multiprocessor, {:.0f} % of its warps, limited by {}\n"
      "  each of {} {}: {:.0f} PTX instructions, {:.1f} fp32 + {:.1f} fp64 + {:.1f} tf32 + {:.1f} "
      "bf16 "
      "flop, {:.1f} special functions\n"
      "    {:.1f} bytes asked of global memory, {:.1f} in different sectors\n"
      "  sectors {:.2f} times the ideal, shared-memory wavefronts {:.2f} times\n",
      k["kernel"].get<std::string>(), k["device"].get<std::string>(), k["registers"].get<int>(),
      k["spill_bytes"].get<int>(), k["stack_bytes"].get<int>(),
      k["shared_bytes"]["static"].get<int>(), k["shared_bytes"]["dynamic"].get<int>(),
      k["threads_per_block"].get<int>(), k["occupancy"]["blocks"].get<int>(),
      100 * k["occupancy"]["warps"].get<double>(), k["occupancy"]["limiter"].get<std::string>(),
      k["items"][0].get<std::uint64_t>(), k["items"][1].get<std::string>(),
      item["instructions"].get<double>(), item["fp32_flop"].get<double>(),
      item["fp64_flop"].get<double>(), item["tf32_flop"].get<double>(),
      item["bf16_flop"].get<double>(), item["special_functions"].get<double>(),
      item["global_bytes"].get<double>(), item["compulsory_bytes"].get<double>(),
      k["sectors_ratio"].get<double>(), k["wavefronts_ratio"].get<double>());
  for (const json& line : k["worst_lines"])
    fmt::print("    {}: {} {:.2f} times the ideal in {} requests\n",
               line["place"].get<std::string>(), line["memory"].get<std::string>(),
               ratio(line["traffic"]), line["traffic"]["requests"].get<std::uint64_t>());
  fmt::print("  at most {:.3g} {}/s, by {} (upper bound, from counts, not measured)\n",
             k["upper_bound"]["items_per_second"].get<double>(), k["items"][1].get<std::string>(),
             k["upper_bound"]["limiter"].get<std::string>());
}

/// Prints what exceeds the budget; returns how much does.
int excesses(const json& k, const json& budget) {
  int count = 0;
  const auto limit = [&](const char* what, double value, double most) {
    if (value <= most) return;
    fmt::print("OVER BUDGET: {} on {}: {}: at most {:g}, got {:g}\n",
               k["kernel"].get<std::string>(), k["device"].get<std::string>(), what, most, value);
    ++count;
  };
  limit("spilled bytes", k["spill_bytes"], 0);
  limit("registers", k["registers"], budget["registers"]);
  limit("instructions per item", k["per_item"]["instructions"], budget["instructions"]);
  limit("sectors against the ideal", k["sectors_ratio"], budget["sectors_ratio"]);
  limit("wavefronts against the ideal", k["wavefronts_ratio"], budget["wavefronts_ratio"]);
  return count;
}

/// The fused path keeps what it computes; only places of candidates pass through device memory.
int excess_traffic(const json& candidates) {
  constexpr double kMostBytes = 16.0;
  int count = 0;
  for (const json& e : candidates)
    if (e["dram_bytes"] > kMostBytes) {
      fmt::print("OVER BUDGET: device memory: at most {} bytes per candidate, got {}\n", kMostBytes,
                 e["dram_bytes"].get<double>());
      ++count;
    }
  return count;
}

int run(int argc, char** argv) {
  const std::vector<Inputs> inputs = parse_arguments(argc, argv);
  const json budgets = read_json(argv[1]);
  json out = {{"kernels", json::array()}, {"candidates", json::array()}};
  json& kernels = out["kernels"];
  int over = 0;
  for (const Inputs& in : inputs) {
    std::map<std::string, Resources> resources;
    for (const std::string& path : in.ptxas) read_ptxas(path, resources);
    const json profile = read_json(in.profile), items = read_json(in.items);
    for (const auto& [name, budget] : budgets.items()) {
      const auto counts = std::find_if(profile.begin(), profile.end(), [&n = name](const json& c) {
        return c["kernel"].get<std::string>() == n;
      });
      if (counts == profile.end() || !items.contains(name) || resources.count(name) == 0)
        throw std::runtime_error(name + ": has a budget, but is not in the workload");
      kernels.push_back(
          kernel_report(device_of(in.arch), *counts, items[name], resources.at(name)));
      print(kernels.back());
      over += excesses(kernels.back(), budget[std::to_string(in.arch)]);
    }
    for (const auto& [name, resource] : resources)
      if (!budgets.contains(name))
        throw std::runtime_error(name + ": expected a line in the budget and in the workload");
    const json candidates = candidate_report(device_of(in.arch), profile, items);
    print_candidates(candidates);
    over += excess_traffic(candidates);
    out["candidates"].insert(out["candidates"].end(), candidates.begin(), candidates.end());
  }
  std::ofstream(argv[2]) << out.dump(2) << "\n";
  return over == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {
    fmt::print(stderr, "gpu_report: {}\n", error.what());
    return EXIT_FAILURE;
  }
}
