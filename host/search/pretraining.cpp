#include "host/search/pretraining.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "host/config/space_yaml.hpp"
#include "host/config/workload_yaml.hpp"
#include "host/core/hash.hpp"
#include "host/core/parallel.hpp"
#include "host/core/paths.hpp"
#include "models/starlight/features.hpp"

namespace polaris {
namespace {

/// Part of the key: raise it where the recipe below changes.
constexpr int kRecipe = 1;
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

Pretrained pretrained_for(const SearchProblem& problem, int threads) {
  const std::string key =
      content_hash(fmt::format("{} {} recipe {} features {}", space_hash(problem.space()),
                               workload_hash(problem.workload()), kRecipe, kFeatures));
  const auto folder = cache_dir() / "starlight" / key;
  if (std::filesystem::is_regular_file(folder / "model.json")) return Pretrained::load(folder);
  spdlog::info("pre-training the encoder on {} analytical samples", kPoints);
  PretrainOptions options;
  options.seed = kSeed;
  options.threads = threads;
  options.source = fmt::format("analytical model, space {}, workload {}", problem.space().name,
                               problem.workload().name);
  const Pretrained trained =
      pretrain(pretraining_points(problem, kPoints, kSeed, threads), options);
  trained.save(folder);
  return trained;
}

}  // namespace polaris
