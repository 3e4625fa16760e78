#include <algorithm>
#include <stdexcept>
#include <string>

#include "kernels/device/block_top_k.cuh"
#include "kernels/device/buffer.hpp"
#include "kernels/device/device_space.hpp"
#include "kernels/device/stream.hpp"
#include "kernels/exhaustive_top_k.hpp"
#include "kernels/select_top_k.cuh"
#include "kernels/space_score.cuh"

namespace polaris {
namespace {

template <class T>
void require(bool met, const char* name, T value, const std::string& expected) {
  if (!met)
    throw std::invalid_argument(std::string("exhaustive_top_k: ") + name + ": expected " +
                                expected + ", got " + std::to_string(value));
}

void validate(const LayerSpaceView& view, const ExhaustiveParams& params) {
  require(params.end <= view.size, "end", params.end,
          "at most the space's size " + std::to_string(view.size));
  require(params.begin <= params.end, "begin", params.begin,
          "at most end " + std::to_string(params.end));
  require(params.k >= 1 && params.k <= kMaxSharedTopK, "k", params.k,
          "1 to " + std::to_string(kMaxSharedTopK));
  require(params.tile >= 1 && params.tile <= kMaxTile, "tile", params.tile,
          "1 to " + std::to_string(kMaxTile));
}

}  // namespace

ExhaustiveResult exhaustive_top_k(const LayerSpaceView& view, const ExhaustiveParams& params) {
  validate(view, params);
  const auto k = static_cast<std::size_t>(params.k);
  const int blocks = space_score_blocks();
  const DeviceStream stream;
  const DeviceSpace space(view, stream);
  DeviceBuffer<ScoredIndex> best(k, "the best points of a sweep");
  DeviceBuffer<ScoredIndex> block_best(k * static_cast<std::size_t>(blocks),
                                       "the best points of each block");
  DeviceBuffer<std::uint32_t> block_best_count(1, "the count of these");
  DeviceBuffer<unsigned long long> feasible(1, "the count of feasible points");
  best.upload(std::vector<ScoredIndex>(k, no_candidate()), stream);
  block_best_count.upload(std::vector<std::uint32_t>{static_cast<std::uint32_t>(block_best.size())},
                          stream);
  feasible.upload(std::vector<unsigned long long>{0}, stream);

  for (std::uint64_t begin = params.begin; begin < params.end;) {
    const std::uint64_t count = std::min(params.tile, params.end - begin);
    space_score({.view = space.view(),
                 .begin = begin,
                 .count = count,
                 .objective = params.objective,
                 .k = params.k,
                 .best = best.data(),
                 .blocks = blocks,
                 .block_best = block_best.data(),
                 .feasible = feasible.data()},
                stream);
    select_top_k({.candidates = block_best.data(),
                  .count = block_best_count.data(),
                  .k = params.k,
                  .best = best.data(),
                  .workspace = nullptr},
                 stream);
    begin += count;
  }

  ExhaustiveResult result;
  result.best = best.download(stream);
  std::erase_if(result.best, [](const ScoredIndex& c) { return !is_candidate(c); });
  result.feasible = feasible.download(stream)[0];
  return result;
}

}  // namespace polaris
