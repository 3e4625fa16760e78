// Counts of a pass of the screen grow with the number P of panels of samples as a + b P + c P^2, as
// long as as many rows fill the first one: exactly for operations, nearly for instructions, because
// eight warps share the panels. Three profiled numbers of panels therefore give all others; a
// fourth one checks it.
//
// A candidate goes through feasible_candidates and, by what the passes before it drop, through the
// sketch, the bound on the variance and the whole posterior. Passes that drop too little run on one
// of kTilesPerTrial tiles. Finalists, float64 and the merging of the k best are too few to count.
#include "bench/gpu_report/candidate.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>
#include <map>
#include <stdexcept>
#include <string>

#include "kernels/starlight_sketch.hpp"
#include "models/starlight/network.hpp"
#include "models/starlight/prediction.hpp"

namespace polaris::gpu_report {
namespace {

using nlohmann::json;
using Counts = std::map<std::string, double>;

constexpr int kPanel = 32;
constexpr int kSamples[] = {256, 611, 1567};
constexpr int kFewInputs = 64;  ///< as in the design's figures
/// Which screen drops 95 %, and the shares of the candidates that enter each.
struct Pruning {
  const char* by;
  double sketched, bounded, whole;  ///< negative: in trials only
};
constexpr double kTrials = -1.0;
constexpr Pruning kPrunings[] = {
    {"nothing", kTrials, kTrials, 1.0}, {"bound", kTrials, 1.0, 0.05}, {"sketch", 1.0, 0.05, 0.05}};
constexpr double kFinalists = 0.05;  ///< of survivors, written to the next list
constexpr double kWarp = 32;
constexpr double kSectorBytes = 32;

const json& profile_of(const json& profile, const std::string& name) {
  const auto found = std::find_if(profile.begin(), profile.end(), [&](const json& c) {
    return c["kernel"].get<std::string>() == name;
  });
  if (found == profile.end()) throw std::runtime_error(name + ": expected in the profile");
  return *found;
}

/// Per candidate.
Counts counts_of(const json& profile, const json& items, const std::string& name) {
  const json& c = profile_of(profile, name);
  const double candidates = items.at(name)[0];
  const auto each = [candidates](const json& count) { return count.get<double>() / candidates; };
  return {{"fp32", each(c["flops"]["fp32"])},
          {"fp64", each(c["flops"]["fp64"])},
          {"tf32", each(c["flops"]["tf32"])},
          {"bf16", each(c["flops"]["bf16"])},
          {"special functions", each(c["special_functions"])},
          {"instructions", each(c["thread_instructions"])},
          {"shared wavefronts", each(c["shared_wavefronts"]["needed"])},
          {"L2 bytes", kSectorBytes * each(c["global_sectors"]["needed"])}};
}

struct Pass {
  std::string products;  ///< "Plain", "Tf32" or "Bf16"
  std::string depth;     ///< "sketch", "bound" or "whole"
  int columns;

  std::string kernel() const {
    return "void polaris::starlight_score_kernel<float, " + std::to_string(columns / 8) +
           ", polaris::" + products + "Products>";
  }
  std::string label(int samples, int candidates) const {
    return kernel() + " " + depth + " " + std::to_string(samples) + " " +
           std::to_string(candidates);
  }
};

/// Counts for any number of samples.
Counts pass_counts(const json& profile, const json& items, const Pass& pass, int samples) {
  constexpr std::array<int, 3> kKnown = {3, 5, 9};
  constexpr int kCheck = 7, kCandidates = 64;
  constexpr double kTolerance = 0.01;
  const int wanted = (samples + kPanel - 1) / kPanel;
  const auto label = [&](int panels) {
    return pass.label(samples - (wanted - panels) * kPanel, kCandidates);
  };
  std::array<Counts, 3> known;
  for (std::size_t i = 0; i < known.size(); ++i)
    known[i] = counts_of(profile, items, label(kKnown[i]));
  const auto at = [&](double panels) {
    Counts out;
    for (const auto& [name, value] : known[0])
      for (std::size_t i = 0; i < known.size(); ++i) {
        double weight = 1.0;
        for (std::size_t j = 0; j < known.size(); ++j)
          if (j != i) weight *= (panels - kKnown[j]) / (kKnown[i] - kKnown[j]);
        out[name] += weight * known[i].at(name);
      }
    return out;
  };
  const Counts check = counts_of(profile, items, label(kCheck));
  for (const auto& [name, value] : at(kCheck))
    if (std::abs(value - check.at(name)) > kTolerance * check.at(name))
      throw std::runtime_error(fmt::format("{}: {}: expected about {:g} by interpolation, got {:g}",
                                           label(kCheck), name, value, check.at(name)));
  return at(wanted);
}

/// Bytes in different sectors that a candidate more brings, loaded and stored.
std::array<double, 2> marginal_bytes(const json& profile, const Pass& pass) {
  constexpr int kFew = 64, kMany = 128, kSamplesThen = 96;
  std::array<double, 2> out{};
  const json& few = profile_of(profile, pass.label(kSamplesThen, kFew))["compulsory_bytes"];
  const json& many = profile_of(profile, pass.label(kSamplesThen, kMany))["compulsory_bytes"];
  const char* const kinds[] = {"loaded", "stored"};
  for (std::size_t i = 0; i < 2; ++i)
    out[i] = (many[kinds[i]].get<double>() - few[kinds[i]].get<double>()) / (kMany - kFew);
  return out;
}

/// Operations that `inputs` fewer kernel inputs save in one pass, and of their instructions the
/// multiply-adds alone: loads would be saved too.
void take_inputs_away(Counts& counts, const Pass& pass, int samples, int inputs) {
  const double rows =
      pass.depth == "sketch" ? kPrefixRows : (samples + kPanel - 1) / kPanel * kPanel;
  const double distance = 2.0 * rows * inputs;
  // First layer, linear path, norm and linear means.
  double fp32 = 2.0 * inputs * (kHidden1 + kLatent + 1 + kMaxOutputs);
  if (pass.products == "Plain")
    fp32 += distance;
  else
    counts["tf32"] -= 3.0 * distance;
  counts["fp32"] -= fp32;
  counts["instructions"] -= 0.5 * fp32;
}

double arithmetic_seconds(const Device& d, const Counts& c) {
  return std::max({c.at("fp32") / d.fp32, c.at("fp64") / d.fp64,
                   c.at("tf32") / d.tf32 + c.at("bf16") / d.bf16,
                   c.at("special functions") / special_rate(d)});
}

}  // namespace

json candidate_report(const Device& device, const json& profile, const json& items) {
  json out = json::array();
  const std::string feasible = "polaris::feasible_candidates_kernel";
  const json& feasible_bytes = profile_of(profile, feasible)["compulsory_bytes"];
  const double candidates = items.at(feasible)[0];
  const double trials = 1.0 / items.at("tiles per trial")[0].get<double>();
  for (const int samples : kSamples)
    for (const int inputs : {kKernelInputs, kFewInputs})
      for (const std::string products : {"Plain", "Tf32", "Bf16"})
        for (const Pruning& pruning : kPrunings) {
          const int columns = items.at(fmt::format("columns sm_{} {}", device.arch, samples))[0];
          const bool tensor_cores = columns >= 32;  // else the kernel does without
          const auto entering = [trials](double share) { return share < 0.0 ? trials : share; };
          const Pass passes[] = {{"Plain", "sketch", 64},
                                 {products == "Plain" ? "Plain" : "Tf32", "bound", 64},
                                 {tensor_cores ? products : "Plain", "whole", columns}};
          const double shares[] = {entering(pruning.sketched), entering(pruning.bounded),
                                   pruning.whole, kFinalists * pruning.whole};
          Counts sum = counts_of(profile, items, feasible);
          double dram =
              (feasible_bytes["loaded"].get<double>() + feasible_bytes["stored"].get<double>()) /
              candidates;
          for (std::size_t i = 0; i < std::size(passes); ++i) {
            Counts counts = pass_counts(profile, items, passes[i], samples);
            take_inputs_away(counts, passes[i], samples, kKernelInputs - inputs);
            for (auto& [name, value] : sum) value += shares[i] * counts.at(name);
            // A pass writes what enters the next one.
            const auto [loaded, stored] = marginal_bytes(profile, {"Plain", passes[i].depth, 64});
            dram += shares[i] * loaded + std::min(shares[i], shares[i + 1]) * stored;
          }
          const double arithmetic =
              std::max(arithmetic_seconds(device, sum), dram / device.bandwidth);
          json entry = {{"device", device.name},
                        {"samples", samples},
                        {"inputs", inputs},
                        {"precision", products == "Plain"  ? "fp32"
                                      : products == "Tf32" ? "tf32"
                                                           : "bf16"},
                        {"dropped_by", pruning.by},
                        {"survivors", pruning.whole},
                        {"columns", columns},
                        {"counts", sum},
                        {"dram_bytes", dram},
                        {"candidates_per_second", {{"by_arithmetic", 1.0 / arithmetic}}}};
          json& rates = entry["candidates_per_second"];
          rates["by_instructions"] = kWarp * issue_rate(device) / sum.at("instructions");
          // These were counted for the true number of inputs only.
          if (inputs == kKernelInputs) {
            rates["by_shared_memory"] = wavefront_rate(device) / sum.at("shared wavefronts");
          } else {
            for (const char* const name : {"shared wavefronts", "L2 bytes"})
              entry["counts"].erase(name);
          }
          out.push_back(entry);
        }
  return out;
}

void print_candidates(const json& report) {
  fmt::print(
      "\nOne candidate: thousand operations, bytes, and million candidates per second at most, by "
      "arithmetic, by instructions and by shared memory (upper bounds, from counts, not "
      "measured)\n"
      "device samples inputs precision 95 % dropped by    fp32    tf32    bf16 DRAM B   L2 kB   "
      "arith.  "
      "instr.  shared\n");
  const auto figure = [](const json& of, const char* name, double unit) {
    return of.contains(name) ? fmt::format("{:.1f}", of[name].get<double>() * unit) : "-";
  };
  for (const json& e : report) {
    const json &c = e["counts"], &rates = e["candidates_per_second"];
    fmt::print("{:6} {:7} {:6} {:>9} {:>15} {:>7} {:>7} {:>7} {:6.1f} {:>7} {:>8} {:>7} {:>7}\n",
               e["device"].get<std::string>(), e["samples"].get<int>(), e["inputs"].get<int>(),
               e["precision"].get<std::string>(), e["dropped_by"].get<std::string>(),
               figure(c, "fp32", 1e-3), figure(c, "tf32", 1e-3), figure(c, "bf16", 1e-3),
               e["dram_bytes"].get<double>(), figure(c, "L2 bytes", 1e-3),
               figure(rates, "by_arithmetic", 1e-6), figure(rates, "by_instructions", 1e-6),
               figure(rates, "by_shared_memory", 1e-6));
  }
}

}  // namespace polaris::gpu_report
