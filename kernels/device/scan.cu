#include <algorithm>
#include <cstddef>
#include <vector>

#include "kernels/device/range.hpp"
#include "kernels/device/scan.hpp"
#include "kernels/feasible_candidates.cuh"
#include "kernels/select_top_k.cuh"

namespace polaris {
namespace {

/// Of a lane's arena: an index, two places, a scored index.
constexpr std::size_t kBytesPerCandidate =
    sizeof(std::uint64_t) + 2 * sizeof(std::uint32_t) + sizeof(ScoredIndex);

template <class T>
std::vector<T> copies(std::size_t count, const T& value) {
  return std::vector<T>(count, value);
}

}  // namespace

std::uint32_t Scan::tile_size(const ScoreLane& lane) {
  constexpr std::size_t kArrays = 4;
  const std::size_t room = lane.arena().size() - kArrays * DeviceArena::kAlignment;
  return static_cast<std::uint32_t>(
      std::min<std::uint64_t>(room / kBytesPerCandidate, kMaxTileCandidates));
}

Scan::Scan(ScoreLane& lane, const ScanRequest& request, const ScoredIndex& bound)
    : lane_(lane),
      request_(request),
      space_(request.candidates.space, lane.stream()),
      best_(static_cast<std::size_t>(request.k), "the best candidates of a scan"),
      workspace_(select_top_k_workspace(request.k), "merging the best candidates"),
      state_(1, "the state of a scan"),
      tile_size_(tile_size(lane)) {
  best_.upload(copies(best_.size(), ScoredIndex{bound.score, kNoIndex}), lane.stream());
  state_.upload(copies(1, ScanState{}), lane.stream());
  lane.arena().reset();
  indices_ = lane.arena().take<std::uint64_t>(tile_size_);
  for (std::uint32_t*& list : places_) list = lane.arena().take<std::uint32_t>(tile_size_);
  passed_ = lane.arena().take<ScoredIndex>(tile_size_);
}

void Scan::run_strided(std::uint64_t begin, std::uint64_t stride, std::uint32_t count) {
  upload_range({0, tile_size_, count, tile_size_});
  queue_tile({space_.view(), nullptr, nullptr, begin, stride});
}

void Scan::run_list(std::span<const std::uint64_t> indices) {
  const ProfilerRange range("list tile");
  POLARIS_CUDA(cudaMemcpyAsync(indices_, indices.data(), indices.size_bytes(),
                               cudaMemcpyHostToDevice, lane_.stream().get()));
  upload_range({0, tile_size_, indices.size(), tile_size_});
  queue_tile({space_.view(), nullptr, indices_, 0, 1});
  tile_done_.record(lane_.stream());
}

void Scan::set_range(const ScanRange& range) {
  upload_range(range);
  graph_.emplace(lane_.stream(), [this] { queue_tile({space_.view(), nullptr, nullptr, 0, 1}); });
}

void Scan::run_next() {
  const ProfilerRange range("tile");
  graph_->launch(lane_.stream());
  tile_done_.record(lane_.stream());
}

ScanResult Scan::finish() {
  next_tile(state_.data(), lane_.stream());  // counts the last tile
  ScanResult out;
  out.best = best_.download(lane_.stream());
  std::erase_if(out.best, [](const ScoredIndex& c) { return c.index == kNoIndex; });
  const ScanState state = state_.download(lane_.stream())[0];
  const auto total = [&state](ScanStage stage) { return state.totals[static_cast<int>(stage)]; };
  out.feasible = total(ScanStage::feasible);
  out.sketched = total(ScanStage::sketched);
  out.survivors = total(ScanStage::survivors);
  out.finalists = total(ScanStage::finalists);
  return out;
}

void Scan::upload_range(const ScanRange& range) {
  POLARIS_CUDA(cudaMemcpyAsync(&state_.data()->range, &range, sizeof range, cudaMemcpyHostToDevice,
                               lane_.stream().get()));
}

std::uint32_t* Scan::size_of(ScanStage stage) {
  return &state_.data()->sizes[static_cast<int>(stage)];
}

DeviceList<std::uint32_t> Scan::places(ScanStage stage) {
  return {places_[static_cast<int>(stage) % 2], size_of(stage)};
}

template <typename T>
void Scan::screen(const CandidateSource& source, ScanStage from, ScoreDepth depth) {
  StarlightScoreParams<T> params = lane_.workbench<T>().params(source, &state_.data()->tile, depth);
  params.places = {places(from).items, places(from).size};
  params.precision = request_.precision;
  params.output = ScoreOutput::survivors;
  params.acquisition = request_.acquisition;
  params.error = request_.error;
  params.error.upper_only = depth != ScoreDepth::whole;
  params.kth_best = best_.data() + request_.k - 1;
  params.survivors = places(static_cast<ScanStage>(static_cast<int>(from) + 1));
  starlight_score(params, lane_.stream());
}

void Scan::queue_tile(const CandidateSource& source) {
  const DeviceStream& stream = lane_.stream();
  const CandidateTile* const tile = &state_.data()->tile;
  next_tile(state_.data(), stream);
  feasible_candidates({.source = source,
                       .tile = tile,
                       .lists = {places(ScanStage::feasible), places(ScanStage::sketched),
                                 places(ScanStage::survivors)},
                       .entry = &state_.data()->entry,
                       .blocks = lane_.thread_blocks()},
                      stream);
  ScanStage last = ScanStage::survivors;
  if (request_.precision != ScreenPrecision::fp64) {
    screen<float>(source, ScanStage::feasible, ScoreDepth::sketch);
    screen<float>(source, ScanStage::sketched, ScoreDepth::bound);
    screen<float>(source, ScanStage::survivors, ScoreDepth::whole);
    last = ScanStage::finalists;
  } else {
    screen<double>(source, ScanStage::feasible, ScoreDepth::sketch);
    screen<double>(source, ScanStage::sketched, ScoreDepth::bound);
  }
  StarlightScoreParams<double> exact =
      lane_.workbench<double>().params(source, tile, ScoreDepth::whole);
  exact.places = {places(last).items, places(last).size};
  exact.output = ScoreOutput::best;
  exact.acquisition = request_.acquisition;
  exact.kth_best = best_.data() + request_.k - 1;
  exact.passed = {passed_, size_of(ScanStage::passed)};
  starlight_score(exact, stream);
  select_top_k({.candidates = passed_,
                .count = size_of(ScanStage::passed),
                .k = request_.k,
                .best = best_.data(),
                .workspace = workspace_.data()},
               stream);
}

}  // namespace polaris
