// The fused path of a candidate: decode -> features -> latent -> kernel row -> posterior mean and
// variance -> prediction, or acquisition and what it is worth keeping.
//
// Nothing but places of candidates goes in and nothing but predictions, or the few candidates worth
// keeping, come out: features, latents and kernel rows never leave a multiprocessor.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/device/candidate_source.hpp"
#include "kernels/device/device_list.hpp"
#include "kernels/device/device_model.hpp"
#include "kernels/device/stream.hpp"
#include "kernels/screen_precision.hpp"
#include "models/space/scored_index.hpp"
#include "models/starlight/prediction.hpp"

namespace polaris {

inline constexpr unsigned kScoreThreads = 256;

/// What becomes of a candidate.
enum class ScoreOutput : std::uint8_t {
  predictions,  ///< written
  survivors,    ///< appended to `survivors` unless it can not be among the k best
  best          ///< appended to `passed` with its score if it ranks before the k-th best
};

/// How much of a candidate's posterior is computed.
enum class ScoreDepth : std::uint8_t {
  sketch,  ///< that of the first kPrefixRows samples: means bounded from below, deviations from
           ///< above
  bound,   ///< means; deviations bounded from above by the first kPrefixRows rows of L^-1
  whole
};

/// How a block lays its work out; see choose_score_layout.
struct ScoreLayout {
  int columns;         ///< candidates of a product tile: 8, 16, 32 or 64
  int batch;           ///< candidates decoded at a time, a thread each: a multiple of `columns`
  bool row_in_shared;  ///< else the kernel row lies in `rows`
  std::size_t shared_bytes;  ///< dynamic shared memory of a block
};

/// The layout that does the most work per word read within `shared_limit` bytes: kernel rows of
/// `kept_rows` samples in elements of `element_bytes`.
ScoreLayout choose_score_layout(int kept_rows, std::size_t element_bytes, std::size_t shared_limit);

template <typename T>
struct StarlightScoreParams {
  CandidateSource source;
  const CandidateTile* tile;               ///< device, [1]
  DeviceList<const std::uint32_t> places;  ///< in the tile, to be scored; items null: all of it
  DeviceModelView<T> model;
  ScreenPrecision precision;  ///< fp64 for double, else one of the others
  ScoreDepth depth;
  ScoreOutput output;
  BasicPrediction<T>* predictions;  ///< device, [tile count], by place in the tile
  Acquisition acquisition;
  PredictionError error;                ///< of a survivor's prediction
  const ScoredIndex* kth_best;          ///< device, [1]; scores are acquisition values negated
  DeviceList<std::uint32_t> survivors;  ///< places in the tile
  DeviceList<ScoredIndex> passed;
  ScoreLayout layout;
  T* rows;     ///< device, score_row_elements(...) elements unless layout.row_in_shared
  int blocks;  ///< of the grid, at least 1
};

/// Samples whose correlations a block keeps.
template <typename T>
POLARIS_HD int score_kept_rows(const DeviceModelView<T>& model, ScoreDepth depth) {
  const int rows = depth == ScoreDepth::whole ? model.samples : model.prefix_rows();
  return panel_count(rows, kSamplePanel) * kSamplePanel;
}

/// Elements of `rows` that `blocks` blocks need.
POLARIS_HD constexpr std::size_t score_row_elements(const ScoreLayout& layout, int kept_rows,
                                                    int blocks) {
  return layout.row_in_shared
             ? 0
             : static_cast<std::size_t>(kept_rows) * static_cast<std::size_t>(layout.columns) *
                   static_cast<std::size_t>(blocks);
}

/// Queues the kernel on `stream`. Throws DeviceError.
template <typename T>
void starlight_score(const StarlightScoreParams<T>& params, const DeviceStream& stream);
extern template void starlight_score(const StarlightScoreParams<float>&, const DeviceStream&);
extern template void starlight_score(const StarlightScoreParams<double>&, const DeviceStream&);

}  // namespace polaris
