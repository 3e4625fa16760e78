#include <algorithm>
#include <utility>

#include "kernels/device/score_lane.hpp"

namespace polaris {
namespace {

/// The scoring kernel's registers leave room for one block on a multiprocessor.
constexpr int kScoreBlocksPerMultiprocessor = 1;
/// 2048 threads in blocks of 256.
constexpr int kThreadBlocksPerMultiprocessor = 8;

}  // namespace

template <typename T>
ScoreWorkbench<T>::ScoreWorkbench(std::shared_ptr<const DeviceModel<T>> model,
                                  std::size_t shared_limit, int blocks)
    : model_(std::move(model)),
      prefix_(choose_score_layout(score_kept_rows(model_->view(), ScoreDepth::bound), sizeof(T),
                                  shared_limit)),
      full_(choose_score_layout(score_kept_rows(model_->view(), ScoreDepth::whole), sizeof(T),
                                shared_limit)),
      blocks_(blocks),
      rows_(std::max(score_row_elements(prefix_, score_kept_rows(model_->view(), ScoreDepth::bound),
                                        blocks),
                     score_row_elements(full_, score_kept_rows(model_->view(), ScoreDepth::whole),
                                        blocks)),
            "kernel rows") {}

template <typename T>
StarlightScoreParams<T> ScoreWorkbench<T>::params(const CandidateSource& source,
                                                  const CandidateTile* tile, ScoreDepth depth) {
  StarlightScoreParams<T> out{};
  out.source = source;
  out.tile = tile;
  out.model = model_->view();
  out.precision = sizeof(T) == sizeof(float) ? ScreenPrecision::fp32 : ScreenPrecision::fp64;
  out.depth = depth;
  out.layout = depth == ScoreDepth::whole ? full_ : prefix_;
  out.rows = rows_.data();
  out.blocks = blocks_;
  return out;
}

template class ScoreWorkbench<float>;
template class ScoreWorkbench<double>;

ScoreLane::ScoreLane(std::size_t list_bytes, std::size_t shared_limit)
    : arena_(list_bytes, std::min(list_bytes, kLeastListBytes), "lists of candidates"),
      shared_limit_(shared_limit != 0 ? shared_limit : shared_memory_limit()),
      score_blocks_(kScoreBlocksPerMultiprocessor * multiprocessor_count()),
      thread_blocks_(kThreadBlocksPerMultiprocessor * multiprocessor_count()) {}

void ScoreLane::attach(std::shared_ptr<const DeviceModel<float>> f32,
                       std::shared_ptr<const DeviceModel<double>> f64) {
  single_.reset();
  double_.reset();
  single_.emplace(std::move(f32), shared_limit_, score_blocks_);
  double_.emplace(std::move(f64), shared_limit_, score_blocks_);
}

template <>
ScoreWorkbench<float>& ScoreLane::workbench<float>() {
  return single_.value();
}
template <>
ScoreWorkbench<double>& ScoreLane::workbench<double>() {
  return double_.value();
}

}  // namespace polaris
