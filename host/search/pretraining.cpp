#include "host/search/pretraining.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <exception>

#include "host/config/space_yaml.hpp"
#include "host/config/workload_yaml.hpp"
#include "host/core/error.hpp"
#include "host/core/hash.hpp"
#include "host/core/parallel.hpp"
#include "host/core/paths.hpp"
#include "host/core/printable.hpp"
#include "models/starlight/features.hpp"

namespace polaris {
namespace {

/// Part of the key: raise it where the recipe below changes.
constexpr int kRecipe = 2;
constexpr std::int64_t kPoints = 40'000;
constexpr std::uint64_t kSeed = 1;
constexpr int kRandomTries = 500;
constexpr int kDraws = 12;

}  // namespace

std::vector<LayerPoint> pretraining_points(const SearchProblem& problem, std::int64_t count,
                                           std::uint64_t seed, int threads) {
  std::vector<LayerPoint> out(static_cast<std::size_t>(count));
  const auto layers = static_cast<std::uint64_t>(problem.layer_count());
  parallel_for(count, 64, threads, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const auto n = static_cast<std::uint64_t>(i);
      const int layer = static_cast<int>(n % layers);
      const std::uint64_t hardware =
          problem.hardware()[uniform_below(problem.hardware().size(), seed, 0, n)];
      const int draws = n / layers % 2 == 0 ? 1 : kDraws;
      PointId best{};
      double least = 0.0;
      for (int draw = 0; draw < draws; ++draw) {
        const PointId id = problem.random_feasible(
            layer, hardware, seed, 1 + n * kDraws + static_cast<std::uint64_t>(draw), kRandomTries);
        const LayerCost cost = problem.analytical_cost(id);
        if (draw > 0 && cost.cycles * cost.energy_pj >= least) continue;
        best = id;
        least = cost.cycles * cost.energy_pj;
      }
      const DesignPoint point = problem.point(best);
      out[static_cast<std::size_t>(i)] = {problem.layer(layer), point.hardware, point.mapping};
    }
  });
  return out;
}

std::filesystem::path shipped_encoder(const DesignSpace& space) {
  constexpr std::size_t kHashDigits = 8;
  return zoo_dir() / "encoders" /
         (file_name_of(space.name) + "-" + space_hash(space).substr(0, kHashDigits));
}

Pretrained pretrain_for_space(const DesignSpace& space, const std::vector<Workload>& workloads,
                              const PretrainOptions& options) {
  if (workloads.empty()) throw Error::expected("at least one workload", "none", "pre-training");
  std::vector<LayerPoint> points;
  PretrainOptions named = options;
  named.source = fmt::format("analytical model, space {}, workloads", space.name);
  for (const Workload& workload : workloads) {
    const auto part = pretraining_points(SearchProblem(workload, space),
                                         kPoints / static_cast<std::int64_t>(workloads.size()),
                                         kSeed + options.seed, options.threads);
    points.insert(points.end(), part.begin(), part.end());
    named.source += " " + workload.name;
  }
  return pretrain(points, named);
}

Pretrained pretrained_for(const SearchProblem& problem, int threads) {
  const std::filesystem::path shipped = shipped_encoder(problem.space());
  if (std::filesystem::is_regular_file(shipped / "model.json")) {
    try {
      return Pretrained::load(shipped);
    } catch (const Error& error) {
      spdlog::warn("the encoder of space {} is not used: {}", problem.space().name, error.what());
    }
  }
  std::string features;
  for (const char* name : kFeatureNames) features += std::string(name) + " ";
  const std::string key =
      content_hash(fmt::format("{} {} recipe {} features {}", space_hash(problem.space()),
                               workload_hash(problem.workload()), kRecipe, features));
  const auto folder = cache_dir() / "starlight" / key;
  std::error_code ignored;
  if (std::filesystem::exists(folder, ignored)) {
    try {
      return Pretrained::load(folder);
    } catch (const std::exception& error) {
      spdlog::warn("the cached encoder is damaged and trained again: {}", error.what());
      std::filesystem::remove_all(folder, ignored);
    }
  }
  spdlog::info("pre-training the encoder on {} analytical samples", kPoints);
  PretrainOptions options;
  options.threads = threads;
  const Pretrained trained = pretrain_for_space(problem.space(), {problem.workload()}, options);
  try {
    trained.save(folder);
  } catch (const std::exception& error) {
    spdlog::warn("the encoder is not kept, the next search trains it again: {}", error.what());
  }
  return trained;
}

}  // namespace polaris
