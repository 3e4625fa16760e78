// tile = [next, next + min(tile_size, end - next)); next += step; the lists of the tile before are
// counted and emptied. One thread: a dozen words.
//
// Of the whole posterior's work the bound takes about a third and the sketch a seventh, and of the
// bound's the sketch a third. So the bound has to drop half of what could be dropped, which is what
// does not pass in the end, and the sketch three fifths. Both limits also keep the lists' traffic
// below 16 bytes per candidate, once the k best are known roughly: 8 for what can run, 8 for what
// the sketch leaves, 8 for survivors.

#include "kernels/device/launch.cuh"
#include "kernels/next_tile.cuh"

namespace polaris {
namespace {

__device__ ScanStage best_entry(const std::uint32_t sizes[kScanStages]) {
  const auto in_vain = [sizes](ScanStage stage) {
    return std::uint64_t{sizes[static_cast<int>(stage)]} -
           sizes[static_cast<int>(ScanStage::passed)];
  };
  const std::uint64_t most = in_vain(ScanStage::feasible);
  if (2 * in_vain(ScanStage::survivors) > most) return ScanStage::survivors;
  if (5 * in_vain(ScanStage::sketched) > 2 * most) return ScanStage::sketched;
  return ScanStage::feasible;
}

__global__ void next_tile_kernel(ScanState* state) {
  // What entered a later list has passed the earlier ones unseen.
  for (std::uint32_t s = 0; s < state->entry; ++s) state->sizes[s] = state->sizes[state->entry];
  if (state->until_trial > 0) {
    if (--state->until_trial == 0) state->entry = static_cast<std::uint32_t>(ScanStage::feasible);
  } else if (const ScanStage entry = best_entry(state->sizes); entry != ScanStage::feasible) {
    state->entry = static_cast<std::uint32_t>(entry);
    state->until_trial = kTilesPerTrial - 1;
  }
  for (int s = 0; s < kScanStages; ++s) {
    state->totals[s] += state->sizes[s];
    state->sizes[s] = 0;
  }
  ScanRange& range = state->range;
  const std::uint64_t left = range.next < range.end ? range.end - range.next : 0;
  state->tile.first = range.next;
  state->tile.count = left < range.tile_size ? static_cast<std::uint32_t>(left) : range.tile_size;
  // An end near 2^64 must not wrap round to a new beginning.
  range.next = left > range.step ? range.next + range.step : range.end;
}

}  // namespace

void next_tile(ScanState* state, const DeviceStream& stream) {
  launch(next_tile_kernel, {1, 1}, stream.get(), state);
}

}  // namespace polaris
